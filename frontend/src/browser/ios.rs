//! Wallets on iPhones and iPads.
//!
//! If several apps handle `lightning:` links, iOS opens one of them without asking. So wallets have
//! schemes of their own.

/// A wallet's name, and the prefix of the invoice in its links.
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
    // Compares bytes, because the library's text search adds two kilobytes to the download.
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
