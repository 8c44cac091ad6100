// A site's own server in JavaScript: it is told of payments, and is shown receipts and claims.

import { createServer } from 'node:http';
import { PurrwallError, Store, verifyReceipt, verifyWebhook } from 'purrwall';

const { SECRET, PAYEE, STORE, KEY, PORT } = process.env;
const store = new Store(STORE, KEY);
const events = [];

const answers = {
  '/purrwall': (body, headers) => events.push(verifyWebhook(SECRET, headers, body)),
  '/events': () => events,
  '/receipt': (body) => verifyReceipt(body.toString(), { payee: PAYEE }),
  '/verify': (body) => store.verify(JSON.parse(body)),
};

createServer(async (request, response) => {
  const body = Buffer.concat(await request.toArray());
  let [status, answer] = [200];
  try {
    answer = await answers[request.url](body, request.headers);
  } catch (error) {
    if (!(error instanceof PurrwallError)) throw error;
    [status, answer] = [401, { code: error.code, message: error.message }];
  }
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
}).listen(PORT, '127.0.0.1', () => console.log(`listening on ${PORT}`));
