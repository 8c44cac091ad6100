//! The settings of what browsers may do.

use http::{HeaderValue, Uri};
use purrwall_gateway::options::WebOptions;

use crate::settings::error::SettingsError;
use crate::settings::reader::SettingsReader;

pub(super) fn read(reader: &mut SettingsReader) -> Result<WebOptions, SettingsError> {
    let given = |text: &str| match text {
        "none" => Ok("'none'".to_owned()),
        "*" => Ok("*".to_owned()),
        _ => Ok(origins(text)?.join(" ")),
    };
    let cors = |text: &str| match text {
        "*" => Ok(None),
        _ => origins(text).map(|origins| {
            let value = |origin| HeaderValue::from_str(origin).expect("origins are plain ASCII");
            Some(origins.into_iter().map(value).collect())
        }),
    };
    Ok(WebOptions {
        frame_ancestors: reader
            .required("frame_ancestors", "none", |it| it.read::<_, String>(given))?,
        cors_origins: reader.required("cors_origins", "*", |it| it.read(cors))?,
    })
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

#[cfg(test)]
mod tests {
    use super::*;

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
