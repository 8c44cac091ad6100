//! The scheme `Payment` against the vectors that implementations share. Those are lightninglabs/aperture's
//! (MIT). Intents that are not spoken here are held to what every credential and receipt has in common.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use bitcoin::hex::{DisplayHex as _, FromHex as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use purrwall_shared::mpp::{self, Challenge, Credential, MppError, Receipt};
use serde::Deserialize;
use serde_json::Value;
use sha2::Sha256;

const VECTORS: &str = include_str!("vectors/mpp.json");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vectors {
    hmac_secret_hex: String,
    canonicalization: Vec<Canonicalization>,
    base64url: Vec<Base64Url>,
    challenge_headers: Vec<ChallengeHeader>,
    challenge_lists: Vec<ChallengeList>,
    challenge_ids: Vec<ChallengeId>,
    credentials: Vec<CredentialVector>,
    receipts: Vec<ReceiptVector>,
}

fn vectors() -> Vectors {
    serde_json::from_str(VECTORS).unwrap()
}

#[derive(Deserialize)]
struct Canonicalization {
    name: String,
    input: String,
    #[serde(default)]
    canonical: String,
    #[serde(default)]
    error: bool,
}

#[test]
fn json_has_one_canonical_form() {
    let vectors = vectors().canonicalization;
    assert_eq!(vectors.len(), 22);
    for vector in vectors {
        let parsed: Result<Value, _> = serde_json::from_str(&vector.input);
        assert_eq!(parsed.is_err(), vector.error, "{}", vector.name);
        if let Ok(value) = parsed {
            assert_eq!(mpp::canonical(&value), vector.canonical, "{}", vector.name);
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Base64Url {
    name: String,
    encoded: String,
    #[serde(default)]
    decoded_hex: String,
    canonical: bool,
    #[serde(default)]
    error: bool,
}

#[test]
fn base64url_has_one_spelling() {
    let vectors = vectors().base64url;
    assert_eq!(vectors.len(), 17);
    for vector in vectors {
        let decoded = mpp::decode(&vector.encoded);
        if vector.error {
            assert_eq!(decoded, Err(MppError::Base64), "{}", vector.name);
            continue;
        }
        let decoded = decoded.unwrap();
        assert_eq!(
            decoded.to_lower_hex_string(),
            vector.decoded_hex,
            "{}",
            vector.name
        );
        let is_canonical = mpp::encode(&decoded) == vector.encoded;
        assert_eq!(is_canonical, vector.canonical, "{}", vector.name);
    }
}

#[derive(Deserialize)]
struct ChallengeHeader {
    name: String,
    params: Challenge,
    header: String,
    parsed: Challenge,
}

#[test]
fn a_challenge_is_written_and_read_to_the_letter() {
    let vectors = vectors().challenge_headers;
    assert_eq!(vectors.len(), 6);
    for vector in vectors {
        assert_eq!(vector.params.to_header(), vector.header, "{}", vector.name);
        let read = Challenge::read_all(&vector.header);
        assert_eq!(read, [vector.parsed], "{}", vector.name);
    }
}

#[derive(Deserialize)]
struct ChallengeList {
    name: String,
    header: String,
    #[serde(default)]
    challenges: Vec<Challenge>,
    #[serde(default)]
    error: bool,
}

#[test]
fn of_several_challenges_each_complete_one_of_the_scheme_is_read() {
    let vectors = vectors().challenge_lists;
    assert_eq!(vectors.len(), 11);
    for vector in vectors {
        let read = Challenge::read_all(&vector.header);
        assert_eq!(read, vector.challenges, "{}", vector.name);
        assert_eq!(read.is_empty(), vector.error, "{}", vector.name);
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChallengeId {
    name: String,
    params: Challenge,
    hmac_input: String,
}

#[test]
fn an_id_binds_every_slot_in_its_order() {
    let vectors = vectors();
    assert_eq!(vectors.challenge_ids.len(), 4);
    let key = Vec::from_hex(&vectors.hmac_secret_hex).unwrap();
    for vector in vectors.challenge_ids {
        let bound = vector.params.bound();
        assert_eq!(bound, vector.hmac_input, "{}", vector.name);
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(bound.as_bytes());
        let id = mpp::encode(&mac.finalize().into_bytes());
        assert_eq!(id, vector.params.id, "{}", vector.name);
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CredentialVector {
    name: String,
    credential_json: String,
    header: String,
    #[serde(default)]
    error: bool,
}

#[test]
fn a_credential_is_read_and_written_to_the_letter() {
    let vectors = vectors().credentials;
    assert_eq!(vectors.len(), 11);
    for vector in vectors {
        let read = Credential::read(&vector.header);
        assert_eq!(read.is_err(), vector.error, "{}", vector.name);
        let Ok(read) = read else { continue };
        let json = serde_json::to_string(&read).unwrap();
        assert_eq!(json, vector.credential_json, "{}", vector.name);
        let (_, token) = vector.header.split_once(' ').unwrap();
        assert_eq!(
            read.to_header(),
            format!("Payment {token}"),
            "{}",
            vector.name
        );
        // No vector has a preimage of 32 bytes.
        assert_eq!(read.preimage(), Err(MppError::Preimage), "{}", vector.name);
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReceiptVector {
    name: String,
    receipt_json: String,
    header: String,
}

#[test]
fn a_receipt_is_read_and_written_to_the_letter() {
    let vectors = vectors().receipts;
    assert_eq!(vectors.len(), 8);
    let mut written = 0;
    for vector in vectors {
        let json = vector.receipt_json.as_bytes();
        assert_eq!(
            mpp::decode(&vector.header).unwrap(),
            json,
            "{}",
            vector.name
        );
        assert_eq!(mpp::encode(json), vector.header, "{}", vector.name);
        // Sessions have receipts and events of their own, which are not spoken here.
        let session = ["refund", "session"];
        if session
            .iter()
            .any(|word| vector.receipt_json.contains(word))
        {
            continue;
        }
        let receipt = Receipt::read(&vector.header).unwrap();
        assert_eq!(receipt.to_header(), vector.header, "{}", vector.name);
        written += 1;
    }
    assert_eq!(written, 2);
}
