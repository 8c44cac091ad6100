"""BOLT 11: an invoice read, and its signature verified.

https://github.com/lightning/bolts/blob/master/11-payment-encoding.md
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from coincurve import PublicKey
from coincurve.ecdsa import cdata_to_der, deserialize_compact

from .error import PurrwallError

_LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_NETWORKS = {"bc": "bitcoin", "tb": "testnet", "tbs": "signet", "bcrt": "regtest"}
# Picobitcoin in a unit of the amount. A millisatoshi is ten of them.
_UNITS = {"": 10**12, "m": 10**9, "u": 10**6, "n": 10**3, "p": 1}
# The longest code of BOLT 11's checksum.
_MAX_LETTERS = 7089
_CHECKSUM_LETTERS = 6
_SIGNATURE_LETTERS = 104
_TIMESTAMP_LETTERS = 7
_DEFAULT_EXPIRY_SECS = 3600

# The fields that are read, by their number, and their length in letters where that is fixed.
_FIELDS: dict[int, tuple[str, int | None]] = {
    1: ("payment_hash", 52),
    3: ("route", None),
    5: ("features", None),
    6: ("expiry", None),
    13: ("description", None),
    16: ("secret", 52),
    19: ("payee", 53),
    23: ("description_hash", 52),
}
# The features that a payer may be required to know, by BOLT 9.
_FEATURES = {8, 14, 16, 24, 36, 48, 56}
# A step of a route hint, in bytes; it begins with a public key.
_HOP = 51


@dataclass(frozen=True)
class Invoice:
    """What a BOLT11 string says, its signature verified."""

    bolt11: str
    network: str
    """``bitcoin``, ``testnet``, ``signet`` or ``regtest``."""
    amount_msat: int | None
    """``None`` lets the payer choose."""
    payee: str
    """The public key of the node that signed it and receives the payment, in hex."""
    payment_hash: str
    """Names the payment, in hex."""
    description: str | None
    """``None`` where the invoice carries only its hash."""
    description_hash: str | None
    """In hex; ``None`` where the invoice carries the description itself."""
    created_at: int
    """UNIX seconds."""
    expires_at: int
    """The second from which it can no longer be paid, in UNIX seconds."""


def decode_invoice(bolt11: str) -> Invoice:
    """Decodes a BOLT11 string and verifies its signature. Raises :class:`PurrwallError`."""
    if not isinstance(bolt11, str):
        raise _malformed("it is no text")
    prefix, letters = _read_bech32(bolt11)
    network, amount_msat = _read_prefix(prefix)
    data = letters[:-_SIGNATURE_LETTERS]
    if len(letters) < _SIGNATURE_LETTERS or len(data) < _TIMESTAMP_LETTERS:
        raise _malformed("it is too short")
    signature = _to_bytes(letters[-_SIGNATURE_LETTERS:])
    fields = _read_fields(data[_TIMESTAMP_LETTERS:])
    digest = sha256(prefix.encode("ascii") + _to_bytes(data, is_filled=True)).digest()
    if fields["payee"]:
        payee = _checked(signature, digest, _to_bytes(fields["payee"][0]))
    else:
        payee = _recovered(signature, digest)
    descriptions = [_to_text(_to_bytes(letters)) for letters in fields["description"]]
    for route in fields["route"]:
        _check_route(_to_bytes(route))
    for features in fields["features"]:
        _check_features(_to_number(features))
    if len(descriptions) + len(fields["description_hash"]) != 1:
        raise _malformed("it does not have one description")
    for name in ("payment_hash", "secret"):
        if len(fields[name]) != 1:
            raise _malformed(f"it has {len(fields[name])} fields {name}")
    created_at = _to_number(data[:_TIMESTAMP_LETTERS])
    expiry = _to_number(fields["expiry"][0]) if fields["expiry"] else _DEFAULT_EXPIRY_SECS
    return Invoice(
        bolt11=bolt11,
        network=network,
        amount_msat=amount_msat,
        payee=payee.hex(),
        payment_hash=_to_bytes(fields["payment_hash"][0]).hex(),
        description=descriptions[0] if descriptions else None,
        description_hash=_to_bytes(fields["description_hash"][0]).hex() if fields["description_hash"] else None,
        created_at=created_at,
        expires_at=created_at + expiry,
    )


def _malformed(why: str) -> PurrwallError:
    return PurrwallError("malformed-invoice", f"the invoice is not BOLT11: {why}")


def _read_bech32(text: str) -> tuple[str, list[int]]:
    if len(text) > _MAX_LETTERS:
        raise _malformed("it is too long")
    if not text.isascii() or not text.isprintable():
        raise _malformed("it is not ASCII")
    lower = text.lower()
    if text not in (lower, text.upper()):
        raise _malformed("it mixes upper and lower case")
    prefix, separator, rest = lower.rpartition("1")
    if not separator or not prefix:
        raise _malformed("it has no separator")
    letters = [_LETTERS.find(letter) for letter in rest]
    if -1 in letters:
        raise _malformed("it has a letter that bech32 does not have")
    codes = prefix.encode("ascii")
    spread = [code >> 5 for code in codes] + [0] + [code & 31 for code in codes]
    if len(letters) < _CHECKSUM_LETTERS or _polymod(spread + letters) != 1:
        raise _malformed("its checksum is wrong")
    return prefix, letters[:-_CHECKSUM_LETTERS]


def _polymod(values: Sequence[int]) -> int:
    generator = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
    total = 1
    for value in values:
        top = total >> 25
        total = (total & 0x1FFFFFF) << 5 ^ value
        for bit, part in enumerate(generator):
            if top >> bit & 1:
                total ^= part
    return total


def _read_prefix(prefix: str) -> tuple[str, int | None]:
    match = re.fullmatch(r"ln([a-z]+?)(?:([0-9]+)([munp]?))?", prefix)
    if match is None:
        raise _malformed("its amount cannot be read")
    currency, digits, unit = match.groups()
    network = _NETWORKS.get(currency)
    if network is None:
        raise PurrwallError("unknown-network", f"the invoice is for an unknown network, ln{currency}")
    if digits is None:
        return network, None
    # More digits than this are more than there is, and slow to read.
    amount, rest = divmod(int(digits[:40]) * _UNITS[unit], 10)
    if rest != 0:
        raise _malformed("its amount is a part of a millisatoshi")
    if len(digits) > 40 or amount >= 2**53:
        raise _malformed("its amount is more than there is")
    return network, amount


def _read_fields(letters: Sequence[int]) -> dict[str, list[Sequence[int]]]:
    """The letters of each field, by its name. What is not read, or has another length, is skipped."""
    fields: dict[str, list[Sequence[int]]] = {name: [] for name, _ in _FIELDS.values()}
    at = 0
    while at < len(letters):
        if at + 3 > len(letters):
            raise _malformed("a field is cut off")
        length = letters[at + 1] * 32 + letters[at + 2]
        end = at + 3 + length
        if end > len(letters):
            raise _malformed("a field is cut off")
        name, fixed = _FIELDS.get(letters[at], (None, None))
        if name is not None and fixed in (None, length):
            fields[name].append(letters[at + 3 : end])
        at = end
    return fields


def _to_bytes(letters: Sequence[int], is_filled: bool = False) -> bytes:
    """The bytes of letters of five bits. The rest of the last is left out, or filled up with zeros."""
    found = bytearray()
    bits = count = 0
    for letter in letters:
        bits = (bits << 5 | letter) & 0xFFF
        count += 5
        if count >= 8:
            count -= 8
            found.append(bits >> count & 0xFF)
    if is_filled and count > 0:
        found.append(bits << 8 - count & 0xFF)
    return bytes(found)


def _to_number(letters: Sequence[int]) -> int:
    number = 0
    for letter in letters:
        number = number << 5 | letter
    return number


def _to_text(text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        raise _malformed("its description is not UTF-8") from None


def _check_route(hops: bytes) -> None:
    for at in range(0, len(hops) - _HOP + 1, _HOP):
        try:
            PublicKey(hops[at : at + 33])
        except ValueError:
            raise _malformed("a route hint names no public key") from None


def _check_features(features: int) -> None:
    """An even feature has to be known to whoever pays."""
    for number in range(0, features.bit_length(), 2):
        if features >> number & 1 and number not in _FEATURES:
            raise PurrwallError("unknown-feature", f"the invoice requires the unknown feature {number}")


def _unsigned() -> PurrwallError:
    return PurrwallError("signature", "the invoice's signature is not valid")


def _recovered(signature: bytes, digest: bytes) -> bytes:
    """The key that made the signature."""
    try:
        return PublicKey.from_signature_and_message(signature, digest, hasher=None).format()
    except Exception:  # coincurve raises several kinds.
        raise _unsigned() from None


def _checked(signature: bytes, digest: bytes, payee: bytes) -> bytes:
    """The key that the invoice names, if it made the signature, in the one form that BOLT 11 then allows:
    libsecp256k1 accepts no other."""
    try:
        der = cdata_to_der(deserialize_compact(signature[:64]))
        is_valid = PublicKey(payee).verify(der, digest, hasher=None)
    except Exception:  # coincurve raises several kinds.
        is_valid = False
    if not is_valid:
        raise _unsigned()
    return payee
