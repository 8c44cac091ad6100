"""The store itself: is this receipt or claim good?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib import request
from urllib.error import HTTPError
from urllib.parse import urlsplit

from .error import PurrwallError

# The longest answer that is read.
_MAX_ANSWER = 65536


@dataclass(frozen=True)
class Verdict:
    """What the store says of a receipt or a claim."""

    good: bool
    item: str | None = None
    """The item's id, or ``route:<name>``."""
    payment_hash: str | None = None
    amount_msat: int | None = None
    """``None`` where the store's node no longer has the invoice."""
    paid_at: int | None = None
    """In UNIX seconds. ``None`` where the store's node no longer has the invoice."""
    valid_until: int | None = None
    """The last second in which it is accepted, in UNIX seconds; ``None`` where it is good for ever."""
    reason: str | None = None
    """Why it is not good, for programs."""
    detail: str | None = None
    """Why it is not good, for people."""


class Store:
    """A store that has a key for you: its owner sets ``verify_key_file``."""

    def __init__(self, url: str, key: str, *, timeout_secs: float = 15) -> None:
        """``url`` is such as ``https://cats.example``, ``key`` what is in the file that
        ``verify_key_file`` names."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise PurrwallError("store", f"{url!r} is not a store's address: https://STORE")
        if not key.strip():
            raise PurrwallError("invalid-key", "there is no key; it is in the file that verify_key_file names")
        self._url = url.rstrip("/") + "/api/v1/verify"
        self._key = key.strip()
        self._timeout = timeout_secs
        self._opener = request.build_opener(_NoRedirect)

    def verify(
        self, *, claim: str | None = None, receipt: Mapping[str, Any] | str | None = None
    ) -> Verdict:
        """Asks the store whether a claim (``<claim>``, ``<claim>:<preimage>`` or the whole ``L402 …``) or a
        receipt is good. Raises :class:`PurrwallError` where the store does not answer that."""
        if (claim is None) == (receipt is None):
            raise PurrwallError("invalid-request", "ask about a claim or a receipt")
        if isinstance(receipt, str):
            try:
                receipt = json.loads(receipt)
            except ValueError:
                raise PurrwallError("malformed-receipt", "it is no receipt: it is no JSON") from None
        body: dict[str, Any] = {"claim": claim} if receipt is None else {"receipt": dict(receipt)}
        status, answer = self._ask(json.dumps(body).encode())
        try:
            told = json.loads(answer)
        except ValueError:
            told = None
        if not isinstance(told, dict):
            told = {}
        if status == 200 and isinstance(told.get("good"), bool):
            known = Verdict.__dataclass_fields__
            return Verdict(**{name: value for name, value in told.items() if name in known})
        why = told.get("detail", "its answer is not that of a store")
        raise PurrwallError(told.get("code", "store"), f"the store answered {status}: {why}")

    def _ask(self, body: bytes) -> tuple[int, bytes]:
        headers = {"authorization": f"Bearer {self._key}", "content-type": "application/json"}
        asked = request.Request(self._url, body, headers, method="POST")
        try:
            with self._opener.open(asked, timeout=self._timeout) as answer:
                return answer.status, answer.read(_MAX_ANSWER)
        except HTTPError as error:
            with error:
                return error.code, error.read(_MAX_ANSWER)
        except OSError:
            raise PurrwallError("store", f"the store does not answer at {self._url}") from None


class _NoRedirect(request.HTTPRedirectHandler):
    """The key is for this store alone."""

    def redirect_request(self, *_: Any) -> None:
        return None
