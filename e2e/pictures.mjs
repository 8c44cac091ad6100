// The pictures in README.md and docs/, made from the real thing: `cargo xtask pictures`.
//
// The story is told once, on the store's page and the network's beside each other, and recorded by
// Chromium's screencast: alice buys two cats, then bob buys through alice. ffmpeg joins the frames.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { launchBrowser, newVisitor } from './browser.mjs';
import { startDevnet } from './network.mjs';
import { root } from './server.mjs';
import { openSite } from './site.mjs';
import { openStore } from './store.mjs';
import { buy, seesTheGoods, shownInvoice } from './story.mjs';

const ITEM = 'two-cats';
const LEFT = { width: 430, height: 660 };
const RIGHT = { width: 690, height: 660 };
const FRAMES_PER_SECOND = 8;
/** A README is opened by people who wait for nothing. */
const MOST_BYTES = 2_000_000;

/** How long one looks at a thing before something else happens, in ms. */
const LOOK = { short: 1200, long: 2600 };

const pictures = join(root, 'docs/pictures');

const [network, browser] = await Promise.all([startDevnet(), launchBrowser()]);
const store = await openStore(network, '--webln-script', network.webln('alice'));
const site = await openSite(store.url);
const framesDir = await mkdtemp(join(tmpdir(), 'purrwall-pictures-'));
try {
  await story();
  await stills();
} finally {
  await browser.close();
  await Promise.all([site.stop(), store.stop()]);
  await network.stop();
  await rm(framesDir, { recursive: true });
}

/** The moving picture: the buyers' pages on the left, one after the other; the network's beside. */
async function story() {
  const map = await newVisitor(browser, { viewport: RIGHT });
  await map.goto(network.page);
  await map.getByTestId('payer-bob').waitFor();
  // The part of the page that shows a payment, under a caption of the story.
  await map.addStyleTag({
    content: `body { padding: 1rem; } header p, .pay, .acts, .table { display: none !important; }
      header { padding-bottom: 0.75rem; } h1 { font-size: 1.9rem; margin: 0; } .street { padding-block: 0.75rem; }
      main { gap: 0.75rem; } .street { flex: none; } #map { flex: none; height: 11.5rem; min-height: 0 !important; } .walk { padding-block: 0.75rem; gap: 0.4rem; }
      .legend, #again { display: none; }`,
  });
  const caption = (text) => map.evaluate((words) => (document.querySelector('h1').textContent = words), text);
  await caption('A box waits in the store.');

  const right = await record(map, 'right');
  const left = [];
  for (const [buyer, said] of [['alice', 'Alice has a channel to the store.'], ['bob', 'Bob has none: he pays through Alice.']]) {
    const page = await newVisitor(browser, { viewport: LEFT });
    await page.goto(store.url);
    await page.getByTestId(`item-${ITEM}`).waitFor();
    left.push(await record(page, buyer));
    await caption(said);
    await map.getByTestId(`payer-${buyer}`).evaluate((radio) => radio.click());
    await sleep(LOOK.short);
    const card = page.getByTestId(`item-${ITEM}`);
    await card.evaluate((node) => node.scrollIntoView({ block: 'center', behavior: 'smooth' }));
    await sleep(LOOK.short);
    await buy(page, ITEM);
    await card.evaluate((node) => node.scrollIntoView({ block: 'start' }));
    await page.getByRole('button', { name: buyer, exact: true }).click();
    await sleep(LOOK.long);
    await page.getByTestId('pay-webln').click();
    await seesTheGoods(page, store, ITEM);
    await page.getByTestId('content').evaluate((node) => node.scrollIntoView({ block: 'center' }));
    await map.getByTestId('summary').filter({ hasText: `${buyer} paid` }).waitFor();
    await map.getByTestId('again').waitFor({ state: 'attached' });
    await map.waitForFunction(() => !document.querySelector('[data-test="again"]').hidden);
    await caption(buyer === 'alice' ? 'Paid: two cats for Alice.' : 'Two for Bob, and a fee for Alice.');
    await sleep(LOOK.long);
    await left.at(-1).stop();
  }
  await right.stop();
  await putTogether(left, right, join(pictures, 'purchase.webp'));
}

/** Pictures of single moments. */
async function stills() {
  const page = await newVisitor(browser);
  await page.goto(store.url);
  await page.getByTestId(`item-${ITEM}`).waitFor();
  await buy(page, ITEM);
  await shot(page, 'invoice');
  await page.getByTestId('pay-webln').click();
  await seesTheGoods(page, store, ITEM);
  await shot(page, 'paid');

  const journal = await newVisitor(browser);
  await journal.goto(new URL('journal.html', site.url).href);
  await journal.getByTestId('buy').click();
  await shownInvoice(journal);
  await shot(journal, 'journal');

  const map = await newVisitor(browser, { reducedMotion: 'reduce' });
  await map.goto(network.page);
  await map.getByTestId('summary').filter({ hasText: 'paid' }).waitFor();
  await shot(map, 'network');

  const large = await startDevnet('--nodes', '12', '--seed', '7');
  try {
    const page = await newVisitor(browser, { reducedMotion: 'reduce', colorScheme: 'dark' });
    await page.goto(large.page);
    await page.getByTestId('payer-bob').waitFor();
    await large.bob.pay(await large.store.invoice(100_000, 'two cats'));
    await page.getByTestId('summary').filter({ hasText: 'bob paid' }).waitFor();
    await shot(page, 'network-of-twelve');
  } finally {
    await large.stop();
  }
}

function shot(page, name) {
  return page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true, animations: 'disabled' });
}

/** Keeps each frame that Chromium draws, with its time in seconds, until it is stopped. */
async function record(page, name) {
  const client = await page.context().newCDPSession(page);
  const kept = [];
  const writing = [];
  client.on('Page.screencastFrame', ({ data, metadata, sessionId }) => {
    const file = join(framesDir, `${name}-${kept.length}.png`);
    kept.push({ file, at: metadata.timestamp });
    writing.push(writeFile(file, data, 'base64'));
    client.send('Page.screencastFrameAck', { sessionId }).catch(() => {});
  });
  await client.send('Page.startScreencast', { format: 'png' });
  return {
    frames: kept,
    async stop() {
      await client.send('Page.stopScreencast');
      await Promise.all(writing);
      kept.end = Date.now() / 1000;
    },
  };
}

/** Puts the recordings beside each other, each frame for as long as it was to be seen. */
async function putTogether(left, right, output) {
  const buyers = left.flatMap(({ frames }) => frames);
  const start = Math.min(buyers[0].at, right.frames[0].at);
  const end = right.frames.end;
  const [one, other] = await Promise.all([
    playlist('left.txt', buyers, start, end),
    playlist('right.txt', right.frames, start, end),
  ]);
  const size = ({ width, height }) => `scale=${width}:${height},fps=${FRAMES_PER_SECOND}`;
  await run('ffmpeg', [
    ['-y', '-loglevel', 'error'],
    ['-f', 'concat', '-safe', '0', '-i', one],
    ['-f', 'concat', '-safe', '0', '-i', other],
    ['-filter_complex', `[0]${size(LEFT)}[l];[1]${size(RIGHT)}[r];[l][r]hstack=shortest=1`],
    ['-c:v', 'libwebp_anim', '-quality', '55', '-compression_level', '6', '-loop', '0', output],
  ].flat());
  const { size: bytes } = await stat(output);
  console.log(`${output}: ${bytes} bytes, ${Math.round(end - start)} s`);
  if (bytes > MOST_BYTES) throw new Error(`${output} has ${bytes} bytes, more than ${MOST_BYTES}`);
}

async function playlist(name, frames, start, end) {
  const lines = frames.flatMap(({ file, at }, index) => {
    const from = index === 0 ? start : at;
    const duration = Math.max((frames[index + 1]?.at ?? end) - from, 0.001);
    return [`file '${file}'`, `duration ${duration.toFixed(3)}`];
  });
  // ffmpeg heeds a duration only if another file follows.
  lines.push(`file '${frames.at(-1).file}'`);
  const path = join(framesDir, name);
  await writeFile(path, `${lines.join('\n')}\n`);
  return path;
}

async function run(program, args) {
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${program} ended with ${code}`);
}
