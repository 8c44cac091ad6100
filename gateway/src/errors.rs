//! Errors and addresses as they are logged.

/// An error with its causes, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// The part of an address that may stand in a log: path and query may hold a password or
/// a key.
pub(crate) fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url[host..].find(['/', '?', '#']);
    end.map_or(url, |end| &url[..host + end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_shows_only_where_an_address_leads() {
        for (url, shown) in [
            ("https://shop.example/hook/s3cret", "https://shop.example"),
            ("http://127.0.0.1:8000?key=s3cret", "http://127.0.0.1:8000"),
            ("https://shop.example", "https://shop.example"),
        ] {
            assert_eq!(origin(url), shown);
        }
    }
}
