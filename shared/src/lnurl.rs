//! LNURL-pay, as far as buyers and stores agree on it: the code's address, and the metadata that its invoices
//! carry by hash.
//!
//! Source: [LUD-01](https://github.com/lnurl/luds/blob/luds/01.md),
//! [LUD-06](https://github.com/lnurl/luds/blob/luds/06.md),
//! [LUD-16](https://github.com/lnurl/luds/blob/luds/16.md).

use bech32::{Bech32, Hrp};

/// The address as it is printed: `LNURL1…`, in upper case. `None` where it is too long to be written so, which
/// is at some 600 bytes.
pub fn encode(url: &str) -> Option<String> {
    bech32::encode_upper::<Bech32>(Hrp::parse_unchecked("lnurl"), url.as_bytes()).ok()
}

/// The metadata of a code: what an invoice of the store says ([`crate::content::Description`]), and the
/// Lightning Address where the code has one. The description stands first.
pub fn metadata(description: &str, address: Option<&str>) -> String {
    let entry = |kind: &str, text: &str| {
        let text = text.replace('\\', "\\\\").replace('"', "\\\"");
        format!("[\"{kind}\",\"{text}\"]")
    };
    let address = address.map(|address| entry("text/identifier", address));
    let entries = [Some(entry(PLAIN, description)), address];
    let entries: Vec<_> = entries.into_iter().flatten().collect();
    format!("[{}]", entries.join(","))
}

const PLAIN: &str = "text/plain";

/// The description in such metadata; `None` where it has another form. A description has no control
/// characters, so nothing but quotation marks and backslashes is ever escaped in it.
pub fn description(metadata: &str) -> Option<String> {
    let mut letters = metadata.strip_prefix("[[\"text/plain\",\"")?.chars();
    let mut text = String::new();
    loop {
        match letters.next()? {
            '"' => return Some(text),
            '\\' => match letters.next()? {
                letter @ ('"' | '\\') => text.push(letter),
                _ => return None,
            },
            letter => text.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_encoded_as_the_standard_has_it() {
        // The example of LUD-01.
        let url = "https://service.com/api?q=3fc3645b439ce8e7f2553a69e5267081d96dcd340693afabe04be7b0ccd178df";
        assert_eq!(
            encode(url).unwrap(),
            "LNURL1DP68GURN8GHJ7UM9WFMXJCM99E3K7MF0V9CXJ0M385EKVCENXC6R2C35XVUKXEFCV5MKVV34X5EKZD3EV56NYD3HXQURZEPEXEJXXEPNXSCRVWFNV9NXZCN9XQ6XYEFHVGCXXCMYXYMNSERXFQ5FNS"
        );
        assert_eq!(encode(&"x".repeat(1000)), None);
    }

    #[test]
    fn what_is_written_is_json_and_is_read_again() {
        for text in [
            "Two cats sha256:00",
            "The \"best\" \\ cat",
            "Kätzchen \u{202e}sdrawkcab",
            "\\\"",
            "[[\"text/plain\",\"x\"]]",
            "",
        ] {
            for address in [None, Some("cat@cats.example")] {
                let metadata = metadata(text, address);
                assert_eq!(description(&metadata).as_deref(), Some(text));
                let read: Vec<Vec<String>> = serde_json::from_str(&metadata).unwrap();
                assert_eq!(read[0], ["text/plain", text]);
                let identifier = read.get(1).map(|entry| entry[1].as_str());
                assert_eq!(identifier, address);
            }
        }
    }

    #[test]
    fn metadata_of_another_form_says_nothing() {
        for odd in [
            "",
            "[]",
            "[[\"text/plain\",\"x",
            "[[\"text/plain\", \"x\"]]",
            "[[\"text/plain\",\"\\u0041\"]]",
            "[[\"text/identifier\",\"a@b.c\"],[\"text/plain\",\"x\"]]",
        ] {
            assert_eq!(description(odd), None, "{odd}");
        }
    }
}
