//! Every example of BOLT 11, and invalid ones from Core Lightning's unit tests, with the outcome
//! that the vector file states. `tests/vectors/bolt11.json` comes from the Lightning BOLTs
//! (CC-BY 4.0); each vector names its source.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use bech32::{Bech32, Fe32, Hrp};
use lightning_invoice::{Bolt11Invoice, Bolt11InvoiceDescriptionRef, SignedRawBolt11Invoice};
use purrwall_shared::invoice::{BrokenRule, DecodeError, Invoice, Malformed};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    kind: String,
    id: String,
    invoice: String,
    expected: serde_json::Value,
}

fn vectors(kind: &str) -> Vec<Vector> {
    let all: Vec<Vector> = serde_json::from_str(include_str!("vectors/bolt11.json")).unwrap();
    let chosen: Vec<_> = all.into_iter().filter(|v| v.kind == kind).collect();
    assert!(!chosen.is_empty());
    chosen
}

#[test]
fn valid_vectors_decode_to_what_they_state() {
    for Vector {
        id,
        invoice,
        expected,
        ..
    } in vectors("valid")
    {
        let decoded = Invoice::decode(&invoice).unwrap_or_else(|e| panic!("{id}: {e:?}"));
        let created_at = expected["timestamp"].as_u64().unwrap();
        let read_alone = purrwall_shared::invoice::created_at(&invoice);
        assert_eq!(read_alone, Some(created_at), "{id}");
        let found = serde_json::json!({
            "network": decoded.network.name(),
            "amount_msat": decoded.amount_msat.map(|amount| amount.0),
            "timestamp": decoded.created_at,
            "payment_hash": decoded.payment_hash.to_hex(),
            "description": decoded.description,
            "expiry_seconds": decoded.expires_at - created_at,
            "payee": decoded.payee.to_hex(),
        });
        for (field, value) in found.as_object().unwrap() {
            assert_eq!(value, &expected[field], "{id}: {field}");
        }
    }
}

/// Whether `error` is our form of the error that the vector states.
fn is_stated(stated: &str, error: DecodeError) -> bool {
    let stated = match stated {
        "unknown_even_feature" => DecodeError::UnknownFeature,
        "signature_not_recoverable" | "high_s_with_n" => DecodeError::Signature,
        "missing_payment_secret" => DecodeError::Semantic(BrokenRule::PaymentSecret),
        "sub_millisatoshi" => DecodeError::Semantic(BrokenRule::Amount),
        "bad_checksum" | "bech32_no_separator" | "bech32_mixed_case" => {
            DecodeError::Malformed(Malformed::Bech32)
        }
        "too_short" => DecodeError::Malformed(Malformed::TooShort),
        "bad_multiplier" => DecodeError::Malformed(Malformed::Multiplier),
        "invalid_utf8_description" => DecodeError::Malformed(Malformed::Text),
        "bad_route_hint_pubkey" => DecodeError::Malformed(Malformed::Key),
        unknown => panic!("the vectors state an error that this test does not know: {unknown}"),
    };
    error == stated
}

#[test]
fn invalid_vectors_are_refused_for_the_stated_reason() {
    for Vector {
        id,
        invoice,
        expected,
        ..
    } in vectors("invalid")
    {
        let stated = expected["error"].as_str().unwrap();
        let Err(error) = Invoice::decode(&invoice) else {
            panic!("{id} must be refused: {stated}");
        };
        assert!(is_stated(stated, error), "{id} {stated}: {error:?}");
    }
}

/// 20 million bitcoin are more picobitcoin than 64 bits hold. Taken for no amount, they would be left to the payer.
#[test]
fn an_amount_beyond_64_bits_is_refused() {
    let vector = vectors("valid").remove(0);
    let signed: SignedRawBolt11Invoice = vector.invoice.parse().unwrap();
    let signature = signed.signature().0;
    let (mut invoice, _, _) = signed.into_parts();
    invoice.hrp.raw_amount = Some(20_000_000);
    invoice.hrp.si_prefix = None;
    assert_eq!(invoice.amount_pico_btc(), None);
    let signed = invoice.sign(|_| Ok::<_, ()>(signature)).unwrap();
    assert_eq!(
        Invoice::decode(&signed.to_string()),
        Err(DecodeError::Malformed(Malformed::Amount))
    );
}

/// Every valid example with each of its letters changed in turn, and the checksum made to fit: a changed invoice has
/// another signer, so most of them are valid. Where `lightning-invoice` reads one, we read the same.
#[test]
fn what_lightning_invoice_reads_is_read_in_the_same_way() {
    let mut agreed = 0;
    for Vector { id, invoice, .. } in vectors("valid") {
        let (prefix, data) = invoice.rsplit_once('1').unwrap();
        let letters: Vec<Fe32> = data[..data.len() - 6]
            .chars()
            .map(|letter| Fe32::from_char(letter).unwrap())
            .collect();
        for at in 0..letters.len() {
            let mut changed = letters.clone();
            let other = (changed[at].to_u8() + 1 + u8::try_from(at % 30).unwrap()) % 32;
            changed[at] = Fe32::try_from(other).unwrap();
            let text = encode(prefix, &changed);
            let Ok(theirs) = text.parse::<Bolt11Invoice>() else {
                continue;
            };
            let ours = Invoice::decode(&text);
            let ours = ours.unwrap_or_else(|error| panic!("{id}, letter {at}: {error:?}: {text}"));
            agreed += 1;
            let described = match theirs.description() {
                Bolt11InvoiceDescriptionRef::Direct(text) => Some(text.as_inner().0.clone()),
                Bolt11InvoiceDescriptionRef::Hash(_) => None,
            };
            let created_at = theirs.duration_since_epoch().as_secs();
            let expires_at = created_at.saturating_add(theirs.expiry_time().as_secs());
            assert_eq!(
                ours.payment_hash.to_hex(),
                theirs.payment_hash().to_string()
            );
            assert_eq!(
                ours.amount_msat.map(|amount| amount.0),
                theirs.amount_milli_satoshis()
            );
            assert_eq!(ours.description, described);
            assert_eq!((ours.created_at, ours.expires_at), (created_at, expires_at));
            // It takes what it would have written for what was signed.
            if theirs.to_string() == text.to_lowercase() {
                assert_eq!(ours.payee.to_hex(), theirs.get_payee_pub_key().to_string());
            }
        }
    }
    assert!(agreed > 1_000, "{agreed}");
}

/// A field that has to be there once, and is there twice or not at all.
#[test]
fn what_breaks_a_rule_is_named() {
    let invoice = vectors("valid").remove(0).invoice;
    let (prefix, data) = invoice.rsplit_once('1').unwrap();
    // The secret, the payment hash and the description of the example, which come after seven letters of time.
    let fields = [&data[7..62], &data[62..117], &data[117..183]];
    let rest = &data[183..data.len() - 6];
    let with = |fields: &[&str]| {
        let text = [&data[..7], &fields.concat(), rest].concat();
        let letters: Vec<Fe32> = text.chars().map(|c| Fe32::from_char(c).unwrap()).collect();
        Invoice::decode(&encode(prefix, &letters))
    };
    let [secret, hash, description] = fields;
    assert!(with(&fields).is_ok());
    let broken = |rule| Err(DecodeError::Semantic(rule));
    assert_eq!(
        with(&[hash, description]),
        broken(BrokenRule::PaymentSecret)
    );
    assert_eq!(
        with(&[secret, secret, hash, description]),
        broken(BrokenRule::PaymentSecret)
    );
    assert_eq!(
        with(&[secret, description]),
        broken(BrokenRule::PaymentHash)
    );
    assert_eq!(
        with(&[secret, hash, hash, description]),
        broken(BrokenRule::PaymentHash)
    );
    assert_eq!(with(&[secret, hash]), broken(BrokenRule::Description));
    assert_eq!(
        with(&[secret, hash, description, description]),
        broken(BrokenRule::Description)
    );
}

/// BOLT11 with a checksum that fits, whatever it says.
fn encode(prefix: &str, letters: &[Fe32]) -> String {
    use bech32::Fe32IterExt as _;
    let hrp = Hrp::parse(prefix).unwrap();
    let letters = letters.iter().copied();
    letters.with_checksum::<Bech32>(&hrp).chars().collect()
}
