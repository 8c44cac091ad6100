// Somebody's static host, on another origin than the store: files by their names, with ranges and for every
// site, as docs/operating.md asks for it.

import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';

const CORS = { 'access-control-allow-origin': '*', 'access-control-allow-headers': 'range' };

/** Opens a host that serves the files of `dir` at `url`. */
export async function openHost(dir) {
  const host = {
    /** The ranges that were asked for; `undefined` is all of a file. */
    ranges: [],
    /** How many bytes of files were sent. */
    sent: 0,
    /** After how many bytes each answer breaks off. */
    limit: Infinity,
    /** Once so many bytes were sent, nothing comes any more, and nothing ends. */
    silentAfter: Infinity,
    /** Bytes of files that do not come, `from` one `to` another: answers that get there stand still. */
    held: undefined,
    /** Whether it sends all of a file, whichever part is asked for. */
    hasRanges: true,
    /** A byte of each file that comes changed, counted from its beginning. */
    changed: undefined,
    url: undefined,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  const server = createServer(async (request, response) => {
    if (request.method === 'OPTIONS') return response.writeHead(204, CORS).end();
    const path = join(dir, request.url.slice(1));
    const file = await stat(path).catch(() => undefined);
    if (!file?.isFile()) return response.writeHead(404, CORS).end();
    const { range } = request.headers;
    host.ranges.push(range);
    const start = host.hasRanges ? Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0) : 0;
    const isPart = host.hasRanges && range !== undefined;
    response.writeHead(isPart ? 206 : 200, {
      ...CORS,
      'content-type': 'application/octet-stream',
      'content-length': file.size - start,
      ...(isPart && { 'content-range': `bytes ${start}-${file.size - 1}/${file.size}` }),
    });
    let at = start;
    const stop = host.held && start < host.held.to ? Math.max(start, host.held.from) : Infinity;
    const end = Math.min(file.size, start + host.limit, stop);
    if (end === stop && end === start) return response.flushHeaders();
    if (end === start) return response.destroy();
    const pieces = createReadStream(path, { start, end: end - 1 });
    response.on('close', () => pieces.destroy());
    pieces.on('data', (piece) => {
      const wrong = host.changed - at;
      if (wrong >= 0 && wrong < piece.length) piece[wrong] ^= 1;
      at += piece.length;
      host.sent += piece.length;
      if (host.sent >= host.silentAfter) {
        pieces.pause();
      } else if (!response.write(piece)) {
        pieces.pause();
        response.once('drain', () => pieces.resume());
      }
    });
    // What is written goes out; then the line is dead.
    pieces.on('end', () => {
      if (end === file.size) response.end();
      else if (end < stop) response.socket?.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  host.url = `http://localhost:${server.address().port}/`;
  return host;
}
