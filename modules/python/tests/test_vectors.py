"""The module on the vectors that the Rust code is tested on, too."""

import json
import os
from dataclasses import asdict
from pathlib import Path

import pytest

from purrwall import PurrwallError, Store, decode_invoice, verify_receipt, verify_webhook

VECTORS = Path(os.environ["VECTORS"])


def read(name):
    return json.loads((VECTORS / f"{name}.json").read_text())


def named(vectors):
    return [pytest.param(vector, id=vector.get("name") or vector["id"]) for vector in vectors]


BOLT11 = read("bolt11")
# The code for what a vector of BOLT 11 states; anything else is malformed.
CODES = {
    "unknown_even_feature": "unknown-feature",
    "signature_not_recoverable": "signature",
    "high_s_with_n": "signature",
}


@pytest.mark.parametrize("vector", named(v for v in BOLT11 if v["kind"] == "valid"))
def test_an_invoice_says_what_it_states(vector):
    invoice = decode_invoice(vector["invoice"])
    expected = vector["expected"]
    assert {
        "network": invoice.network,
        "amount_msat": invoice.amount_msat,
        "timestamp": invoice.created_at,
        "payment_hash": invoice.payment_hash,
        "description": invoice.description,
        "expiry_seconds": invoice.expires_at - invoice.created_at,
        "payee": invoice.payee,
    }.items() <= expected.items()


@pytest.mark.parametrize("vector", named(v for v in BOLT11 if v["kind"] == "invalid"))
def test_an_invalid_invoice_is_refused(vector):
    with pytest.raises(PurrwallError) as refused:
        decode_invoice(vector["invoice"])
    assert refused.value.code == CODES.get(vector["expected"]["error"], "malformed-invoice")


@pytest.mark.parametrize("vector", named(read("receipts")))
def test_a_receipt_holds_or_says_why_not(vector):
    content = vector["content"]

    def verify(receipt):
        content_bytes = None if content is None else content.encode()
        return verify_receipt(receipt, payee=vector["payee"], content=content_bytes)

    for receipt in (vector["receipt"], json.dumps(vector["receipt"])):
        if "fails" not in vector:
            assert asdict(verify(receipt)) == vector["proof"]
            continue
        with pytest.raises(PurrwallError) as refused:
            verify(receipt)
        assert refused.value.code == vector["fails"]
        assert vector["receipt"]["preimage"] not in str(refused.value)


@pytest.mark.parametrize("vector", named(read("webhooks")))
def test_a_webhook_is_taken_or_refused(vector):
    def verify(body):
        return verify_webhook(vector["secrets"], vector["headers"], body, now=vector["now"])

    for body in (vector["body"], vector["body"].encode()):
        if "fails" not in vector:
            assert verify(body) == {**json.loads(body), "id": vector["headers"]["webhook-id"]}
            continue
        with pytest.raises(PurrwallError) as refused:
            verify(body)
        assert refused.value.code == vector["fails"]


def test_bad_input_is_named():
    good = read("receipts")[0]
    webhook = read("webhooks")[0]
    headers = webhook["headers"]
    for code, call in (
        ("payee", lambda: verify_receipt(good["receipt"], payee="03")),
        ("malformed-receipt", lambda: verify_receipt("miau", payee=good["payee"])),
        ("malformed-receipt", lambda: verify_receipt([], payee=good["payee"])),
        ("malformed-receipt", lambda: verify_receipt({**good["receipt"], "size": -1}, payee=good["payee"])),
        ("malformed-receipt", lambda: verify_receipt({**good["receipt"], "preimage": "00"}, payee=good["payee"])),
        ("malformed-invoice", lambda: decode_invoice(None)),
        ("malformed-invoice", lambda: decode_invoice("ln" + "1" * 9000)),
        ("malformed-webhook", lambda: verify_webhook(webhook["secrets"], {}, "")),
        ("malformed-webhook", lambda: verify_webhook(webhook["secrets"], headers, {})),
        ("secret", lambda: verify_webhook([], headers, "")),
        ("store", lambda: Store("cats.example", "key")),
        ("invalid-key", lambda: Store("https://cats.example", " ")),
        ("invalid-request", lambda: Store("https://cats.example", "key").verify()),
        ("store", lambda: Store("http://127.0.0.1:1", "key").verify(claim="AgJC")),
    ):
        with pytest.raises(PurrwallError) as refused:
            call()
        assert refused.value.code == code
