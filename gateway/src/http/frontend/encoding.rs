//! What a browser says of the encodings that it can read.

/// Whether an encoding stands among the accepted ones. Browsers name those that they can read;
/// only a weight of zero takes one out.
pub(super) fn accepts(accepted: &str, encoding: &str) -> bool {
    accepted.split(',').any(|one| {
        let mut parts = one.split(';').map(str::trim);
        let is_named = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case(encoding));
        is_named
            && !parts.any(|weight| {
                weight.starts_with("q=0") && !weight.contains(|digit| matches!(digit, '1'..='9'))
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoding_is_accepted_by_its_name() {
        assert!(accepts("gzip, deflate, br, zstd", "br"));
        assert!(accepts("gzip;q=0.5,BR;q=1.0", "br"));
        assert!(accepts("br;q=0.001", "br"));
        assert!(!accepts("br;q=0, gzip", "br"));
        assert!(!accepts("br;q=0.000", "br"));
        assert!(!accepts("gzip", "br"));
        assert!(!accepts("", "gzip"));
    }
}
