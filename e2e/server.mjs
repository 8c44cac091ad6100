// A program of ours, running for as long as a test file needs it.

import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

export const root = new URL('..', import.meta.url).pathname;
export const outputDir = join(root, 'test-output');
mkdirSync(outputDir, { recursive: true });

const SECONDS_TO_START = 30;
const SECONDS_TO_STOP = 10;

/**
 * Starts a program and waits until it prints a line that matches `ready`. Its output goes to
 * `test-output/NAME.log`.
 *
 * @returns {Promise<{ match: RegExpMatchArray, stop: () => Promise<void> }>}
 */
export async function startServer(name, program, args, ready) {
  const log = createWriteStream(join(outputDir, `${name}.log`));
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  // Whatever ends the tests must not leave programs behind.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const ended = once(child, 'exit').finally(() => process.removeListener('exit', kill));

  child.stderr.pipe(log, { end: false });
  const lines = createInterface({ input: child.stdout });
  const started = new Promise((resolve) => {
    lines.on('line', (line) => {
      log.write(`${line}\n`);
      const match = line.match(ready);
      if (match) resolve(match);
    });
  });
  const fail = (what) => {
    throw new Error(`${name} ${what}, see ${join('test-output', `${name}.log`)}`);
  };
  const match = await Promise.race([
    started,
    ended.then(([code, signal]) => fail(`ended (${code ?? signal}) before it was ready`)),
    sleep(SECONDS_TO_START * 1000, null, { ref: false }).then(() => fail('did not become ready')),
  ]);
  return {
    match,
    async stop() {
      child.kill('SIGTERM');
      const late = sleep(SECONDS_TO_STOP * 1000, 'late', { ref: false });
      if ((await Promise.race([ended, late])) === 'late') {
        child.kill('SIGKILL');
        fail('did not end when asked to');
      }
    },
  };
}
