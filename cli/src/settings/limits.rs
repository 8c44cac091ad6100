//! The settings that limit what strangers can ask for.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use ipnet::IpNet;

use purrwall_gateway::options::LimitsOptions;

use crate::settings::duration::duration;
use crate::settings::error::SettingsError;
use crate::settings::reader::SettingsReader;

pub(super) fn read(reader: &mut SettingsReader) -> Result<LimitsOptions, SettingsError> {
    let trusted = reader.optional("trusted_proxies", |given| given.read(networks))?;
    Ok(LimitsOptions {
        trusted_proxies: trusted.unwrap_or_default(),
        invoices_per_minute: reader
            .required("invoices_per_minute", "30", |given| given.read(number))?,
        open_invoices: reader.required("open_invoices", "10000", |given| given.read(number))?,
        delete_expired: reader.required("delete_expired", "1h", |given| given.read(age))?,
        ..LimitsOptions::default()
    })
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
        _ => duration(text)
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
