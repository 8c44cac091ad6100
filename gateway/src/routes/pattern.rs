//! Paths: which ones a route means, and which ones could be read in two ways.

use std::fmt;
use std::str::FromStr;

/// A path, or a path and all that is below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// Without a slash at its end.
    path: String,
    is_tree: bool,
}

/// Text that is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not a path; write one such as \"/forecast\", or \"/forecast/*\" for all that is below it, too, \
     of letters, digits and -._~"
)]
pub struct ParsePatternError;

impl FromStr for Pattern {
    type Err = ParsePatternError;
    fn from_str(text: &str) -> Result<Self, ParsePatternError> {
        let (path, is_tree) = match text.strip_suffix("/*") {
            Some(path) => (path, true),
            None => (text, false),
        };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
        let is_path = path.starts_with('/') && path.len() > 1 && !path.ends_with('/');
        if is_path && path.bytes().all(is_plain) && !is_ambiguous(path) {
            let path = path.to_owned();
            Ok(Self { path, is_tree })
        } else {
            Err(ParsePatternError)
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        f.write_str(if self.is_tree { "/*" } else { "" })
    }
}

impl Pattern {
    /// The path, and whether all that is below it is meant, too.
    pub(crate) fn path(&self) -> (&str, bool) {
        (&self.path, self.is_tree)
    }

    /// Its first segment, which names the route unless its owner does.
    pub fn first_segment(&self) -> &str {
        let mut segments = self.path[1..].split('/');
        segments.next().unwrap_or_default()
    }

    /// Whether it means a path that can be read in one way only. Letters in another spelling (`%66`) make
    /// another path, so nothing but what was written here is meant.
    pub(crate) fn means(&self, path: &str) -> bool {
        match path.strip_prefix(&self.path) {
            Some("") => true,
            Some(rest) => self.is_tree && rest.starts_with('/'),
            None => false,
        }
    }

    /// The same for axum's router.
    pub(crate) fn for_router(&self) -> Vec<String> {
        let path = &self.path;
        if self.is_tree {
            vec![
                path.clone(),
                format!("{path}/"),
                format!("{path}/{{*rest}}"),
            ]
        } else {
            vec![path.clone()]
        }
    }
}

/// What is told of a path that [`is_ambiguous`].
pub(crate) const AMBIGUOUS: &str = "the path can be read in two ways; write it without `//`, `.` and \
    `..` segments, and without slashes and dots in the form %2f and %2e";

/// Whether programs may read the path in different ways, so that one of them finds a free path where
/// another finds one with a price: by empty segments, `.` and `..`, a backslash, or any of these or a slash
/// in another spelling.
pub(crate) fn is_ambiguous(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let is_escaped = ["%2e", "%2f", "%5c", "%00"]
        .iter()
        .any(|escape| lower.contains(escape));
    // Servers of some languages cut a segment at a semicolon.
    let is_odd = |segment: &str| matches!(segment.split(';').next(), Some("." | ".."));
    is_escaped || path.contains("//") || path.contains('\\') || path.split('/').any(is_odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_its_path_and_with_a_star_what_is_below() {
        let one: Pattern = "/report".parse().unwrap();
        let tree: Pattern = "/forecast/*".parse().unwrap();
        assert_eq!(
            (one.to_string(), tree.to_string()),
            ("/report".into(), "/forecast/*".into())
        );
        assert_eq!(tree.first_segment(), "forecast");
        assert!(one.means("/report"));
        assert!(tree.means("/forecast") && tree.means("/forecast/") && tree.means("/forecast/a/b"));
        for other in ["/report/", "/reports", "/", "/%72eport"] {
            assert!(!one.means(other), "{other}");
        }
        for other in ["/forecasts", "/", "/%66orecast/a", "/a/forecast"] {
            assert!(!tree.means(other), "{other}");
        }
    }

    #[test]
    fn text_that_is_no_path_is_refused() {
        for text in [
            "", "/", "forecast", "/a/", "/a//b", "/a/../b", "/a*", "/{a}", "/a b", "/*", "/a?b",
        ] {
            assert_eq!(text.parse::<Pattern>(), Err(ParsePatternError), "{text:?}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_told() {
        for path in [
            "//forecast",
            "/a//b",
            "/a/./b",
            "/a/..",
            "/..",
            "/a/%2e%2e/b",
            "/a/%2E./b",
            "/a/.%2e",
            "/a%2fb",
            "/a%2Fb",
            "/a\\b",
            "/a%5cb",
            "/a%00",
            "/a/..;x/b",
            "/a/.;/b",
        ] {
            assert!(is_ambiguous(path), "{path}");
        }
        for path in [
            "/", "/a", "/a/", "/a/b.c", "/a/..b", "/a/b..", "/a/...", "/a/%66", "/a;b/c",
        ] {
            assert!(!is_ambiguous(path), "{path}");
        }
    }
}
