"""What does not hold."""


class PurrwallError(Exception):
    """What does not hold. Its message never repeats a secret, a preimage or a claim.

    ``code`` names it for programs: ``malformed-invoice``, ``signature``, ``unknown-feature``,
    ``unknown-network``, ``malformed-receipt``, ``payee``, ``preimage``, ``metadata``, ``commitment``,
    ``content``, ``secret``, ``malformed-webhook``, ``webhook-signature``, ``webhook-time``, ``store``, or a
    code of the store's problem documents such as ``invalid-key``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
