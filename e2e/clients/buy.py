"""Buys with a published client of Python's, through a node's socket.

    buy.py CLIENT SOCKET REST

REST is the node again, by the address of Core Lightning's REST plugin, for clients that know no other way.
Reads addresses from its input, one a line, and answers each with a line of JSON: the status, and the
SHA-256 of what came. One instance of the client buys all of them.
"""

import hashlib
import json
import socket
import sys


def call(path, method, params):
    """Calls a method of the node's JSON-RPC."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        connection.sendall(json.dumps(request).encode())
        received = b""
        while not received.endswith(b"\n\n"):
            received += connection.recv(65536)
    answer = json.loads(received)
    if "error" in answer:
        raise RuntimeError(answer["error"]["message"])
    return answer["result"]


def pay(path, bolt11):
    return call(path, "pay", {"bolt11": bolt11})["payment_preimage"]


def l402_requests(path, _):
    from l402_requests import L402Client
    from l402_requests.wallets import WalletBase

    class Wallet(WalletBase):
        async def pay_invoice(self, bolt11):
            return pay(path, bolt11)

    client = L402Client(wallet=Wallet())

    def get(url):
        answer = client.get(url)
        return answer.status_code, answer.content

    return get


def pyl402(path, _):
    from pyl402.client import L402Client
    from pyl402.token_store import MemoryTokenStore
    from pyl402.wallet import PaymentResult, Wallet

    class OurWallet(Wallet):
        def pay_invoice(self, invoice):
            return PaymentResult(preimage=pay(path, invoice), success=True)

    client = L402Client(wallet=OurWallet(), store=MemoryTokenStore())

    def get(url):
        answer = client.get(url)
        return answer.status_code, answer.content

    return get


def over_rest(module, rest):
    client = module.L402Client.with_cln_rest(rest, "rune", budget=module.Budget.unlimited())

    def get(url):
        answer = client.get(url)
        return answer.status, answer.text().encode()

    return get


def bolt402(_, rest):
    import bolt402 as module

    return over_rest(module, rest)


def l402sdk(_, rest):
    import l402 as module

    return over_rest(module, rest)


def main():
    client, path, rest = sys.argv[1:]
    get = {
        "l402-requests": l402_requests,
        "pyl402": pyl402,
        "bolt402": bolt402,
        "l402sdk": l402sdk,
    }[client](path, rest)
    for url in sys.stdin:
        try:
            status, content = get(url.strip())
            answer = {"status": status, "sha256": hashlib.sha256(content).hexdigest()}
        except Exception as error:  # Every client has exceptions of its own.
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
