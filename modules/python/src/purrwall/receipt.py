"""Receipts: what was promised, and that it was paid, without asking anyone."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from .bolt11 import decode_invoice
from .error import PurrwallError

_HASH = re.compile(r"[0-9a-f]{64}", re.IGNORECASE)


@dataclass(frozen=True)
class Proof:
    """What a receipt that holds proves."""

    payee: str
    """The node that promised and was paid, in hex."""
    network: str
    amount_msat: int | None
    payment_hash: str
    """Names the payment: remember it, so that a receipt is used once. In hex."""
    description: str | None
    created_at: int
    """When the invoice was made, in UNIX seconds."""
    sha256: str
    """The content that was promised, in hex."""
    item: str
    """As the receipt states it; the node signed the content's hash, not the item's name."""
    size: int
    """In bytes, as the receipt states it."""


def verify_receipt(
    receipt: Mapping[str, Any] | str | bytes, *, payee: str, content: bytes | None = None
) -> Proof:
    """Checks a receipt without asking anyone: the signature of the store's node, the payment, the promise,
    and the content where it is given.

    ``receipt`` is the object or its JSON; ``payee`` the public key of the store's node, in hex. Without it
    anyone could make a receipt with a node of their own. Raises :class:`PurrwallError`, which names what
    does not hold.
    """
    if not isinstance(payee, str) or not re.fullmatch(r"0[23][0-9a-fA-F]{64}", payee):
        raise PurrwallError(
            "payee", "the store's node has to be named, by its public key of 66 hex digits: payee='03…'"
        )
    parts = _read(receipt)
    invoice = decode_invoice(parts["bolt11"])
    if invoice.payee != payee.lower():
        raise PurrwallError("payee", f"the invoice is of the node {invoice.payee}, not of {payee}")
    if sha256(bytes.fromhex(parts["preimage"])).hexdigest() != invoice.payment_hash:
        raise PurrwallError("preimage", f"the preimage does not prove the payment {invoice.payment_hash}")
    description = invoice.description
    if invoice.description_hash is not None:
        metadata = parts.get("metadata")
        if metadata is None or sha256(metadata.encode(errors="replace")).hexdigest() != invoice.description_hash:
            which = "has no metadata" if metadata is None else "has metadata with another one"
            raise PurrwallError(
                "metadata",
                f"the invoice carries the hash {invoice.description_hash} of its metadata, but the receipt {which}",
            )
        description = _described(metadata)
    match = re.search(r" sha256:([0-9a-f]{64})\Z", description or "")
    promised = match[1] if match else None
    if promised is None or promised != parts["sha256"].lower():
        raise PurrwallError(
            "commitment",
            f"the receipt is for content {parts['sha256']}, but the invoice promises {promised or 'none'}",
        )
    if content is not None and (found := sha256(content).hexdigest()) != promised:
        raise PurrwallError("content", f"the content's SHA-256 is {found}, but {promised} was promised")
    return Proof(
        payee=invoice.payee,
        network=invoice.network,
        amount_msat=invoice.amount_msat,
        payment_hash=invoice.payment_hash,
        description=description,
        created_at=invoice.created_at,
        sha256=promised,
        item=parts["item"],
        size=parts["size"],
    )


def _described(metadata: str) -> str | None:
    """The description in the metadata of a code, if they are written as the store writes them."""
    match = re.match(r'\[\["text/plain","((?:[^"\\]|\\["\\])*)"', metadata)
    return re.sub(r"\\(.)", r"\1", match[1], flags=re.DOTALL) if match else None


def _read(receipt: Mapping[str, Any] | str | bytes) -> Mapping[str, Any]:
    """The parts of a receipt, each of the right form."""
    parts: Any = receipt
    if isinstance(receipt, (str, bytes)):
        try:
            parts = json.loads(receipt)
        except ValueError:
            raise _malformed("it is no JSON") from None
    if not isinstance(parts, Mapping):
        raise _malformed("it is no object")
    for name, form, pattern in (
        ("bolt11", "a BOLT11 string", re.compile(r".*", re.DOTALL)),
        ("preimage", "64 hex digits", _HASH),
        ("item", "an item's id", re.compile(r"[a-z0-9-]{1,48}")),
        ("sha256", "64 hex digits", _HASH),
    ):
        value = parts.get(name)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise _malformed(f"{name} has to be {form}")
    size = parts.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise _malformed("size has to be a number of bytes")
    if not isinstance(parts.get("metadata"), (str, type(None))):
        raise _malformed("metadata has to be a text, if it is there")
    return parts


def _malformed(why: str) -> PurrwallError:
    return PurrwallError("malformed-receipt", f"it is no receipt: {why}")
