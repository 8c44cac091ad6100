"""A site's own server in Python: it is told of payments, and is shown receipts and claims."""

import json
import os
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from purrwall import PurrwallError, Store, verify_receipt, verify_webhook

STORE = Store(os.environ["STORE"], os.environ["KEY"])
EVENTS = []

ANSWERS = {
    "/purrwall": lambda body, headers: EVENTS.append(verify_webhook(os.environ["SECRET"], headers, body)),
    "/events": lambda *_: EVENTS,
    "/receipt": lambda body, _: asdict(verify_receipt(body, payee=os.environ["PAYEE"])),
    "/verify": lambda body, _: asdict(STORE.verify(**json.loads(body))),
}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            status, answer = 200, ANSWERS[self.path](body, self.headers)
        except PurrwallError as error:
            status, answer = 401, {"code": error.code, "message": str(error)}
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


PORT = int(os.environ["PORT"])
server = ThreadingHTTPServer(("127.0.0.1", PORT), Handler)
print(f"listening on {PORT}", flush=True)
server.serve_forever()
