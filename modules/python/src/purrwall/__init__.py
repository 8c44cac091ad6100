"""For the server of a site that sells with Purrwall: verifies webhooks, receipts and claims."""

from .bolt11 import Invoice, decode_invoice
from .error import PurrwallError
from .receipt import Proof, verify_receipt
from .store import Store, Verdict
from .webhook import Event, verify_webhook

__all__ = [
    "Event",
    "Invoice",
    "Proof",
    "PurrwallError",
    "Store",
    "Verdict",
    "decode_invoice",
    "verify_receipt",
    "verify_webhook",
]
