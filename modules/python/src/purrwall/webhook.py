"""Webhooks in the form of the Standard Webhooks specification: https://www.standardwebhooks.com"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from .error import PurrwallError

TOLERANCE_SECS = 300


class Event(TypedDict):
    """A store's event: docs/webhooks.md says what each type's data hold."""

    id: str
    """Names the event: one that comes again has the same."""
    type: str
    """``invoice.paid``, ``purchase.refused`` or ``test``."""
    timestamp: str
    data: dict[str, Any]


def verify_webhook(
    secrets: str | Sequence[str],
    headers: Mapping[str, str],
    body: bytes | str,
    *,
    tolerance_secs: float = TOLERANCE_SECS,
    now: float | None = None,
) -> Event:
    """Verifies a webhook of the store's, and gives its event.

    ``secrets`` is ``whsec_…``, as ``purrwall webhook secret`` prints it; several while one replaces
    another. ``body`` is what came, not parsed and written again. ``tolerance_secs`` is how far from ``now``
    (UNIX seconds) the webhook's time may be. Raises :class:`PurrwallError`, which names what does not hold.
    """
    keys = [_read_secret(secret) for secret in ([secrets] if isinstance(secrets, str) else secrets)]
    if not keys:
        raise PurrwallError("secret", "there is no secret to verify with")
    if isinstance(body, str):
        body = body.encode()
    if not isinstance(body, bytes):
        raise PurrwallError(
            "malformed-webhook", "the body has to be the bytes that came, or their text, not parsed"
        )
    found = {name.lower(): value for name, value in headers.items()}
    values = []
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        if not isinstance(found.get(name), str):
            raise PurrwallError("malformed-webhook", f"there is no header {name}")
        values.append(found[name])
    webhook_id, timestamp, signatures = values
    if not re.fullmatch(r"[0-9]{1,15}", timestamp):
        raise PurrwallError("malformed-webhook", "webhook-timestamp is no UNIX time in seconds")
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    expected = [hmac.new(key, signed, hashlib.sha256).digest() for key in keys]
    given = [_read_signature(one) for one in signatures.split(" ")]
    if not any(hmac.compare_digest(ours, theirs) for ours in expected for theirs in given):
        raise PurrwallError("webhook-signature", "none of the signatures is of a secret that is known here")
    at = int(timestamp)
    if not abs((time.time() if now is None else now) - at) <= tolerance_secs:
        raise PurrwallError(
            "webhook-time", f"the webhook was sent at {at}, which is not within {tolerance_secs} s of now"
        )
    try:
        event = json.loads(body)
    except ValueError:
        raise PurrwallError("malformed-webhook", "the body is no JSON") from None
    if not isinstance(event, dict):
        raise PurrwallError("malformed-webhook", "the body is no object")
    return {**event, "id": webhook_id}  # type: ignore[typeddict-item]


def _read_secret(secret: str) -> bytes:
    """The key in a secret as ``purrwall webhook secret`` prints it."""
    match = re.fullmatch(r"whsec_([A-Za-z0-9+/]+={0,2})", secret.strip()) if isinstance(secret, str) else None
    try:
        if match is not None:
            return b64decode(match[1], validate=True)
    except ValueError:
        pass
    raise PurrwallError("secret", "the secret has to be whsec_…, as `purrwall webhook secret` prints it")


def _read_signature(text: str) -> bytes:
    """The bytes of a signature of version 1; nothing of any other."""
    try:
        return b64decode(text.removeprefix("v1,"), validate=True) if text.startswith("v1,") else b""
    except ValueError:
        return b""
