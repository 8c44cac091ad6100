"""Buys by a code on paper with the published library `lnurl`, through a node's socket.

    code.py LNURL SOCKET

Prints what the wallet would show as a line of JSON: `url` where it was told an address, `text` where the
payment opened one; with the metadata, the invoice and the preimage. Without a socket it prints the code's address.
"""

import asyncio
import json
import sys

from lnurl import AesAction, LnurlPayResponse, UrlAction, aes_decrypt, decode, execute_pay_request, handle

from buy import pay


async def buy(code, node):
    offer = await handle(code)
    assert isinstance(offer, LnurlPayResponse), offer
    answer = await execute_pay_request(offer, offer.minSendable)
    assert answer.disposable is False
    preimage = pay(node, str(answer.pr))
    action = answer.successAction
    shown = {"metadata": str(offer.metadata), "bolt11": str(answer.pr), "preimage": preimage}
    if isinstance(action, UrlAction):
        return {"url": str(action.url), **shown}
    assert isinstance(action, AesAction), action
    text = aes_decrypt(bytes.fromhex(preimage), str(action.ciphertext), str(action.iv))
    return {"text": text, **shown}


code, *node = sys.argv[1:]
if node:
    print(json.dumps(asyncio.run(buy(code, *node))))
else:
    print(str(decode(code).url))
