// A service that tells what has reached it. It knows nothing of payments.

import { createServer } from 'node:http';

const server = createServer(async (request, response) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  const { method, url, headers } = request;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ method, url, headers, body: Buffer.concat(pieces).toString() }));
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
