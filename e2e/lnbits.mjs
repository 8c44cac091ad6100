// A wallet in the cloud, as far as a site's buyers pay with it: LNbits' API in front of a node.

import { createServer } from 'node:http';
import { once } from 'node:events';

/** Opens one that pays from `node`, for whoever has its admin key. */
export async function openLnbits(node) {
  const key = crypto.randomUUID().replaceAll('-', '');
  /** The preimages of what it paid, by payment hash. */
  const payments = new Map();
  const answers = {
    'GET /api/v1/wallet': () => ({ name: 'alice', balance: 1_000_000 }),
    async 'POST /api/v1/payments'({ bolt11 }) {
      const { payment_hash, payment_preimage } = await node.call('pay', { bolt11 });
      payments.set(payment_hash, payment_preimage);
      return { payment_hash };
    },
  };
  const server = createServer(async (request, response) => {
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('access-control-allow-headers', '*');
    if (request.method === 'OPTIONS') return response.end();
    const answer = (status, json) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(json));
    };
    if (request.headers['x-api-key'] !== key) return answer(401, { detail: 'another key' });
    try {
      let text = '';
      for await (const piece of request) text += piece;
      const hash = request.url.split('/api/v1/payments/')[1];
      if (hash) return answer(200, { paid: payments.has(hash), preimage: payments.get(hash) });
      answer(200, await answers[`${request.method} ${request.url}`](text && JSON.parse(text)));
    } catch (error) {
      answer(520, { detail: error.message });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    key,
    payments,
    url: `http://127.0.0.1:${server.address().port}`,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
