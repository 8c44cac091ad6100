// docs/l402.md is followed to the letter: its commands are run one after the other in one shell.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { root } from '../server.mjs';
import { setUp } from '../world.mjs';

const PURRWALL = process.env.PURRWALL ?? join(root, 'target/debug/purrwall');

suite('docs/l402.md', () => {
  let network, store, dir;

  setUp(async (world) => {
    network = await world.network();
    store = await world.store(network);
    dir = await world.folder();
  });

  test('leads from nothing to two bought files', async () => {
    const text = await readFile(join(root, 'docs/l402.md'), 'utf8');
    const commands = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block);
    assert.ok(commands.length >= 8, `${commands.length} blocks of commands`);
    const script = commands
      .join('\n')
      .replaceAll('https://cats.example', store.url.replace(/\/$/, ''))
      .replaceAll('~/.lightning/bitcoin/lightning-rpc', network.alice.socket);

    const bin = join(dir, 'bin');
    const work = join(dir, 'work');
    await Promise.all([mkdir(bin), mkdir(work)]);
    await symlink(PURRWALL, join(bin, 'purrwall'));
    await lightningCli(join(bin, 'lightning-cli'), network.alice.socket);
    const { code, output } = await shell(script, bin, work);
    assert.equal(code, 0, output);

    // What the text says that one sees.
    assert.match(output, /^402$/m);
    assert.match(output, /^cat\.txt: OK$/m);
    assert.match(output, /^The node \w+ promised the content .* the content is the promised one\.$/m);
    const files = await readdir(work);
    for (const file of ['cat.txt', 'receipt.json', 'two-cats.txt', 'two-cats.txt.receipt.json']) {
      assert.ok(files.includes(file), `${file} among ${files}`);
    }
    assert.ok(!files.includes('two-cats.txt.purrwall.json'));
  });
});

/** Takes the place of Core Lightning's own `lightning-cli`: METHOD and positional parameters. */
async function lightningCli(path, socket) {
  const module = new URL('../lightning.mjs', import.meta.url).href;
  await writeFile(
    path,
    `#!/usr/bin/env node
import(${JSON.stringify(module)}).then(async ({ LightningNode }) => {
  const [method, ...params] = process.argv.slice(2);
  const result = await new LightningNode(${JSON.stringify(socket)}).call(method, params);
  console.log(JSON.stringify(result, null, 3));
});
`,
  );
  await chmod(path, 0o755);
}

/** Runs commands as a person would type them: the first that fails ends it. */
async function shell(script, bin, cwd) {
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
  const child = spawn('bash', ['-euo', 'pipefail', '-c', script], { cwd, env });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => (output += text));
  }
  const [code] = await once(child, 'close');
  return { code, output };
}
