// Goods of every kind, from a store with files of its own, over connections that break.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { PNG } from 'pngjs';
import { newVisitor, takePictures } from '../browser.mjs';
import { root } from '../server.mjs';
import { buy } from '../story.mjs';
import { PATIENCE_MS, until } from '../until.mjs';
import { setUp } from '../world.mjs';

const SECRET = 'Only who paid can read this.';

/** What the store sells: an id, a file's name, its bytes, its media type. */
const FILES = [
  ['picture', 'picture.png', picture(), 'image/png'],
  ['drawing', 'drawing.svg', Buffer.from(drawing()), 'image/svg+xml'],
  ['song', 'song.wav', sound(), 'audio/wav'],
  ['paper', 'paper.pdf', Buffer.from(paper()), 'application/pdf'],
  ['page', 'page.html', Buffer.from(`<script>window.hostile = 1</script>${SECRET}`), 'text/html'],
  ['film', 'film.webm', await readFile(join(root, 'e2e/goods/clip.webm')), 'video/webm'],
  ['archive', 'archive.zip', randomBytes(6_000_000), 'application/zip'],
];

describe('paid goods', () => {
  let network, store, browser, dir;

  setUp(async (world) => {
    [network, browser] = await Promise.all([world.network(), world.browser()]);
    dir = await world.folder();
    await Promise.all(FILES.map(([, name, bytes]) => writeFile(join(dir, name), bytes)));
    const config = await putOnTheShelf(FILES);
    store = await world.store(network, '--config', config, '--data-dir', join(dir, 'kept'));
  });

  /** Sells these and nothing else; gives the store's configuration, which is read again. */
  async function putOnTheShelf(files) {
    const items = files.map(
      ([id, name, , type]) =>
        `[[item]]\nid = "${id}"\ntitle = "${id}"\nteaser = "A ${id}."\n` +
        `file = "${name}"\nprice = "1 sat"\ncontent_type = "${type}"\n`,
    );
    const config = join(dir, 'purrwall.toml');
    await writeFile(config, items.join('\n'));
    return config;
  }

  /** Stops to sell an item, and waits until the store does. */
  async function takeOffTheShelf(item) {
    await putOnTheShelf(FILES.filter(([id]) => id !== item));
    const sold = async () => (await (await fetch(new URL('api/v1/store', store.url))).json()).items;
    await until('the empty place', async () => !(await sold()).some(({ id }) => id === item));
  }

  /** A visitor who has bought and paid for an item; gives the page and the item's card. */
  async function bought(item, { url = store.url, prepare } = {}) {
    const page = await newVisitor(browser);
    await prepare?.(page);
    await page.goto(url);
    await network.alice.pay(await buy(page, item));
    return { page, card: page.getByTestId(`item-${item}`) };
  }

  /**
   * A visitor who has bought an item and paid for it behind a gate, which from the payment on ends
   * each connection after `bytes`. `ranges` are those that the page asks for, as it does.
   */
  async function buyThroughGate(item, how, bytes) {
    const gate = await openGate(new URL(store.url).port, bytes);
    const ranges = [];
    const page = await newVisitor(browser);
    page.on('request', (request) => {
      if (request.url().endsWith('/content')) ranges.push(request.headers().range);
    });
    await page.goto(gate.url);
    // The program behind the page comes whole.
    await page.getByTestId(`item-${item}`).getByTestId('buy').hover();
    await page.locator('[aria-live]').first().waitFor({ state: 'attached' });
    gate.limit(how);
    await network.alice.pay(await buy(page, item));
    return { gate, page, ranges };
  }

  /** What the button saves is the file itself. */
  async function savesItself(page, card, item) {
    const [, name, bytes] = FILES.find(([id]) => id === item);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      card.getByTestId('save').click(),
    ]);
    const saved = await readFile(await download.path());
    assert.equal(hash(saved), hash(bytes));
    return { name, saved: download.suggestedFilename() };
  }

  for (const item of ['picture', 'drawing']) {
    test(`show a ${item}`, async () => {
      const { page, card } = await bought(item);
      const content = card.getByTestId('content');
      await content.waitFor();
      assert.equal(await content.evaluate((node) => node.localName), 'img');
      await page.waitForFunction((node) => node.naturalWidth > 0, await content.elementHandle());
      assert.equal(await page.evaluate(() => window.hostile), undefined);
      await savesItself(page, card, item);
      await takePictures(page, `goods-${item}`);
    });
  }

  test('play a song', async () => {
    const { page, card } = await bought('song');
    const content = card.getByTestId('content');
    await content.waitFor();
    const seconds = await content.evaluate(async (node) => {
      if (node.readyState < 1) await new Promise((resolve) => (node.onloadedmetadata = resolve));
      return node.duration;
    });
    assert.equal(seconds, 1);
    await savesItself(page, card, 'song');
  });

  // Two seconds of ffmpeg's testsrc2, as VP8 with a key frame in each half of a second.
  test('play a film, which came in parts, from any of its moments', async () => {
    const { gate, page, ranges } = await buyThroughGate('film', 'cut', 15_000);
    await page.waitForFunction(() => document.querySelector('[data-scene="paid"]'));
    // At least one part was cut off before the rest may come.
    await until('the second part', () => ranges.some(Boolean));
    gate.open();

    const card = page.getByTestId('item-film');
    const film = card.getByTestId('content');
    await film.waitFor();
    assert.equal(await film.evaluate((node) => node.localName), 'video');
    assert.match(ranges.find(Boolean), /^bytes=[1-9]\d*-$/);
    const [seconds, width] = await film.evaluate(async (node) => {
      if (node.readyState < 1) await new Promise((resolve) => (node.onloadedmetadata = resolve));
      return [node.duration, node.videoWidth];
    });
    assert.ok(Math.abs(seconds - 2) < 0.2, `${seconds} s`);
    assert.equal(width, 160);
    const played = await film.evaluate(async (node) => {
      node.muted = true;
      node.currentTime = 1.5;
      await new Promise((resolve) => (node.onseeked = resolve));
      await node.play();
      await new Promise((resolve) => (node.onended = resolve));
      const { totalVideoFrames } = node.getVideoPlaybackQuality();
      return [node.currentTime, totalVideoFrames];
    });
    assert.ok(played[0] > 1.8 && played[1] > 1, `played ${played}`);
    await savesItself(page, card, 'film');
    await takePictures(page, 'goods-film');
    await gate.stop();
  });

  test('show a PDF where the browser can, and save it everywhere', async () => {
    const { page, card } = await bought('paper');
    const content = card.getByTestId('content');
    await content.waitFor();
    const reads = await page.evaluate(() => navigator.pdfViewerEnabled);
    assert.equal(await content.evaluate((node) => node.localName), reads ? 'iframe' : 'p');
    await savesItself(page, card, 'paper');
  });

  test('show a page as its text, and run nothing of it', async () => {
    const { page, card } = await bought('page');
    await card.getByTestId('content').getByText(SECRET).waitFor();
    assert.equal(await page.evaluate(() => window.hostile), undefined);
    await savesItself(page, card, 'page');
  });

  test('of a kind that no browser shows are saved', async () => {
    const { page, card } = await bought('archive');
    await card.getByTestId('content').getByText('application/zip').waitFor();
    const { saved } = await savesItself(page, card, 'archive');
    assert.equal(saved, 'archive.zip');
  });

  test('that are cut off go on where they were, and show how far they are', async () => {
    const { gate, page, ranges } = await buyThroughGate('archive', 'cut', 1_000_000);

    // As long as the gate cuts every connection, it is on its way.
    const progress = page.getByTestId('progress');
    await progress.waitFor();
    const [value, max] = await progress.evaluate((bar) => [bar.value, bar.max]);
    assert.ok(value > 0 && value < max, `${value} of ${max}`);
    assert.equal(max, 6_000_000);
    // Each try may draw another bar, after a longer pause than the one before.
    const isFurther = () => document.querySelector('[data-test="progress"]')?.value > 2_000_000;
    await page.waitForFunction(isFurther, null, { timeout: 3 * PATIENCE_MS });
    gate.open();

    const card = page.getByTestId('item-archive');
    await card.getByTestId('content').waitFor();
    await savesItself(page, card, 'archive');
    const starts = ranges.map((range) => Number(/^bytes=(\d+)-$/.exec(range ?? 'bytes=0-')[1]));
    assert.ok(starts.length >= 3, `asked ${starts.length} times`);
    // A connection may end before a byte of it has come; none ever goes back.
    assert.deepEqual(starts, [...starts].sort((a, b) => a - b), 'bytes came twice');
    await gate.stop();
  });

  test('that stop coming are asked for again', async () => {
    const { gate, page, ranges } = await buyThroughGate('archive', 'stall', 1_000_000);
    await page.getByTestId('progress').waitFor();
    gate.open();
    // The page gives a silent connection twenty seconds.
    const waits = { timeout: 20_000 + PATIENCE_MS };
    await page.getByTestId('item-archive').getByTestId('content').waitFor(waits);
    assert.equal(ranges[0], undefined);
    assert.match(ranges.at(-1), /^bytes=[1-9]\d*-$/);
    await gate.stop();
  });

  test('that are no longer sold open, and leave their receipt', async () => {
    const { page, card } = await bought('paper');
    await card.getByTestId('content').waitFor();
    await takeOffTheShelf('paper');

    await page.reload();
    const row = page.getByTestId('purchase');
    await row.waitFor();
    assert.equal(await page.getByTestId('item-paper').count(), 0);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      row.getByTestId('save-receipt').click(),
    ]);
    const receipt = JSON.parse(await readFile(await download.path()));
    const [, , bytes] = FILES.find(([id]) => id === 'paper');
    assert.deepEqual([receipt.item, receipt.size, receipt.sha256], ['paper', bytes.length, hash(bytes)]);
    const { payment_hash } = await network.alice.call('decode', { string: receipt.bolt11 });
    assert.equal(hash(Buffer.from(receipt.preimage, 'hex')), payment_hash);
    await row.getByTestId('open-purchase').click();
    const opened = page.getByTestId('item-paper');
    await opened.getByTestId('content').waitFor();
    await savesItself(page, opened, 'paper');
    await takePictures(page, 'purchases-off-the-shelf');
    assert.equal(await opened.getByTestId('buy-again').count(), 0, 'it is offered again');
    await putOnTheShelf(FILES);
  });

  test('that were paid for while their page was away, and are no longer sold, are listed and open', async () => {
    const page = await newVisitor(browser);
    await page.goto(store.url);
    const bolt11 = await buy(page, 'picture');
    await page.goto('about:blank');
    await network.alice.pay(bolt11);
    await takeOffTheShelf('picture');

    await page.goto(store.url);
    await page.getByTestId('purchase').getByTestId('open-purchase').click();
    const card = page.getByTestId('item-picture');
    const content = card.getByTestId('content');
    await content.waitFor();
    assert.equal(await content.evaluate((node) => node.localName), 'img');
    await savesItself(page, card, 'picture');
    await page.getByTestId('purchase').getByText('· paid').waitFor();
    await putOnTheShelf(FILES);
  });
});

/**
 * A gate before the store. While it limits, it ends each connection after `bytes`, as networks do:
 * it cuts it, or lets it stall without a word.
 */
async function openGate(port, bytes) {
  let limit;
  const sockets = new Set();
  const server = createServer((inside) => {
    const outside = connect(port, '127.0.0.1');
    let left = limit ? bytes : Infinity;
    const how = limit;
    for (const socket of [inside, outside]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        inside.destroy();
        outside.destroy();
      });
    }
    inside.pipe(outside);
    outside.on('data', (piece) => {
      inside.write(piece.subarray(0, left));
      left -= piece.length;
      if (left > 0) return;
      // What is written goes out; then the line is dead.
      if (how === 'cut') inside.end();
      left = 0;
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => sockets.forEach((socket) => socket.destroy());
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    limit(how) {
      limit = how;
      cut();
    },
    open() {
      limit = undefined;
    },
    async stop() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}

function hash(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

function picture() {
  const png = new PNG({ width: 64, height: 48 });
  png.data.fill(0xb0);
  return PNG.sync.write(png);
}

function drawing() {
  return (
    '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="48">' +
    '<script>window.hostile = 1; parent.hostile = 1</script><rect width="64" height="48"/></svg>'
  );
}

/** One second of silence, 8,000 samples of 8 bits. */
function sound() {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + 8000, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(8000, 24);
  header.writeUInt32LE(8000, 28);
  header.writeUInt16LE(1, 32);
  header.writeUInt16LE(8, 34);
  header.write('data', 36);
  header.writeUInt32LE(8000, 40);
  return Buffer.concat([header, Buffer.alloc(8000, 128)]);
}

function paper() {
  return (
    '%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n' +
    '2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n' +
    '3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\n' +
    'trailer<</Root 1 0 R>>\n%%EOF\n'
  );
}
