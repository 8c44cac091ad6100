// A store that sells sealed goods, whose ciphertexts lie at somebody else's host.

import { execFile } from 'node:child_process';
import { copyFile, mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openHost } from './host.mjs';
import { root } from './server.mjs';

export const purrwall = process.env.PURRWALL ?? join(root, 'target/debug/purrwall');
export const run = promisify(execFile);

/** What is sold: an id and its file's type. */
export const POEM = 'Only who paid can read this.\n';
const TYPES = {
  poem: 'text/plain',
  film: 'video/webm',
  song: 'audio/wav',
};

/** How many bytes of sound a second has. */
const RATE = 100_000;

/**
 * Opens a store on a network that sells a poem, a film, and a song of so many bytes. `mirrors` are more places where their
 * ciphertexts may lie.
 */
export async function openCinema(world, network, songBytes, mirrors = []) {
  const dir = await world.folder();
  await writeFile(join(dir, 'poem'), POEM);
  await copyFile(join(root, 'e2e/goods/clip.webm'), join(dir, 'film'));
  await writeSong(join(dir, 'song'), songBytes);
  const hosted = join(dir, 'hosted');
  await mkdir(hosted);
  const host = await openHost(hosted);
  world.keep(host);
  const items = Object.entries(TYPES).map(
    ([id, type]) =>
      `[[item]]\nid = "${id}"\ntitle = "A ${id}"\nteaser = "It travels sealed."\nfile = "${id}"\nprice = "5 sat"\n` +
      `content_type = "${type}"\nsealed = true\nsealed_at = ${JSON.stringify([host.url, ...mirrors])}\n`,
  );
  const config = join(dir, 'purrwall.toml');
  await writeFile(config, items.join('\n'));
  await run(purrwall, ['seal', '--lightning-rpc', 'none', '--config', config, '--out', hosted]);
  const store = await world.store(network, '--config', config);
  return { dir, host, hosted, store };
}

/** Writes a song of silence, which takes no room on the disk. */
async function writeSong(path, bytes) {
  const file = await open(path, 'w');
  await file.write(songHeader(bytes));
  await file.truncate(bytes);
  await file.close();
}

/** How a song of so many bytes begins. */
export function songHeader(bytes) {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(bytes - 8, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(RATE / 2, 24);
  header.writeUInt32LE(RATE, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(bytes - 44, 40);
  return header;
}

/** How many seconds a song of so many bytes lasts. */
export const seconds = (bytes) => (bytes - 44) / RATE;
