//! Signatures in the form of the Standard Webhooks specification
//! (<https://www.standardwebhooks.com>), which has libraries in most languages.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::mac::{keyed, sum};
use crate::secret::Secret;

/// The key that one address's webhooks are signed with, and those of before the secret's rotations.
pub struct SigningKey {
    current: [u8; 32],
    old: Vec<[u8; 32]>,
}

impl SigningKey {
    /// Each address has its own key, which follows from the gateway's secret: there is nothing to
    /// configure, gateways with one secret sign alike, and no receiver can sign for another one.
    pub fn of_url(secret: &Secret, url: &str) -> Self {
        let key = |key: &[u8; 32]| sum(keyed(key), &[b"purrwall webhook\0", url.as_bytes()]);
        Self {
            current: key(secret.current()),
            old: secret.old().iter().map(key).collect(),
        }
    }

    /// The current key as receivers' libraries take it: `whsec_` and base64.
    pub fn to_text(&self) -> String {
        format!("whsec_{}", BASE64_STANDARD.encode(self.current))
    }

    /// The value of the header `webhook-signature`: a signature by each key, so that a receiver may
    /// learn of a rotation later.
    pub fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        let head = format!("{id}.{timestamp}.");
        let sign = |key: &[u8; 32]| {
            let signature = sum(keyed(key), &[head.as_bytes(), body]);
            format!("v1,{}", BASE64_STANDARD.encode(signature))
        };
        let keys = std::iter::once(&self.current).chain(&self.old);
        keys.map(sign).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python's `hmac`.
    #[test]
    fn a_signature_is_over_id_time_and_body() {
        let key = SigningKey {
            current: *b"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            old: Vec::new(),
        };
        assert_eq!(
            key.to_text(),
            "whsec_TWZLUTlyOEdLWXFyVHdqVVBEOElMUFpJbzJMYUxhU3c="
        );
        let signature = key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b"{}");
        assert_eq!(signature, "v1,0ZXcwnh98l91hIOJfxpmLFRI2fDeT3IeVkarbkVh6Ww=");
    }

    #[test]
    fn after_a_rotation_the_old_key_signs_too() {
        let [old, new] = ["01", "02"].map(|digits| digits.repeat(32));
        let signature = |keys: &[&str]| {
            let secret = keys.join(" ").parse().unwrap();
            SigningKey::of_url(&secret, "https://a.example/").sign("id", 1, b"{}")
        };
        let both = format!("{} {}", signature(&[&new]), signature(&[&old]));
        assert_eq!(signature(&[&new, &old]), both);
    }

    #[test]
    fn each_address_and_each_secret_has_its_own_key() {
        let [one, other] = [Secret::from_bytes([1; 32]), Secret::from_bytes([2; 32])];
        let key = |secret, url| SigningKey::of_url(secret, url).to_text();
        let keys = [
            key(&one, "https://a.example/"),
            key(&one, "https://b.example/"),
            key(&other, "https://a.example/"),
        ];
        assert_ne!(keys[0], keys[1]);
        assert_ne!(keys[0], keys[2]);
        assert_eq!(keys[0], key(&one, "https://a.example/"));
    }
}
