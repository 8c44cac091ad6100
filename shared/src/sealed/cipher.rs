//! What the store seals with, and programs open: AES-256-GCM in the STREAM construction.

use std::fmt;

use aead_stream::{NewStream as _, StreamBE32, StreamPrimitive as _};
use aes_gcm::Aes256Gcm;

use crate::content::ContentHash;
use crate::digest::Nonce;
use crate::lightning::Preimage;
use crate::sealed::keys::{ContentKey, hmac};
use crate::sealed::layout::{FORMAT, Layout};

/// The nonces of all ciphertexts begin like this. No key encrypts two plaintexts, or one in two
/// chunkings, so the chunk's number alone keeps a key's nonces apart.
const NONCE_PREFIX: [u8; 7] = [0; 7];

/// What the keys of a store's sealed goods follow from. `Debug` does not show it.
#[derive(Clone, Copy)]
pub struct SealSecret(pub [u8; 32]);

impl SealSecret {
    /// The key of the goods with this hash, in chunks of `chunk` bytes.
    pub fn content_key(&self, chunk: u32, sha256: ContentHash) -> ContentKey {
        ContentKey(hmac(
            &self.0,
            &[
                b"purrwall seal\0",
                &FORMAT.to_be_bytes(),
                &chunk.to_be_bytes(),
                &sha256.0,
            ],
        ))
    }

    /// The preimage of the invoice of the purchase with this token_id, in whose description the nonce
    /// stands. lightningd does not tell the preimage of an unpaid invoice, so the store finds it again
    /// by this.
    pub fn preimage(&self, token_id: &[u8; 32], nonce: Nonce) -> Preimage {
        Preimage(hmac(&self.0, &[b"purrwall preimage\0", token_id, &nonce.0]))
    }
}

impl fmt::Debug for SealSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealSecret(hidden)")
    }
}

/// Encrypts and decrypts the chunks of one ciphertext, in any order.
pub struct Cipher {
    layout: Layout,
    stream: StreamBE32<Aes256Gcm>,
}

/// A chunk that was not encrypted with this key at this place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key does not open chunk {0}")]
pub struct Altered(pub u32);

impl Cipher {
    /// For the ciphertext of this key and layout.
    pub fn new(key: &ContentKey, layout: Layout) -> Self {
        Self {
            layout,
            stream: StreamBE32::new(&key.0.into(), &NONCE_PREFIX.into()),
        }
    }

    /// Turns the plaintext of chunk `index` into the chunk, its tag at the end.
    ///
    /// # Panics
    /// Never: only plaintexts beyond 64 GiB cannot be encrypted, and no chunk is that large.
    pub fn seal(&self, index: u32, chunk: &mut Vec<u8>) {
        let is_last = self.layout.is_last(index);
        let sealed = self.stream.encrypt_in_place(index, is_last, &[], chunk);
        sealed.expect("a chunk is far below GCM's limit");
    }

    /// Turns chunk `index` into its plaintext.
    pub fn open(&self, index: u32, chunk: &mut Vec<u8>) -> Result<(), Altered> {
        let is_last = self.layout.is_last(index);
        let opened = self.stream.decrypt_in_place(index, is_last, &[], chunk);
        opened.map_err(|_| Altered(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cipher() -> Cipher {
        Cipher::new(&ContentKey([1; 32]), Layout::new(9, 4).unwrap())
    }

    fn sealed(index: u32) -> Vec<u8> {
        let mut chunk = b"meow"[..if index == 2 { 1 } else { 4 }].to_vec();
        cipher().seal(index, &mut chunk);
        chunk
    }

    #[test]
    fn chunks_open_in_any_order_and_only_in_their_place() {
        for index in [2, 0, 1] {
            let mut chunk = sealed(index);
            assert_eq!(cipher().open(index, &mut chunk), Ok(()));
            assert!(b"meow".starts_with(&chunk));
            let elsewhere = cipher().open((index + 1) % 3, &mut sealed(index));
            assert_eq!(elsewhere, Err(Altered((index + 1) % 3)));
        }
    }

    #[test]
    fn goods_that_were_cut_do_not_open() {
        let shorter = Cipher::new(&ContentKey([1; 32]), Layout::new(8, 4).unwrap());
        assert_eq!(shorter.open(0, &mut sealed(0)), Ok(()));
        assert_eq!(shorter.open(1, &mut sealed(1)), Err(Altered(1)));
    }

    #[test]
    fn each_chunking_and_each_content_has_a_key_of_its_own() {
        let secret = SealSecret([5; 32]);
        let key = secret.content_key(4, ContentHash::of(b"meow"));
        assert_ne!(key, secret.content_key(5, ContentHash::of(b"meow")));
        assert_ne!(key, secret.content_key(4, ContentHash::of(b"purr")));
        assert_ne!(
            key,
            SealSecret([6; 32]).content_key(4, ContentHash::of(b"meow"))
        );
        assert_eq!(format!("{secret:?}"), "SealSecret(hidden)");
    }

    #[test]
    fn a_label_that_is_made_again_gets_another_preimage() {
        let secret = SealSecret([5; 32]);
        let preimage = secret.preimage(&[1; 32], Nonce([0; 8]));
        assert_ne!(preimage, secret.preimage(&[1; 32], Nonce([1; 8])));
        assert_ne!(preimage, secret.preimage(&[2; 32], Nonce([0; 8])));
        assert_eq!(preimage, secret.preimage(&[1; 32], Nonce([0; 8])));
    }
}
