//! From the text of a value to the value. Errors say what is wrong with the text, and what to write.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderValue, Uri};
use ipnet::IpNet;
use purrwall_gateway::options::MAX_EXPIRY;
use shared::lightning::Network;

use crate::settings::origin::Given;

/// Where lightningd is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lightning {
    Socket(PathBuf),
    /// The address of clnrest.
    Rest(String),
}

pub(super) fn lightning(given: &Given) -> Lightning {
    if given.text.contains("://") {
        return Lightning::Rest(given.text.clone());
    }
    Lightning::Socket(given.path())
}

pub(super) fn dangerous_rune(text: &str) -> Result<bool, &'static str> {
    match text {
        "refuse" => Ok(false),
        "allow" => Ok(true),
        _ => Err("says not what to do; write refuse or allow"),
    }
}

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, &'static str> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("is no format of the log; write text or json"),
    }
}

pub(super) fn address(text: &str) -> Result<SocketAddr, &'static str> {
    let why = "is not an address with a port; write one such as 127.0.0.1:8080";
    text.parse().map_err(|_| why)
}

/// `true` or `false`.
pub(super) fn switch(text: &str) -> Result<bool, &'static str> {
    text.parse().map_err(|_| "is neither true nor false")
}

/// Names of hosts with spaces or commas between them.
pub(super) fn domains(text: &str) -> Result<Vec<String>, String> {
    let names = text.split([' ', ',']).filter(|name| !name.is_empty());
    let read = |name: &str| {
        let fits = |part: &str| {
            let plain =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            (1..=63).contains(&part.len()) && part.bytes().all(plain) && !part.starts_with('-')
        };
        let is_name = name.contains('.') && name.len() <= 253 && name.split('.').all(fits);
        let is_address = name.parse::<IpAddr>().is_ok();
        (is_name && !is_address).then(|| name.to_owned()).ok_or_else(|| {
            format!("names the host {name:?}; write one such as cats.example, in small letters, without https:// and port")
        })
    };
    let names: Vec<_> = names.map(read).collect::<Result<_, _>>()?;
    if names.is_empty() {
        return Err("names no host; write one such as cats.example".into());
    }
    Ok(names)
}

/// The address of a CA's directory.
pub(super) fn directory(text: &str) -> Result<String, &'static str> {
    let uri: Option<Uri> = text.parse().ok();
    let is_https = uri.is_some_and(|uri| uri.scheme_str() == Some("https") && uri.host().is_some());
    let why = "is no address of a CA's directory; write one such as \
               https://acme-v02.api.letsencrypt.org/directory";
    is_https.then(|| text.to_owned()).ok_or(why)
}

pub(super) fn network(text: &str) -> Result<Network, &'static str> {
    let why = "is not a network; write bitcoin, testnet, signet or regtest";
    text.parse().map_err(|_| why)
}

/// A span of time such as `30d`, `24h`, `1h 30m`; a plain number is seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let read = match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => humantime::parse_duration(text).ok(),
    };
    match read {
        Some(duration) if duration >= Duration::from_secs(1) => Ok(duration),
        _ => Err("is not a span of time; write one such as \"30d\", \"24h\" or \"90s\"".into()),
    }
}

/// In seconds.
pub(super) fn invoice_expiry(text: &str) -> Result<u32, String> {
    match duration(text)? {
        expiry if expiry <= MAX_EXPIRY => {
            Ok(u32::try_from(expiry.as_secs()).expect("30 days are few seconds"))
        }
        _ => Err("is too long; an invoice can be paid for at most 30d".into()),
    }
}

/// `never` is `None`.
pub(super) fn age(text: &str) -> Result<Option<Duration>, String> {
    match text {
        "never" => Ok(None),
        _ => duration(text)
            .map(Some)
            .map_err(|why| format!("{why}; or write never")),
    }
}

/// 0 is `None`.
pub(super) fn limit(text: &str) -> Result<Option<NonZeroU32>, &'static str> {
    let number: u32 = text
        .parse()
        .map_err(|_| "is not a whole number; write one such as 30, or 0 for no limit")?;
    Ok(NonZeroU32::new(number))
}

/// A bound that there has to be.
pub(super) fn most(text: &str) -> Result<NonZeroU32, &'static str> {
    let why = "is not a whole number above 0; write one such as 100000";
    text.parse().map_err(|_| why)
}

/// Without a slash at its end, so that a path can follow.
pub(super) fn public_url(text: &str) -> Result<String, &'static str> {
    let why = "is not a web address; write one such as https://cats.example";
    let uri: Uri = text.parse().map_err(|_| why)?;
    match uri.scheme_str() {
        Some("http" | "https") if uri.query().is_none() && !text.contains('#') => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err(why),
    }
}

pub(super) fn webhook_urls(text: &str) -> Result<Vec<String>, String> {
    text.split_whitespace().map(webhook_url).collect()
}

/// The address of a receiver, to the letter: its key follows from it.
pub fn webhook_url(text: &str) -> Result<String, String> {
    let uri = text.parse::<Uri>().ok();
    let scheme = uri.as_ref().and_then(Uri::scheme_str);
    match scheme {
        Some("http" | "https") if !text.contains('#') => Ok(text.to_owned()),
        _ => Err(format!(
            "{text:?} is not a web address; write one such as https://shop.example/purrwall"
        )),
    }
}

pub(super) fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    let network = |part: &str| {
        let part = part.trim();
        let address = |_| part.parse().map(|address: IpAddr| IpNet::from(address));
        part.parse().or_else(address).map_err(|_| {
            format!(
                "holds {part:?}, which is no address; write addresses and networks such as \
                 127.0.0.1, 10.0.0.0/8"
            )
        })
    };
    text.split(',').map(network).collect()
}

/// As the Content-Security-Policy has it.
pub(super) fn frame_ancestors(text: &str) -> Result<String, String> {
    match text {
        "none" => Ok("'none'".to_owned()),
        "*" => Ok("*".to_owned()),
        _ => Ok(origins(text)?.join(" ")),
    }
}

/// `*` is `None`.
pub(super) fn cors_origins(text: &str) -> Result<Option<Vec<HeaderValue>>, String> {
    let value = |origin| HeaderValue::from_str(origin).expect("origins are plain ASCII");
    match text {
        "*" => Ok(None),
        _ => Ok(Some(origins(text)?.into_iter().map(value).collect())),
    }
}

/// Origins with spaces or commas between them.
fn origins(text: &str) -> Result<Vec<&str>, String> {
    let words = text.split([' ', ',']).filter(|word| !word.is_empty());
    words
        .map(|word| {
            let is_origin = word.parse::<Uri>().is_ok_and(|uri| {
                let scheme = matches!(uri.scheme_str(), Some("http" | "https"));
                let whole = uri.authority().is_some_and(|host| {
                    word.ends_with(host.as_str()) && !host.as_str().contains('@')
                });
                scheme
                    && whole
                    && word
                        .bytes()
                        .all(|byte| byte.is_ascii_graphic() && byte != b';')
            });
            is_origin.then_some(word).ok_or_else(|| {
                format!(
                    "holds {word:?}, which is no origin; write one such as https://blog.example"
                )
            })
        })
        .collect()
}

/// A text of at most so many bytes.
pub(super) fn text(max: usize) -> impl Fn(&str) -> Result<String, String> {
    move |text| {
        if text.len() > max {
            Err(format!("holds {} bytes; at most {max} fit", text.len()))
        } else {
            Ok(text.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_addresses_and_networks() {
        let read = networks("127.0.0.1, ::1,10.0.0.0/8").unwrap();
        let expected = ["127.0.0.1/32", "::1/128", "10.0.0.0/8"];
        assert_eq!(read, expected.map(|net| net.parse().unwrap()));
        let error = networks("127.0.0.1, proxy.example").unwrap_err();
        assert!(
            error.contains("proxy.example") && error.contains("10.0.0.0/8"),
            "{error}"
        );
    }

    #[test]
    fn zero_is_no_limit_and_never_is_never() {
        assert_eq!(limit("0"), Ok(None));
        assert_eq!(limit("7"), Ok(NonZeroU32::new(7)));
        assert!(limit("-1").is_err());
        assert_eq!(age("never"), Ok(None));
        assert_eq!(age("2h"), Ok(Some(Duration::from_hours(2))));
        assert!(age("soon").unwrap_err().contains("never"));
    }

    #[test]
    fn origins_have_a_scheme_and_no_path() {
        let two = origins("https://blog.example, http://localhost:8000").unwrap();
        assert_eq!(two, ["https://blog.example", "http://localhost:8000"]);
        for wrong in [
            "blog.example",
            "https://blog.example/",
            "https://a;b",
            "'self'",
            "ftp://x",
        ] {
            assert!(
                origins(wrong).unwrap_err().contains("https://blog.example"),
                "{wrong}"
            );
        }
    }
}
