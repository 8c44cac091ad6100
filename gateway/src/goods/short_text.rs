//! A text that opens with the payment alone: encrypted by its preimage (LUD-10: AES-256-CBC with PKCS #7).
//!
//! Source: <https://github.com/lnurl/luds/blob/luds/10.md>

use aes::Aes256;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use cbc::Encryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt as _, KeyIvInit as _};
use shared::lightning::Preimage;

/// The most bytes of text: with its padding it has 3072 then, which are 4096 letters of base64.
pub(crate) const MOST: usize = 3071;

/// A sealed text, in base64.
pub(crate) struct Sealed {
    pub(crate) ciphertext: String,
    pub(crate) iv: String,
}

/// Seals a text of at most [`MOST`] bytes. The `iv` has to be random.
pub(crate) fn seal(text: &str, preimage: Preimage, iv: [u8; 16]) -> Sealed {
    let encryptor = Encryptor::<Aes256>::new(&preimage.0.into(), &iv.into());
    let ciphertext = encryptor.encrypt_padded_vec::<Pkcs7>(text.as_bytes());
    Sealed {
        ciphertext: BASE64_STANDARD.encode(ciphertext),
        iv: BASE64_STANDARD.encode(iv),
    }
}

#[cfg(test)]
mod tests {
    use bitcoin::hex::FromHex as _;

    use super::*;

    #[test]
    fn it_is_the_standard_cipher() {
        let key = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
        let key = <[u8; 32]>::from_hex(key).unwrap();
        let iv = <[u8; 16]>::from_hex("000102030405060708090a0b0c0d0e0f").unwrap();
        // What `openssl enc -aes-256-cbc` makes of it.
        let sealed = seal("meow", Preimage(key), iv);
        assert_eq!(sealed.iv, "AAECAwQFBgcICQoLDA0ODw==");
        assert_eq!(sealed.ciphertext, "zv9ML6zrDFRzKW0wklCxKQ==");
    }

    #[test]
    fn the_longest_text_fits_into_what_wallets_take() {
        let sealed = seal(&"x".repeat(MOST), Preimage([1; 32]), [2; 16]);
        assert_eq!((sealed.ciphertext.len(), sealed.iv.len()), (4096, 24));
    }
}
