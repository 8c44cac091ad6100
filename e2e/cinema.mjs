// A store that sells sealed goods, whose ciphertexts lie at somebody else's host.

import { execFile } from 'node:child_process';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
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
  movie: 'video/webm',
};

/** Two seconds in four parts, in each of which a player can begin. */
export const CLIP = join(root, 'e2e/goods/clip.webm');

/** How many bytes of sound a second has. */
const RATE = 100_000;

/**
 * Opens a store on a network that sells a poem, a film, a song of so many bytes, and a film of a few bytes more. `mirrors`
 * are more places where their ciphertexts may lie.
 */
export async function openCinema(world, network, songBytes, mirrors = []) {
  const dir = await world.folder();
  await writeFile(join(dir, 'poem'), POEM);
  const film = await readFile(CLIP);
  await writeFile(join(dir, 'film'), film);
  await writeFile(join(dir, 'movie'), stretched(film, songBytes));
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

/** Elements of Matroska. */
const [SEGMENT, INFO, TAGS, CLUSTER, CUES] = ['18538067', '1549a966', '1254c367', '1f43b675', '1c53bb6b'];

/** The clip with so many bytes of nothing before its last half second; where its parts begin is said at the front. */
function stretched(clip, nothing) {
  const element = (id, ...parts) => {
    const body = Buffer.concat(parts);
    const size = Buffer.alloc(8);
    size.writeBigUInt64BE(BigInt(body.length));
    size[0] = 1;
    return Buffer.concat([Buffer.from(id, 'hex'), size, body]);
  };
  const number = (value) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  };
  const find = (id, from = 0) => clip.indexOf(Buffer.from(id, 'hex'), from);
  const segment = find(SEGMENT);
  // Its first mention is where the head says where it lies.
  const info = find(INFO, find(INFO) + 1);
  const starts = [];
  for (let at = find(CLUSTER); at >= 0; at = find(CLUSTER, at + 1)) starts.push(at);
  const ends = [...starts.slice(1), find(CUES, starts.at(-1))];
  const clusters = starts.map((start, index) => clip.subarray(start, ends[index]));
  clusters.splice(-1, 0, element('ec', Buffer.alloc(nothing)));
  const head = clip.subarray(info, find(TAGS, info));
  const cues = (places) =>
    element(CUES, ...places.map((place, index) =>
      element(
        'bb',
        element('b3', number(500 * index)),
        element('b7', element('f7', Buffer.of(1)), element('f1', number(place))),
      ),
    ));
  let place = head.length + cues(starts).length;
  const places = [];
  for (const cluster of clusters) {
    if (cluster[0] === 0x1f) places.push(place);
    place += cluster.length;
  }
  return Buffer.concat([clip.subarray(0, segment), element(SEGMENT, head, cues(places), ...clusters)]);
}
