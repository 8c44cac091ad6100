//! The settings of what is made for strangers.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use ipnet::IpNet;

use super::{ConfigError, SettingsReader, catalogue};

/// How many invoices are made and kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitsConfig {
    /// Whose `X-Forwarded-For` says who asks.
    pub trusted_proxies: Vec<IpNet>,
    /// For each client; `None` is no limit.
    pub invoices_per_minute: Option<NonZeroU32>,
    /// Unpaid and not expired, in all; `None` is no limit.
    pub open_invoices: Option<NonZeroU32>,
    /// How long after their expiry they are deleted; `None` leaves that to lightningd.
    pub delete_expired: Option<Duration>,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            trusted_proxies: Vec::new(),
            invoices_per_minute: NonZeroU32::new(30),
            open_invoices: NonZeroU32::new(10_000),
            delete_expired: Some(Duration::from_hours(1)),
        }
    }
}

impl LimitsConfig {
    pub(super) fn read(reader: &mut SettingsReader) -> Result<Self, ConfigError> {
        let trusted = reader.optional("trusted_proxies", |given| given.read(networks))?;
        Ok(Self {
            trusted_proxies: trusted.unwrap_or_default(),
            invoices_per_minute: reader
                .required("invoices_per_minute", "30", |given| given.read(number))?,
            open_invoices: reader.required("open_invoices", "10000", |given| given.read(number))?,
            delete_expired: reader.required("delete_expired", "1h", |given| given.read(age))?,
        })
    }
}

fn networks(text: &str) -> Result<Vec<IpNet>, String> {
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

fn number(text: &str) -> Result<Option<NonZeroU32>, &'static str> {
    let number: u32 = text
        .parse()
        .map_err(|_| "is not a whole number; write one such as 30, or 0 for no limit")?;
    Ok(NonZeroU32::new(number))
}

fn age(text: &str) -> Result<Option<Duration>, String> {
    match text {
        "never" => Ok(None),
        _ => catalogue::duration(text)
            .map(Some)
            .map_err(|why| format!("{why}; or write never")),
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
        assert_eq!(number("0"), Ok(None));
        assert_eq!(number("7"), Ok(NonZeroU32::new(7)));
        assert!(number("-1").is_err());
        assert_eq!(age("never"), Ok(None));
        assert_eq!(age("2h"), Ok(Some(Duration::from_hours(2))));
        assert!(age("soon").unwrap_err().contains("never"));
    }
}
