// A store: the gateway with the built page, selling for the network's store node.

import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, startServer } from './server.mjs';

/** Opens a store on a free port; `args` are more of the gateway's options. */
export async function openStore(network, ...args) {
  const dir = await mkdtemp(join(tmpdir(), 'purrwall-'));
  const program = process.env.PURRWALL ?? join(root, 'target/debug/purrwall');
  const secret = join(dir, 'secret');
  // Other stores have sold at this node, so a new one has to be called that.
  execFileSync(program, ['secret', 'new', '--secret-file', secret]);
  const common = [
    ['--lightning-rpc', network.store.socket],
    ['--invoices-per-minute', '0'],
    ['--secret-file', secret],
    args.includes('--frontend') ? [] : ['--frontend', join(root, 'dist')],
  ];
  const listening = /listening on (http:\S+)/;
  const start = (address) =>
    startServer('gateway', program, [...common.flat(), '--listen', address, ...args], listening);
  let server = await start('127.0.0.1:0');
  const url = server.lines.at(-1).match(listening)[1];
  return {
    url,
    /** The file of its secret. */
    secret,
    /** Stops it, and opens it again at the same address once `meanwhile` is done. */
    async closedWhile(meanwhile) {
      await server.stop();
      await meanwhile();
      server = await start(new URL(url).host);
    },
    /** Ends it as a crash would, and opens it again at the same address once `meanwhile` is done. */
    async killed(meanwhile = async () => {}) {
      await server.kill();
      await meanwhile();
      server = await start(new URL(url).host);
    },
    async stop() {
      await server.stop();
      await rm(dir, { recursive: true });
    },
  };
}
