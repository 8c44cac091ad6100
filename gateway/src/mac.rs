//! HMAC-SHA256, by which the gateway knows again what it has made.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

pub(crate) type HmacSha256 = Hmac<Sha256>;

/// With this key, over nothing yet. Short keys are padded with zeros, as libmacaroons does it.
pub(crate) fn keyed(key: &[u8]) -> HmacSha256 {
    HmacSha256::new_from_slice(key).expect("HMAC takes keys of any length")
}

/// Over these parts, too.
pub(crate) fn over(mut mac: HmacSha256, parts: &[&[u8]]) -> HmacSha256 {
    for part in parts {
        mac.update(part);
    }
    mac
}

/// What it is over these parts.
pub(crate) fn sum(mac: HmacSha256, parts: &[&[u8]]) -> [u8; 32] {
    over(mac, parts).finalize().into_bytes().into()
}
