//! Wallets on iPhones and iPads.
//!
//! Where several apps take `lightning:` links, the system opens one of them, and nobody can say
//! which. So wallets have schemes of their own.

/// A wallet's name, and what comes before the invoice in its own links.
pub const WALLETS: [(&str, &str); 8] = [
    ("BlueWallet", "bluewallet:lightning:"),
    ("Breez", "breez:"),
    ("Muun", "muun:"),
    ("Phoenix", "phoenix://"),
    ("Strike", "strike:lightning:"),
    ("Wallet of Satoshi", "walletofsatoshi:lightning:"),
    ("ZBD", "zebedee:lightning:"),
    ("Zeus", "zeusln:lightning:"),
];

/// Whether the page is on such a device.
pub fn is_here() -> bool {
    let navigator = gloo_utils::window().navigator();
    let agent = navigator.user_agent().unwrap_or_default();
    // By bytes: a search for text is two kilobytes of the download.
    let is_named = |name: &str| {
        agent
            .as_bytes()
            .windows(name.len())
            .any(|part| part == name.as_bytes())
    };
    // iPads call themselves Macs, which have no touch screen.
    ["iPhone", "iPad", "iPod"].into_iter().any(is_named)
        || is_named("Macintosh") && navigator.max_touch_points() > 1
}
