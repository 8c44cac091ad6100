# A service that knows nothing of payments: Flask as its own documentation begins.

from flask import Flask, jsonify
from werkzeug.serving import make_server

app = Flask(__name__)


@app.get("/forecast/about")
def about():
    return "Rain or shine"


@app.get("/forecast/<day>")
def forecast(day):
    return jsonify(day=day, sky="sun")


server = make_server("127.0.0.1", 0, app)
print(f"listening on {server.server_port}", flush=True)
server.serve_forever()
