// Moving pictures of pages: Chromium's screencast gives the frames, ffmpeg joins them.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FRAMES_PER_SECOND = 8;

/**
 * Keeps each frame that Chromium draws of a page, with its time in seconds, until it is stopped.
 *
 * @returns {Promise<{ frames: { png: Buffer, at: number }[], stop: () => Promise<void> }>}
 */
export async function record(page) {
  const client = await page.context().newCDPSession(page);
  const frames = [];
  client.on('Page.screencastFrame', ({ data, metadata, sessionId }) => {
    frames.push({ png: Buffer.from(data, 'base64'), at: metadata.timestamp });
    client.send('Page.screencastFrameAck', { sessionId }).catch(() => {});
  });
  await client.send('Page.startScreencast', { format: 'png' });
  return { frames, stop: () => client.send('Page.stopScreencast') };
}

/**
 * Writes a moving picture, in WebP, of two columns that were recorded at the same time. A column is
 * its recordings, one after the other, and its size; each frame stays for as long as it was to be seen.
 * `effort`, from 0 to 6, buys fewer bytes with more time.
 *
 * @returns {Promise<{ seconds: number }>} how long it is
 */
export async function putBesideEachOther(left, right, file, effort) {
  const dir = await mkdtemp(join(tmpdir(), 'purrwall-frames-'));
  try {
    const columns = [left, right].map(([recordings]) => recordings.flatMap(({ frames }) => frames));
    const start = Math.min(...columns.map((frames) => frames[0].at));
    const end = Date.now() / 1000;
    const inputs = await Promise.all(
      columns.map((frames, index) => playlist(join(dir, String(index)), frames, start, end)),
    );
    const scale = ([, { width, height }]) => `scale=${width}:${height},fps=${FRAMES_PER_SECOND}`;
    await run('ffmpeg', [
      ['-y', '-loglevel', 'error'],
      ...inputs.map((input) => ['-f', 'concat', '-safe', '0', '-i', input]),
      ['-filter_complex', `[0]${scale(left)}[l];[1]${scale(right)}[r];[l][r]hstack=shortest=1`],
      ['-c:v', 'libwebp_anim', '-quality', '55', '-compression_level', String(effort), '-loop', '0', file],
    ].flat());
    return { seconds: end - start };
  } finally {
    await rm(dir, { recursive: true });
  }
}

/** What ffmpeg's `concat` reads: each frame's file, and how long it is to be seen. */
async function playlist(path, frames, start, end) {
  const lines = [];
  for (const [index, { png, at }] of frames.entries()) {
    const from = index === 0 ? start : at;
    const duration = Math.max((frames[index + 1]?.at ?? end) - from, 0.001);
    const frame = `${path}-${index}.png`;
    await writeFile(frame, png);
    lines.push(`file '${frame}'`, `duration ${duration.toFixed(3)}`);
  }
  // ffmpeg heeds a duration only if another file follows.
  lines.push(`file '${path}-${frames.length - 1}.png'`);
  await writeFile(`${path}.txt`, `${lines.join('\n')}\n`);
  return `${path}.txt`;
}

async function run(program, args) {
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${program} ended with ${code}`);
}
