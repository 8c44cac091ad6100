//! Sealed goods: the ciphertext may lie anywhere, and what the payment reveals is the key.
//!
//! `docs/sealed.md` writes the format down byte by byte. Nothing here reads or sends anything, so
//! that the browser, the gateway and `purrwall buy` run the same code.
//!
//! - [`Layout`]: the ciphertext's file, its header, and where each chunk lies.
//! - [`Digests`]: what the chunks have to be, checked against the Merkle root that names the file.
//! - [`Manifest`]: what one invoice sells sealed. The invoice's description commits to it.
//! - [`ContentKey`], [`WrappedKey`]: the key, and what is left of it without the payment.
//! - `SealSecret`, `Cipher`: the store's side, and AES (with the feature `sealing`).

#[cfg(feature = "sealing")]
mod cipher;
mod keys;
mod layout;
mod manifest;
mod merkle;

#[cfg(feature = "sealing")]
pub use cipher::{Altered, Cipher, SealSecret};
pub use keys::{ContentKey, SecretId, WrappedKey};
pub use layout::{BadLayout, CHUNK, FORMAT, Layout, MAX_CHUNK, MAX_CHUNKS, TAG};
pub use manifest::{BadManifest, Manifest, SealedGoods, SealedSale};
pub use merkle::{BadHead, Digests};
