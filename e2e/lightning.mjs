// A Lightning node as lightningd's clients see it: JSON-RPC on a Unix socket. The devnet's nodes
// and real ones speak the same, so the tests know no other way to pay.

import { connect } from 'node:net';

export class LightningNode {
  /** @param {string} socket the path of its `lightning-rpc` */
  constructor(socket) {
    this.socket = socket;
  }

  /** Calls a method on a connection of its own, so that a long call holds up no other. */
  async call(method, params = {}) {
    const answer = await exchange(this.socket, { jsonrpc: '2.0', id: 1, method, params });
    if (answer.error) {
      throw new Error(`${method}: ${answer.error.message} (${answer.error.code})`);
    }
    return answer.result;
  }

  /** Pays an invoice and returns the preimage, in hex. */
  async pay(bolt11) {
    return (await this.call('pay', { bolt11 })).payment_preimage;
  }

  /** Creates an invoice and returns it as BOLT11 text. */
  async invoice(amountMsat, description) {
    const label = `e2e/${crypto.randomUUID()}`;
    const params = { amount_msat: amountMsat, label, description, expiry: 600 };
    return (await this.call('invoice', params)).bolt11;
  }
}

function exchange(socket, request) {
  return new Promise((resolve, reject) => {
    let received = '';
    const connection = connect(socket, () => connection.write(JSON.stringify(request)));
    connection.setEncoding('utf8');
    connection.on('error', reject);
    connection.on('close', () => reject(new Error(`${socket} hung up without an answer`)));
    connection.on('data', (text) => {
      received += text;
      // An empty line ends an answer, and never stands within one.
      if (received.endsWith('\n\n')) {
        resolve(JSON.parse(received));
        connection.destroy();
      }
    });
  });
}
