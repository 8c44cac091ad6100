// A program of ours, running for as long as a test file needs it.

import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { PATIENCE_MS } from './until.mjs';

export const root = fileURLToPath(new URL('..', import.meta.url));
export const outputDir = join(root, 'test-output');
mkdirSync(outputDir, { recursive: true });

// No program may outlive the tests. Node.js emits "exit" only if no signal ends it.
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

let started = 0;

/**
 * Starts a program and waits until it prints a line that matches `ready`. Its output goes to a
 * log in `test-output/`, named after the test file and the program. It runs in `cwd`.
 *
 * @returns {Promise<{ lines: string[], kill: () => Promise<void>, stop: () => Promise<void> }>} what it
 *   printed until then
 */
export async function startServer(name, program, args, ready, { cwd = root } = {}) {
  started += 1;
  const logName = `${basename(process.argv[1], '.test.mjs')}-${started}-${name}.log`;
  const log = createWriteStream(join(outputDir, logName));
  // Programs of others colour what they print where CI is set, and with it the address that is looked for.
  const env = { ...process.env, NO_COLOR: '1' };
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const ended = once(child, 'exit').finally(() => process.removeListener('exit', kill));

  child.stderr.pipe(log, { end: false });
  const lines = [];
  const becameReady = new Promise((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      log.write(`${line}\n`);
      lines.push(line);
      if (ready.test(line)) resolve();
    });
  });
  const fail = (what) => {
    throw new Error(`${name} ${what}, see test-output/${logName}`);
  };
  await Promise.race([
    becameReady,
    ended.then(([code, signal]) => fail(`ended (${code ?? signal}) before it was ready`)),
    sleep(PATIENCE_MS, null, { ref: false }).then(() => fail('did not become ready')),
  ]).catch((error) => {
    kill();
    throw error;
  });
  return {
    lines,
    async kill() {
      kill();
      await ended;
    },
    async stop() {
      child.kill('SIGTERM');
      const late = sleep(PATIENCE_MS, 'late', { ref: false });
      if ((await Promise.race([ended, late])) === 'late') {
        child.kill('SIGKILL');
        fail('did not end when asked to');
      }
    },
  };
}

/** Free a moment ago, for a program that cannot take any. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
