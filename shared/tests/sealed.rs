//! The format of sealed goods, held against vectors that other implementations are tested on, too.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "common/vectors.rs"]
mod written;

use bitcoin::hex::DisplayHex as _;
use purrwall_shared::claim::Identifier;
use purrwall_shared::content::{ContentHash, Description};
use purrwall_shared::digest::{Digest, Nonce};
use purrwall_shared::sealed::{
    BadManifest, CHUNK, Cipher, Digests, FORMAT, Layout, Manifest, SealSecret, SecretId,
};
use serde_json::{Value, json};
use written::assert_written;

/// What the browser's code is tested on, too.
const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/sealed.json");

const SECRET: SealSecret = SealSecret([0x5e; 32]);
const TOKEN_ID: [u8; 32] = [0x70; 32];
const NONCE: Nonce = Nonce([0, 1, 2, 3, 0xfc, 0xfd, 0xfe, 0xff]);

fn identifier() -> Identifier {
    Identifier {
        payment_hash: SECRET.preimage(&TOKEN_ID, NONCE).payment_hash(),
        token_id: TOKEN_ID,
    }
}

/// The file of these goods, and its root.
fn seal(plaintext: &[u8], layout: Layout) -> (Vec<u8>, Digests) {
    let key = SECRET.content_key(layout.chunk(), ContentHash::of(plaintext));
    let cipher = Cipher::new(&key, layout);
    let chunks: Vec<Vec<u8>> = (0..layout.chunks())
        .map(|index| {
            let plain = layout.plain(index);
            let plain = usize::try_from(plain.start).unwrap()..usize::try_from(plain.end).unwrap();
            let mut chunk = plaintext[plain].to_vec();
            cipher.seal(index, &mut chunk);
            chunk
        })
        .collect();
    let leaves = chunks.iter().map(|chunk| Digests::leaf(chunk)).collect();
    let digests = Digests::new(layout, leaves);
    let file = [digests.head(), chunks.concat()].concat();
    assert_eq!(file.len() as u64, layout.file_len());
    (file, digests)
}

fn manifest(plaintext: &[u8], layout: Layout) -> Manifest {
    let key = SECRET.content_key(layout.chunk(), ContentHash::of(plaintext));
    let preimage = SECRET.preimage(&TOKEN_ID, NONCE);
    Manifest {
        format: FORMAT,
        ct: seal(plaintext, layout).1.root(),
        size: layout.size(),
        chunk: layout.chunk(),
        key: key.wrap(&preimage, &identifier()),
        secret: SecretId([1, 2, 3, 4]),
        token: Digest::of(&[&TOKEN_ID]),
    }
}

/// Opens a file as a buyer does, who has the manifest, the claim and the preimage.
fn open(file: &[u8], manifest: &Manifest) -> Vec<u8> {
    let layout = manifest.layout().unwrap();
    let (head, _) = file.split_at(usize::try_from(layout.head_len()).unwrap());
    let digests = Digests::read(layout, manifest.ct, head).unwrap();
    let preimage = SECRET.preimage(&TOKEN_ID, NONCE);
    let cipher = Cipher::new(&manifest.key.unwrap(&preimage, &identifier()), layout);
    let mut goods = Vec::new();
    for index in 0..layout.chunks() {
        let place = layout.place(index);
        let place = usize::try_from(place.start).unwrap()..usize::try_from(place.end).unwrap();
        let mut chunk = file[place].to_vec();
        assert!(digests.holds(index, &chunk));
        cipher.open(index, &mut chunk).unwrap();
        goods.extend(chunk);
    }
    goods
}

fn vector(name: &str, plaintext: &[u8], chunk: u32) -> Value {
    let layout = Layout::new(plaintext.len() as u64, chunk).unwrap();
    let (file, digests) = seal(plaintext, layout);
    let manifest = manifest(plaintext, layout);
    assert_eq!(open(&file, &manifest), plaintext, "{name}");
    let sha256 = ContentHash::of(plaintext);
    let description = Description {
        title: "Two cats",
        manifest: Some(manifest.hash()),
        nonce: Some(NONCE),
        sha256: Some(sha256),
        ..Description::default()
    };
    json!({
        "name": name,
        "plaintext": plaintext.to_lower_hex_string(),
        "sha256": sha256,
        "content_key": SECRET.content_key(chunk, sha256).0.to_lower_hex_string(),
        "file": file.to_lower_hex_string(),
        "chunks": layout.chunks(),
        "head_len": layout.head_len(),
        "ct": digests.root(),
        "manifest": manifest,
        "manifest_json": manifest.to_json(),
        "description": description.to_string(),
    })
}

#[test]
fn other_implementations_are_tested_on_these_goods() {
    let letters: Vec<u8> = (b'a'..=b'z').cycle().take(50).collect();
    let preimage = SECRET.preimage(&TOKEN_ID, NONCE);
    let vectors = json!({
        "seal_secret": SECRET.0.to_lower_hex_string(),
        "token_id": TOKEN_ID.to_lower_hex_string(),
        "nonce": NONCE.to_string(),
        "preimage": preimage,
        "payment_hash": preimage.payment_hash(),
        "goods": [
            vector("no byte", b"", 16),
            vector("one chunk that is not full", b"meow", CHUNK),
            vector("one full chunk", &letters[..16], 16),
            vector("two chunks", &letters[..17], 16),
            vector("four chunks, the last one full", &letters[..48], 12),
            vector("seven chunks", &letters, 8),
        ],
    });
    assert_written(VECTORS, &vectors);
}

#[test]
fn a_manifest_has_one_form() {
    let manifest = manifest(b"meow", Layout::new(4, CHUNK).unwrap());
    let json = manifest.to_json();
    assert_eq!(serde_json::to_string(&manifest).unwrap(), json);
    assert_eq!(serde_json::from_str::<Manifest>(&json).unwrap(), manifest);
    let hash = ContentHash::of(json.as_bytes());
    assert_eq!(manifest.hash().to_hex(), hash.to_hex());
}

#[test]
fn nobody_pays_for_a_manifest_that_the_invoice_or_the_claim_does_not_know() {
    let sold = manifest(b"meow", Layout::new(4, CHUNK).unwrap());
    let check = |manifest: Manifest, committed: &Manifest, token_id| {
        let description = Description {
            manifest: Some(committed.hash()),
            ..Description::default()
        };
        manifest.check(&description, &token_id)
    };
    assert_eq!(check(sold, &sold, TOKEN_ID), Ok(sold.layout().unwrap()));
    let other_key = Manifest {
        secret: SecretId([0; 4]),
        ..sold
    };
    assert_eq!(
        check(other_key, &sold, TOKEN_ID),
        Err(BadManifest::Commitment)
    );
    assert_eq!(
        sold.check(&Description::default(), &TOKEN_ID),
        Err(BadManifest::Commitment)
    );
    assert_eq!(check(sold, &sold, [0; 32]), Err(BadManifest::Token));
    let later = Manifest { format: 2, ..sold };
    assert_eq!(check(later, &later, TOKEN_ID), Err(BadManifest::Format(2)));
    let huge = Manifest {
        size: u64::MAX,
        ..sold
    };
    assert!(matches!(
        check(huge, &huge, TOKEN_ID),
        Err(BadManifest::Layout(_))
    ));
}
