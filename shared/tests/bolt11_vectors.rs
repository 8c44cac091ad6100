//! Every example of BOLT 11, and invalid ones from Core Lightning's unit tests, with the outcome
//! that the vector file states. `tests/vectors/bolt11.json` comes from the Lightning BOLTs
//! (CC-BY 4.0); each vector names its source.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use lightning_invoice::{
    Bolt11Invoice, Bolt11ParseError, Bolt11SemanticError, ParseOrSemanticError,
    SignedRawBolt11Invoice,
};
use purrwall_shared::invoice::{DecodeError, Invoice};
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
fn is_stated(stated: &str, error: &DecodeError) -> bool {
    use Bolt11ParseError as Parse;
    match stated {
        "unknown_even_feature" => matches!(error, DecodeError::UnknownFeature),
        "signature_not_recoverable" | "high_s_with_n" => matches!(error, DecodeError::Signature),
        "missing_payment_secret" => matches!(
            error,
            DecodeError::Semantic(Bolt11SemanticError::NoPaymentSecret)
        ),
        "sub_millisatoshi" => matches!(
            error,
            DecodeError::Semantic(Bolt11SemanticError::ImpreciseAmount)
        ),
        "bad_checksum" | "bech32_no_separator" | "bech32_mixed_case" => {
            matches!(error, DecodeError::Malformed(Parse::Bech32Error(_)))
        }
        "too_short" => matches!(error, DecodeError::Malformed(Parse::TooShortDataPart)),
        "bad_multiplier" => matches!(error, DecodeError::Malformed(Parse::UnknownSiPrefix)),
        "invalid_utf8_description" => {
            matches!(
                error,
                DecodeError::Malformed(Parse::DescriptionDecodeError(_))
            )
        }
        // A difference in words: `lightning-invoice` calls a bad public key a malformed signature.
        "bad_route_hint_pubkey" => {
            matches!(error, DecodeError::Malformed(Parse::MalformedSignature(_)))
        }
        unknown => panic!("the vectors state an error that this test does not know: {unknown}"),
    }
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
        assert!(is_stated(stated, &error), "{id} {stated}: {error:?}");
    }
}

/// The outcome that `lightning-invoice` alone has for a high-S signature beside an `n` field: it
/// names another fault of that example (two `s` fields), so the rule is ours to enforce.
#[test]
fn lightning_invoice_alone_does_not_see_the_high_s_signature() {
    let vector = vectors("invalid")
        .into_iter()
        .find(|vector| vector.expected["error"] == "high_s_with_n")
        .unwrap();
    assert_eq!(
        vector.invoice.parse::<Bolt11Invoice>(),
        Err(ParseOrSemanticError::SemanticError(
            Bolt11SemanticError::MultiplePaymentSecrets
        ))
    );
}

/// 20 million bitcoin are more picobitcoin than 64 bits hold. `lightning-invoice` alone takes them
/// for no amount, which would leave it to the payer.
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
        Err(DecodeError::Malformed(
            Bolt11ParseError::IntegerOverflowError
        ))
    );
}
