// The Lightning network of the story: alice has a channel to the store, bob one to alice.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LightningNode } from './lightning.mjs';
import { root, startServer } from './server.mjs';

const VARIABLES = {
  store: 'PURRWALL_STORE_RPC',
  alice: 'PURRWALL_ALICE_RPC',
  bob: 'PURRWALL_BOB_RPC',
};

/** The variables that name real nodes' sockets and are not set. */
export function missingVariables() {
  return Object.values(VARIABLES).filter((name) => !process.env[name]);
}

/** Running lightningd nodes, by the sockets that the environment names. */
export function realNodes() {
  const sockets = Object.entries(VARIABLES).map(([name, variable]) => [name, process.env[variable]]);
  return { ...nodes(sockets), stop: async () => {} };
}

/**
 * A network in a box, of its own; `page` is the address of its page, `webln(node)` that of the
 * node's wallet script. `args` are more of the devnet's options.
 */
export async function startDevnet(...args) {
  const dir = await mkdtemp(join(tmpdir(), 'purrwall-'));
  const program = process.env.DEVNET ?? join(root, 'target/debug/devnet');
  const server = await startServer(
    'devnet',
    program,
    ['--dir', dir, '--http', '127.0.0.1:0', ...args],
    /^ready/,
  );
  const sockets = Object.keys(VARIABLES).map((name) => [name, join(dir, name, 'lightning-rpc')]);
  const http = server.lines.find((line) => line.startsWith('http ')).slice('http '.length);
  return {
    ...nodes(sockets),
    page: `${http}/`,
    webln: (node) => `${http}/webln.js?node=${node}`,
    async stop() {
      await server.stop();
      await rm(dir, { recursive: true });
    },
  };
}

function nodes(sockets) {
  return Object.fromEntries(sockets.map(([name, socket]) => [name, new LightningNode(socket)]));
}
