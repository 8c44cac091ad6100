// Goods that are sold sealed: checked before anyone pays, and opened by the payment alone.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Readable, pipeline } from 'node:stream';
import { pipeline as pipelined } from 'node:stream/promises';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertAccessible } from '../axe.mjs';
import { installWallet, launchBrowser, launchProfile, newVisitor, takePictures } from '../browser.mjs';
import { CLIP, POEM, openCinema, purrwall, run, seconds, songHeader } from '../cinema.mjs';
import { resold, seal } from '../forge.mjs';
import { memoryOf } from '../memory.mjs';
import { buy, seesTheGoods, shownInvoice } from '../story.mjs';
import { PATIENCE_MS, until } from '../until.mjs';
import { setUp } from '../world.mjs';

/** Seventeen chunks and a bit, so that the buyer may leave the check for later. */
const SONG = 17 * 2 ** 20 + 12_345;

describe('sealed goods', () => {
  let network, browser, cinema, store, host, site;

  setUp(async (world) => {
    [network, browser] = await Promise.all([world.network(), world.browser()]);
    cinema = await openCinema(world, network, SONG);
    ({ store, host } = cinema);
    const pages = await world.folder();
    await writeFile(
      join(pages, 'index.html'),
      `<!doctype html><html lang="en"><meta charset="utf-8"><title>Somebody</title><main><h1>A poem</h1>
        <script type="module" src="https://store.example/widget.js"></script>
        <purr-wall item="poem" load="eager"></purr-wall></main></html>`,
    );
    await writeFile(
      join(pages, 'song.html'),
      `<!doctype html><html lang="en"><meta charset="utf-8"><title>Somebody</title><main><h1>A song</h1>
        <script type="module" src="https://store.example/widget.js"></script>
        <purr-wall item="song" load="eager"></purr-wall></main></html>`,
    );
    site = await world.site(store, pages);
  });

  /** Lets the host forget what happened before. */
  function begin() {
    Object.assign(host, { ranges: [], sent: 0, limit: Infinity, silentAfter: Infinity });
    Object.assign(host, { hasRanges: true, changed: undefined, held: undefined });
  }

  /** A visitor of the store's page, whose wallet pays from alice. `prepare` gets the page before it opens. */
  async function visit({ prepare, url = store.url } = {}) {
    begin();
    const page = await newVisitor(browser);
    await installWallet(page, network.alice);
    await prepare?.(page);
    await page.goto(url);
    return page;
  }

  /** What the page asks the gateway for from now on, but for the status of its invoice. */
  function asked(page) {
    const paths = [];
    page.on('request', (request) => {
      const { origin, pathname } = new URL(request.url());
      if (origin === new URL(store.url).origin && pathname !== '/api/v1/invoice') paths.push(pathname);
    });
    return paths;
  }

  test('open although the store is gone as soon as the QR code shows', async () => {
    const page = await visit();
    const paths = asked(page);
    await buy(page, 'poem');
    assert.deepEqual(paths.filter((path) => path.startsWith('/api/v1/sealed')), []);
    assert.ok(host.sent > POEM.length, 'the ciphertext came from the host');
    const before = paths.length;
    await store.killed(async () => {
      await page.getByTestId('pay-webln').click();
      await page.getByTestId('content').waitFor();
      assert.equal(await page.getByTestId('content').textContent(), POEM);
    });
    assert.equal(paths.length, before, `asked for ${paths.slice(before)}`);
    await takePictures(page, 'sealed-delivered');
  });

  test('open for who pays by phone after one answer of the store', async () => {
    const page = await visit();
    const bolt11 = await buy(page, 'poem');
    const paths = asked(page);
    await store.killed(() => network.alice.pay(bolt11));
    await seesTheGoods(page, store, 'poem');
    assert.deepEqual(paths, []);
  });

  test('open by a preimage that is pasted while the store is away', async () => {
    const page = await visit();
    const bolt11 = await buy(page, 'poem');
    await store.killed(async () => {
      const preimage = await network.alice.pay(bolt11);
      const proof = page.getByTestId('proof');
      await proof.locator('input').fill(preimage);
      await takePictures(page, 'sealed-proof');
      await assertAccessible(page);
      await proof.locator('button').click();
      await page.getByTestId('content').waitFor();
    });
    assert.equal(await page.getByTestId('content').textContent(), POEM);
  });

  test('open again after a reload, from what the browser kept', async () => {
    const page = await visit();
    await buy(page, 'poem');
    await page.getByTestId('pay-webln').click();
    await page.getByTestId('content').waitFor();
    const { sent } = host;
    const paths = asked(page);
    await page.reload();
    await seesTheGoods(page, store, 'poem');
    assert.equal(host.sent, sent, 'they came again');
    assert.deepEqual(paths.filter((path) => path.endsWith('/content')), []);
  });

  test('open on a site that embeds the widget', async () => {
    const page = await visit({ url: site.url });
    await page.getByTestId('buy').click();
    await shownInvoice(page);
    await store.killed(async () => {
      await page.getByTestId('pay-webln').click();
      await page.getByTestId('content').waitFor();
    });
    assert.equal(await page.getByTestId('content').textContent(), POEM);
  });

  test('are checked before the QR code shows, and go on where they broke off', async () => {
    const page = await visit();
    // The store's own copy would be the next.
    await page.route('**/api/v1/sealed/*', (route) => new Promise(() => route));
    Object.assign(host, { limit: 3_300_000, silentAfter: SONG / 2 });
    const card = page.getByTestId('item-song');
    await card.getByTestId('buy').click();
    const bar = card.getByTestId('progress');
    await bar.waitFor();
    // What has come of a broken answer and was not read yet, the browser throws away.
    await until('some of it', async () => (await bar.getAttribute('value')) > 2 ** 20);
    await takePictures(page, 'sealed-checking');
    await assertAccessible(page);
    assert.equal(await page.getByTestId('qr').count(), 0);

    // The page goes, and what was checked stays.
    host.silentAfter = Infinity;
    await page.reload();
    await shownInvoice(page);
    const starts = host.ranges.map((range) => Number(/^bytes=(\d+)-$/.exec(range ?? 'bytes=0-')[1]));
    assert.ok(starts.length > 5, `${starts}`);
    assert.deepEqual(starts, [...starts].sort((a, b) => a - b), 'what was checked came again');
    await page.getByTestId('pay-webln').click();
    await plays(page, SONG);
  });

  test('of a host without ranges go on, too', async () => {
    const page = await visit();
    await page.route('**/api/v1/sealed/*', (route) => new Promise(() => route));
    Object.assign(host, { hasRanges: false, silentAfter: SONG / 2 });
    const card = page.getByTestId('item-song');
    await card.getByTestId('buy').click();
    const bar = card.getByTestId('progress');
    await bar.waitFor();
    await until('a part', async () => (await bar.getAttribute('value')) > 2 ** 21);
    host.silentAfter = Infinity;
    await page.reload();
    await shownInvoice(page);
    assert.ok(host.sent > 1.2 * SONG, 'the second answer did not begin at the beginning');
  });

  test('that are large may be checked after paying, and are sought in', async () => {
    const page = await visit();
    host.limit = 1_500_000;
    const card = page.getByTestId('item-song');
    await card.getByTestId('buy').click();
    await card.getByTestId('check-later').click();
    await shownInvoice(page);
    assert.ok(host.sent < SONG, 'all of it came');
    host.limit = Infinity;
    await page.getByTestId('pay-webln').click();
    await plays(page, SONG);
    assert.deepEqual(await copies(page), [], 'what is played is kept open');
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByTestId('save').click()]);
    assert.equal(hash(await readFile(await download.path())), hash(await readFile(join(cinema.dir, 'song'))));
    assert.equal((await copies(page)).length, 1);

    // The copy goes with the page, and the ciphertext stays.
    const { sent } = host;
    await page.reload();
    await plays(page, SONG);
    await until('the copy to go', async () => (await copies(page)).length === 0);
    assert.equal(host.sent, sent, 'they came again');
  });

  test('that are large are open on a site for as long as they are shown', async () => {
    const page = await visit({ url: `${site.url}song.html` });
    await page.getByTestId('buy').click();
    await shownInvoice(page);
    await page.getByTestId('pay-webln').click();
    await plays(page, SONG);
    assert.match(await page.getByTestId('content').getAttribute('src'), /^blob:/);
    assert.equal((await copies(page)).length, 1);
    await page.getByTestId('buy-again').click();
    await until('the copy to go', async () => (await copies(page)).length === 0);
  });

  test('that are a film are sought in', async () => {
    const page = await visit();
    await buy(page, 'film');
    await store.killed(async () => {
      await page.getByTestId('pay-webln').click();
      const film = page.getByTestId('content');
      await film.waitFor();
      const at = await film.evaluate(async (node) => {
        if (node.readyState < 1) await new Promise((resolve) => (node.onloadedmetadata = resolve));
        node.muted = true;
        node.currentTime = 1.5;
        await new Promise((resolve) => (node.onseeked = resolve));
        await node.play();
        await new Promise((resolve) => (node.onended = resolve));
        return [node.currentTime, node.getVideoPlaybackQuality().totalVideoFrames];
      });
      assert.ok(at[0] > 1.8 && at[1] > 1, `played ${at}`);
      assert.match(await film.getAttribute('src'), /^\/opened\/[0-9a-f]{64}$/);
    });
    await takePictures(page, 'sealed-film');
  });

  /** Buys the long film, of which no more than the first bytes are checked; the store itself has nothing. */
  async function buyUnchecked() {
    const page = await visit();
    await page.route('**/api/v1/sealed/*', (route) => new Promise(() => route));
    host.held = { from: 3 * 2 ** 20, to: Infinity };
    const card = page.getByTestId('item-movie');
    await card.getByTestId('buy').click();
    await card.getByTestId('check-later').click();
    await shownInvoice(page);
    return page;
  }

  test('that are a film can be read anywhere while the rest is held back', async () => {
    const page = await buyUnchecked();
    host.held.to = 16 * 2 ** 20;
    await page.getByTestId('pay-webln').click();
    const film = await readFile(join(cinema.dir, 'movie'));
    for (const from of [0, 2 ** 20 + 5, 17 * 2 ** 20 - 7, film.length - 99]) {
      const [read, range] = await played(page, from);
      assert.equal(range, `bytes ${from}-${from + read.length - 1}/${film.length}`);
      assert.ok(read.equals(film.subarray(from, from + read.length)), `from ${from}`);
    }
    assert.ok(host.sent < SONG / 2, `${host.sent} bytes came`);
    assert.deepEqual(await copies(page), []);

    // What has come stays.
    await page.reload();
    host.held = { from: 0, to: Infinity };
    const [read] = await played(page, film.length - 99);
    assert.ok(read.equals(film.subarray(-99)));
  });

  test('that are a film are not played from what is false, and go on once it is right', async () => {
    const page = await buyUnchecked();
    const last = 17;
    const start = 24 + 32 * (last + 1) + last * (2 ** 20 + 16);
    Object.assign(host, { held: { from: 3 * 2 ** 20, to: 16 * 2 ** 20 }, changed: start + 20_000 });
    await page.getByTestId('pay-webln').click();
    const film = await readFile(join(cinema.dir, 'movie'));
    let isRight = false;
    const reading = played(page, film.length - 99).then(([read]) => {
      assert.ok(isRight, 'it has played what is false');
      assert.ok(read.equals(film.subarray(-99)));
    });
    const asked = () => host.ranges.filter((range) => range === `bytes=${start}-`).length;
    await until('another try', () => asked() > 1);
    isRight = true;
    host.changed = undefined;
    await reading;
  });

  test('that are another film than was promised convict the store when they are saved', async () => {
    const clip = await readFile(CLIP);
    const film = seal(clip.length, (start, end) => clip.subarray(start, end));
    const prepare = async (page) => {
      await page.route(host.url + film.sealed.ct, (route) => route.fulfill({
        body: Buffer.concat([...film.bytes(0)]),
        headers: { 'access-control-allow-origin': '*' },
      }));
      await resell(page, network, 'film', { ...film, sha256: 'ab'.repeat(32) }, host.url);
    };
    const page = await visit({ prepare });
    await buy(page, 'film');
    await page.getByTestId('pay-webln').click();
    await page.getByTestId('save').click();
    await page.getByTestId('save-evidence').waitFor();
    assert.match(await page.getByTestId('failed').innerText(), /the store lied/);
    assert.equal(await page.getByTestId('content').count(), 0);
  });

  test('come from the store where the host lies, is empty or is gone', async () => {
    for (const changed of [3, 30, 60, 'empty']) {
      const page = await visit();
      if (changed === 'empty') await hidden(() => buyHere(page));
      else {
        host.changed = changed;
        await buyHere(page);
      }
    }
    async function buyHere(page) {
      const paths = asked(page);
      await buy(page, 'poem');
      assert.ok(paths.some((path) => path.startsWith('/api/v1/sealed/')));
    }
  });

  /** The host has nothing. */
  async function hidden(meanwhile) {
    const files = await readdir(cinema.hosted);
    const away = (file) => join(cinema.dir, `away-${file}`);
    for (const file of files) await rename(join(cinema.hosted, file), away(file));
    await meanwhile();
    for (const file of files) await rename(away(file), join(cinema.hosted, file));
  }

  /** The answers of the store itself, changed before they come. */
  const changes = (path, change) => (page) =>
    page.route(path, async (route) => {
      const response = await route.fetch();
      await route.fulfill(await change(response));
    });

  const LIES = [
    ['the ciphertext', /sealed goods are not those of the offer/, '**/api/v1/sealed/*', async (response) => {
      const body = await response.body();
      body[body.length - 1] ^= 1;
      return { response, body };
    }],
    ['the hashes', /sealed goods are not those of the offer/, '**/api/v1/sealed/*', async (response) => {
      const body = await response.body();
      body[30] ^= 1;
      return { response, body };
    }],
    ['the key in the manifest', /not for the sealed goods of the offer/, '**/invoices', manifest((manifest) => {
      manifest.key = 'ab'.repeat(32);
    })],
    ['the claim in the manifest', /not for the sealed goods of the offer/, '**/invoices', manifest((manifest) => {
      manifest.token = 'ab'.repeat(32);
    })],
    ['what the offer says', /not for the sealed goods of the offer/, '**/api/v1/store', async (response) => {
      const json = await response.json();
      // The ciphertext is the offered one; the invoice is for another.
      const [poem, film] = json.items;
      Object.assign(poem, { sealed: film.sealed, size: film.size });
      return { response, json };
    }],
    ['the hash of the goods', /promises other goods/, '**/api/v1/store', async (response) => {
      const json = await response.json();
      for (const item of json.items) item.sha256 = 'ab'.repeat(32);
      return { response, json };
    }],
    ['the manifest, which it leaves out', /not for the sealed goods of the offer/, '**/invoices', async (response) => {
      const json = await response.json();
      delete json.sealed;
      return { response, json };
    }],
  ];

  for (const [lie, reason, path, change] of LIES) {
    test(`are not paid for where the store lies in ${lie}`, async () => {
      const page = await visit({ prepare: changes(path, change) });
      const isOfTheFile = path.includes('sealed');
      const look = async () => {
        await page.getByTestId('item-poem').getByTestId('buy').click();
        const refusal = page.getByTestId('refused');
        await refusal.waitFor();
        assert.match(await refusal.innerText(), reason);
      };
      await (isOfTheFile ? hidden(look) : look());
      for (const payable of ['qr', 'bolt11', 'pay-webln', 'copy']) {
        assert.equal(await page.getByTestId(payable).count(), 0, `${payable} is shown`);
      }
      await takePictures(page, 'sealed-refused');
      await assertAccessible(page);
    });
  }

  test('whose key is false convict the store by what the page saves', async () => {
    const dishonest = changes('**/invoices', async (response) => {
      // The node signs the lie: that is what convicts it.
      const json = await resold(network, await response.json(), (manifest) => {
        manifest.key = 'ab'.repeat(32);
      });
      return { response, json };
    });
    const page = await visit({
      prepare: async (page) => {
        await dishonest(page);
        await page.route('**/api/v1/invoice?*', (route) => new Promise(() => route));
      },
    });
    await buy(page, 'poem');
    await page.getByTestId('pay-webln').click();
    const save = page.getByTestId('save-evidence');
    await save.waitFor();
    assert.match(await page.getByTestId('failed').innerText(), /the store lied/);
    assert.equal(await page.getByTestId('content').count(), 0);
    await takePictures(page, 'sealed-convicted');
    await assertAccessible(page);

    const saved = async (button) => {
      const [download] = await Promise.all([page.waitForEvent('download'), button.click()]);
      return [await download.path(), download.suggestedFilename()];
    };
    const [evidence, name] = await saved(save);
    assert.equal(name, 'poem-evidence.json');
    const [ciphertext, ct] = await saved(page.getByTestId('save-sealed'));
    assert.equal(hash(await readFile(ciphertext)), hash(await readFile(join(cinema.hosted, ct))));
    const verify = (...files) => run(purrwall, ['verify', ...files]).catch((error) => error);
    const { stderr, code } = await verify(evidence, '--ciphertext', ciphertext);
    assert.match(stderr, /the store lied/);
    assert.ok(code > 0);

    // An honest store is not convicted by another token_id, nor by another file.
    const changed = JSON.parse(await readFile(evidence));
    changed.token_id = 'ab'.repeat(32);
    const forged = join(cinema.dir, 'forged.json');
    await writeFile(forged, JSON.stringify(changed));
    for (const files of [[forged, ciphertext], [evidence, forged]]) {
      const { stderr } = await verify(files[0], '--ciphertext', files[1]);
      assert.match(stderr, /nothing is proven against the store/);
    }

    // The store may still deliver.
    await page.unroute('**/api/v1/invoice?*');
    await page.route('**/content', (route) => route.fulfill({ contentType: 'text/plain', body: POEM }));
    await page.getByTestId('retry').click();
    await page.getByTestId('content').waitFor();
    assert.equal(await page.getByTestId('content').textContent(), POEM);
  });

  test('come open from the store where the browser cannot open them, and the page says so', async () => {
    // Over http, a page on another host than this machine's own is no secure context.
    const far = await launchBrowser({ args: ['--host-resolver-rules=MAP store.example 127.0.0.1'] });
    try {
      begin();
      const page = await newVisitor(far);
      await page.goto(store.url.replace('127.0.0.1', 'store.example'));
      assert.equal(await page.evaluate(() => globalThis.crypto.subtle), undefined);
      const bolt11 = await buy(page, 'poem');
      await page.getByTestId('not-opened').waitFor();
      await takePictures(page, 'sealed-not-opened');
      await assertAccessible(page);
      assert.equal(host.sent, 0);
      await network.alice.pay(bolt11);
      await seesTheGoods(page, store, 'poem');
    } finally {
      await far.close();
    }
  });

  test('come open from the store where the browser keeps nothing', async () => {
    const page = await visit({
      prepare: (page) => page.addInitScript(() => {
        StorageManager.prototype.getDirectory = async () => {
          throw new DOMException('no', 'SecurityError');
        };
      }),
    });
    const bolt11 = await buy(page, 'poem');
    await page.getByTestId('not-opened').waitFor();
    await network.alice.pay(bolt11);
    await seesTheGoods(page, store, 'poem');
  });
});

// A debug build seals some megabytes a second, so the test seals these by itself, and sells them in the store's name.
// LARGE_SONG gives them another size in bytes: docs/sealed.md says what 2 GiB take.
describe('large sealed goods', () => {
  const size = Number(process.env.LARGE_SONG ?? 384 * 2 ** 20);
  let network, browser, store, profile, song, at;

  setUp(async (world) => {
    profile = await world.folder();
    const header = songHeader(size);
    song = seal(size, (start, end) => {
      const plain = Buffer.alloc(end - start);
      if (start === 0) header.copy(plain);
      return plain;
    });
    const host = createServer((request, response) => {
      const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? 'bytes=0-')[1]);
      const length = song.length - start;
      response.writeHead(206, { 'access-control-allow-origin': '*', 'content-length': length });
      pipeline(Readable.from(song.bytes(start)), response, () => {});
    });
    host.listen(0, '127.0.0.1');
    await once(host, 'listening');
    world.keep({
      async stop() {
        host.closeAllConnections();
        host.close();
      },
    });
    at = `http://localhost:${host.address().port}/`;
    network = await world.network();
    ({ store } = await openCinema(world, network, 100_000, [at]));
    browser = await world.browser(() => launchProfile(profile));
  });

  test('go through the browser, are kept and are sought in without being in its memory', async () => {
    const page = await browser.newPage();
    page.setDefaultTimeout(10 * PATIENCE_MS);
    await installWallet(page, network.alice);
    await resell(page, network, 'song', song, at);
    await page.goto(store.url);
    const card = page.getByTestId('item-song');
    await card.getByTestId('buy').hover();
    await card.locator('[aria-live]').first().waitFor({ state: 'attached' });
    const before = await memoryOf(profile);
    let most = 0;
    let isDone = false;
    const watching = (async () => {
      while (!isDone) {
        most = Math.max(most, await memoryOf(profile));
        await sleep(50);
      }
    })();
    const started = performance.now();
    await card.getByTestId('buy').click();
    await page.getByTestId('qr').waitFor();
    const checked = performance.now();
    await page.getByTestId('pay-webln').click();
    await page.getByTestId('content').waitFor();
    const opened = performance.now();
    await plays(page, size);
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByTestId('save').click()]);
    const saved = createHash('sha256');
    await pipelined(createReadStream(await download.path()), saved);
    assert.equal(saved.digest('hex'), song.sha256);
    const done = performance.now();
    isDone = true;
    await watching;
    const seconds = (from, to) => `${((to - from) / 1000).toFixed(1)} s`;
    const grown = most - before;
    console.log(
      `${size} bytes: checked in ${seconds(started, checked)}, opened in ${seconds(checked, opened)}, ` +
        `played and saved in ${seconds(opened, done)}, ` +
        `at most ${(grown / 2 ** 20).toFixed(0)} MiB more than before`,
    );
    assert.ok(before > 50 * 2 ** 20, `the browser is not found: ${before}`);
    // Browsers clear up when they please; what they hold would be there beside that.
    assert.ok(grown < size, `${grown} bytes more`);
    await page.close();
  });
});

/** The answer to the request for an invoice, with another manifest. */
function manifest(change) {
  return async (response) => {
    const json = await response.json();
    change(json.sealed.manifest);
    return { response, json };
  };
}

/** Goods that `seal` has made are sold in the place of an item's, from the host at `at`; the store says nothing of payments. */
async function resell(page, network, item, { sealed, sha256, size }, at) {
  await page.route('**/api/v1/store', async (route) => {
    const response = await route.fetch();
    const json = await response.json();
    const offer = json.items.find(({ id }) => id === item);
    Object.assign(offer, { size, sha256, sealed: { ...sealed, urls: [at + sealed.ct] } });
    await route.fulfill({ response, json });
  });
  await page.route(`**/items/${item}/invoices`, async (route) => {
    const response = await route.fetch();
    const json = await resold(network, await response.json(), (manifest) => {
      Object.assign(manifest, { ct: sealed.ct, size });
      return sha256;
    });
    await route.fulfill({ response, json });
  });
  await page.route('**/api/v1/invoice?*', (route) => new Promise(() => route));
}

/** What a player on the page gets of the film from a byte on, and which part of it that is. */
async function played(page, from) {
  const film = page.getByTestId('content');
  await film.waitFor();
  const [bytes, range] = await film.evaluate(async (node, from) => {
    const answer = await fetch(node.src, { headers: { range: `bytes=${from}-` } });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    return [Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''), answer.headers.get('content-range')];
  }, from);
  return [Buffer.from(bytes, 'latin1'), range];
}

/** The names of the opened copies in the browser's private file system. */
function copies(page) {
  return page.evaluate(async () => {
    const root = await navigator.storage.getDirectory();
    const folder = await (await root.getDirectoryHandle('purrwall')).getDirectoryHandle('plain', { create: true });
    const names = [];
    for await (const name of folder.keys()) names.push(name);
    return names;
  });
}

/** The song is here, and plays from its last second on. */
async function plays(page, bytes) {
  const song = page.getByTestId('content');
  await song.waitFor();
  const [duration, at] = await song.evaluate(async (node) => {
    if (node.readyState < 1) await new Promise((resolve) => (node.onloadedmetadata = resolve));
    node.muted = true;
    node.currentTime = node.duration - 1;
    await new Promise((resolve) => (node.onseeked = resolve));
    await node.play();
    await new Promise((resolve) => (node.onended = resolve));
    return [node.duration, node.currentTime];
  });
  assert.ok(Math.abs(duration - seconds(bytes)) < 1, `${duration} s`);
  assert.ok(at > duration - 1, `${at} s`);
}

function hash(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}
