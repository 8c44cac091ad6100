// What is sold is in the gateway alone: nobody finds it in the files that every visitor gets.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../server.mjs';

test('no line of a cat is in what browsers load', () => {
  const cats = filesIn('gateway/cats').map(([, text]) => text);
  // Shorter lines, and those of one character, may stand in any program.
  const telling = (line) => line.length >= 6 && new Set(line.replaceAll(' ', '')).size > 1;
  const lines = cats.flatMap((cat) => cat.split('\n').map((line) => line.trim())).filter(telling);
  assert.ok(lines.length > 25, 'these are no cats');
  const files = filesIn('dist').filter(([name]) => !/\.(br|gz)$/.test(name));
  assert.ok(files.some(([name]) => name.endsWith('.wasm')), 'the page is not built');

  for (const [name, text] of files) {
    for (const line of lines) {
      assert.ok(!text.includes(line), `${name} holds ${JSON.stringify(line)}`);
    }
  }
});

/** The name and the text of each file in a folder of the project, byte by byte. */
function filesIn(folder) {
  const dir = join(root, folder);
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map(({ parentPath, path, name }) => [
    name,
    readFileSync(join(parentPath ?? path, name), 'latin1'),
  ]);
}
