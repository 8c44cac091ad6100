// Somebody's site, on another origin than the store: it serves frontend/pages, whose examples name
// https://store.example, with the address of a store that runs.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { extname, join, normalize } from 'node:path';
import { root } from './server.mjs';

/** What stands in the pages for the store, its node, and its script's hash. */
const PLACES = {
  store: 'https://store.example',
  node: '03ddeaecd301b035406f4f806b149b1be2e4e925fa3d117fdc4873394222423642',
  hash: 'sha384-…',
};

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
};

/** Opens a site that serves `dir`, with pages that sell from the store at `storeUrl`. */
export async function openSite(storeUrl, dir = join(root, 'frontend/pages')) {
  const origin = new URL(storeUrl).origin;
  const [store, script] = await Promise.all([
    fetch(new URL('api/v1/store', storeUrl)).then((answer) => answer.json()),
    fetch(new URL('widget.js', storeUrl)).then((answer) => answer.text()),
  ]);
  const fill = (page) =>
    page
      .replaceAll(PLACES.store, origin)
      .replaceAll(PLACES.node, store.node_id)
      .replaceAll(PLACES.hash, integrity(script));

  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, 'http://site').pathname));
    const file = path.endsWith('/') ? `${path}index.html` : path;
    try {
      const bytes = await readFile(join(dir, file));
      const type = TYPES[extname(file)] ?? 'application/octet-stream';
      response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' });
      response.end(type.startsWith('text/') ? fill(bytes.toString()) : bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    // Not 127.0.0.1, where the store is: another site for cookies and storage, too.
    url: `http://localhost:${server.address().port}/`,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** What Subresource Integrity expects of a file. */
export function integrity(text) {
  return `sha384-${createHash('sha384').update(text).digest('base64')}`;
}
