//! What anyone can do who has a manifest and a ciphertext: by the format alone, as `docs/sealed.md` has it.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use bitcoin::hashes::{Hash as _, sha256};
use bitcoin::secp256k1::{Secp256k1, SecretKey};
use lightning_invoice::{Currency, InvoiceBuilder, PaymentSecret};

use purrwall_gateway::goods::catalogue::write_sealed;
use purrwall_gateway::options::{ItemOptions, Options};
use shared::claim::Identifier;
use shared::content::Description;
use shared::digest::Digest;
use shared::lightning::Preimage;
use shared::sealed::{Cipher, ContentKey, Digests, Manifest};

use crate::tools::{sold, unix_now};

/// Goods of three chunks, the last of which is not full.
pub fn film() -> Vec<u8> {
    let mixed = |at: u32| at.wrapping_mul(2_654_435_761).to_le_bytes()[1];
    (0..2_500_000).map(mixed).collect()
}

/// Sells `film` sealed, whose ciphertext lies at these places, too; everything is kept in `dir`.
pub fn sells_a_film(options: &mut Options, dir: &Path, places: &[&str]) {
    std::fs::write(dir.join("film.mp4"), film()).unwrap();
    options.catalogue.file = Some(dir.join("purrwall.toml"));
    options.catalogue.versions_dir = dir.join("data/goods");
    options.catalogue.seal_secret_file = dir.join("data/seal_secret");
    options.catalogue.items = vec![ItemOptions {
        sealed_at: Some(places.iter().map(|&place| place.to_owned()).collect()),
        ..sold("film", "A film", "film.mp4", "5 sat")
    }];
}

/// Writes the ciphertext of the film into a folder, as an owner does by `purrwall seal --out`; gives its name.
pub fn write_film(options: &Options, folder: &Path) -> Digest {
    let mut written = write_sealed(&options.catalogue, folder);
    let (_, digests) = written.next().unwrap();
    digests.unwrap().root()
}

/// Checks what a buyer can check before paying: the manifest against the signed description and the claim, and
/// the whole ciphertext against the manifest.
pub fn check(manifest: &Manifest, description: &str, token_id: &[u8; 32], file: &[u8]) {
    let description = Description::read(description);
    let layout = manifest.check(&description, token_id).unwrap();
    assert_eq!(file.len() as u64, layout.file_len());
    let head = &file[bytes(0..layout.head_len())];
    let digests = Digests::read(layout, manifest.ct, head).unwrap();
    for index in 0..layout.chunks() {
        assert!(digests.holds(index, &file[bytes(layout.place(index))]));
    }
}

/// The goods in a ciphertext, for who has the preimage and the token_id; `None` if the key is not theirs.
pub fn open(
    manifest: &Manifest,
    preimage: &Preimage,
    identifier: &Identifier,
    file: &[u8],
) -> Option<Vec<u8>> {
    open_with(&manifest.key.unwrap(preimage, identifier), manifest, file)
}

/// The goods in a ciphertext, if this is their key.
pub fn open_with(key: &ContentKey, manifest: &Manifest, file: &[u8]) -> Option<Vec<u8>> {
    let layout = manifest.layout().unwrap();
    let cipher = Cipher::new(key, layout);
    let mut goods = Vec::new();
    for index in 0..layout.chunks() {
        let mut chunk = file[bytes(layout.place(index))].to_vec();
        cipher.open(index, &mut chunk).ok()?;
        goods.extend(chunk);
    }
    Some(goods)
}

/// An invoice with this description and this preimage, of some node.
pub fn sign(description: &str, preimage: &Preimage) -> String {
    let key = SecretKey::from_slice(&[42; 32]).unwrap();
    let hash = sha256::Hash::from_byte_array(preimage.payment_hash().0);
    InvoiceBuilder::new(Currency::Regtest)
        .description(description.to_owned())
        .amount_milli_satoshis(5000)
        .payment_hash(hash)
        .payment_secret(PaymentSecret([1; 32]))
        .duration_since_epoch(Duration::from_secs(unix_now()))
        .min_final_cltv_expiry_delta(18)
        .build_signed(|hash| Secp256k1::new().sign_ecdsa_recoverable(hash, &key))
        .unwrap()
        .to_string()
}

fn bytes(range: Range<u64>) -> Range<usize> {
    usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()
}
