//! What a browser may do with goods, by their media type.

/// What a browser may do with goods of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Shown as letters, whatever markup it holds.
    Text,
    /// Shown as a picture, in which no script runs.
    Image,
    /// Played.
    Audio,
    /// Played, with a picture.
    Video,
    /// Shown by the browser's own reader, where it has one.
    Pdf,
    /// Only saved.
    File,
}

impl Kind {
    /// The kind of goods with this media type.
    pub fn of(content_type: &str) -> Self {
        let media_type = media_type(content_type);
        match media_type.split_once('/') {
            Some(("text", _)) => Self::Text,
            _ if media_type == SVG => Self::Image,
            // As a document, anything else that is XML could run scripts.
            _ if media_type.ends_with("xml") => Self::File,
            Some(("image", _)) => Self::Image,
            Some(("audio", _)) => Self::Audio,
            Some(("video", _)) => Self::Video,
            _ if media_type == "application/pdf" => Self::Pdf,
            _ => Self::File,
        }
    }
}

pub(super) const SVG: &str = "image/svg+xml";

/// `text/plain` of `text/plain; charset=utf-8`.
pub fn media_type(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::Kind;

    #[test]
    fn only_what_cannot_run_scripts_is_shown() {
        for (content_type, kind) in [
            ("text/plain; charset=utf-8", Kind::Text),
            ("text/html", Kind::Text),
            ("image/png", Kind::Image),
            ("image/svg+xml", Kind::Image),
            ("audio/mpeg", Kind::Audio),
            ("video/mp4", Kind::Video),
            ("application/pdf", Kind::Pdf),
            ("application/xhtml+xml", Kind::File),
            ("image/odd+xml", Kind::File),
            ("application/zip", Kind::File),
        ] {
            assert_eq!(Kind::of(content_type), kind, "{content_type}");
        }
    }
}
