//! Signatures in the form of the Standard Webhooks specification
//! (<https://www.standardwebhooks.com>), which has libraries in most languages.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::secret::Secret;

/// The key that one address's webhooks are signed with.
pub struct SigningKey([u8; 32]);

impl SigningKey {
    /// Each address has its own key, which follows from the gateway's secret: there is nothing to
    /// configure, gateways with one secret sign alike, and no receiver can sign for another one.
    pub fn of_url(secret: &Secret, url: &str) -> Self {
        let key = mac(secret.as_bytes(), &[b"purrwall webhook\0", url.as_bytes()]);
        Self(key)
    }

    /// The key as receivers' libraries take it: `whsec_` and base64.
    pub fn to_text(&self) -> String {
        format!("whsec_{}", BASE64_STANDARD.encode(self.0))
    }

    /// The value of the header `webhook-signature`.
    pub fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        let head = format!("{id}.{timestamp}.");
        let signature = mac(&self.0, &[head.as_bytes(), body]);
        format!("v1,{}", BASE64_STANDARD.encode(signature))
    }
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python's `hmac`.
    #[test]
    fn a_signature_is_over_id_time_and_body() {
        let key = SigningKey(*b"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        assert_eq!(
            key.to_text(),
            "whsec_TWZLUTlyOEdLWXFyVHdqVVBEOElMUFpJbzJMYUxhU3c="
        );
        let signature = key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b"{}");
        assert_eq!(signature, "v1,0ZXcwnh98l91hIOJfxpmLFRI2fDeT3IeVkarbkVh6Ww=");
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
