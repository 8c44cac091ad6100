// The core of a purchase in Firefox, over WebDriver BiDi, which Firefox speaks without a driver.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import puppeteer from 'puppeteer-core';
import { openCinema, seconds } from '../cinema.mjs';
import { PATIENCE_MS } from '../until.mjs';
import { setUp } from '../world.mjs';

describe('Firefox', () => {
  let network, store, site, browser, context, cinema;

  setUp(async (world) => {
    [network, browser] = await Promise.all([
      world.network(),
      world.browser(() =>
        puppeteer.launch({
          browser: 'firefox',
          executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
        }),
      ),
    ]);
    store = await world.store(network);
    site = await world.site(store);
    cinema = await openCinema(world, network, 3_000_000);
  });

  /** A page with a storage of its own: another visitor. */
  async function visit(url, prepare) {
    await context?.close();
    context = await browser.createBrowserContext();
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    await prepare?.(page);
    await page.goto(url);
    return page;
  }

  test('buys, is paid from elsewhere, and shows the cat, also after reloads', async () => {
    const page = await visit(store.url);
    await click(page, '[data-test="item-cat"] [data-test="buy"]');
    const bolt11 = await shownInvoice(page);
    await page.reload();
    assert.equal(await shownInvoice(page), bolt11);
    await network.alice.pay(bolt11);
    await seesTheGoods(page, store, 'cat');
    await page.reload();
    await seesTheGoods(page, store, 'cat');
    await find(page, '[data-test="purchase"]');
  });

  test('refuses an invoice that pays another node', async () => {
    const description = await promised(store, 'cat');
    const other = await network.alice.invoice(100_000, `cat sha256:${description}`);
    const page = await visit(store.url, (page) =>
      page.evaluateOnNewDocument((bolt11) => {
        const real = window.fetch;
        window.fetch = async (...asked) => {
          const request = new Request(...asked);
          const response = await real(request);
          if (!request.url.endsWith('/invoices')) return response;
          const answer = await response.json();
          answer.invoice.bolt11 = bolt11;
          return new Response(JSON.stringify(answer), { status: response.status });
        };
      }, other),
    );
    await click(page, '[data-test="item-cat"] [data-test="buy"]');
    const refusal = await find(page, '[data-test="refused"]');
    assert.match(await refusal.evaluate((node) => node.textContent), /pays the node/);
    assert.equal(await page.$('[data-test="qr"]'), null);
  });

  test('opens sealed goods, although the store is gone, and seeks in them', async () => {
    const page = await visit(cinema.store.url);
    await click(page, '[data-test="item-song"] [data-test="buy"]');
    const bolt11 = await shownInvoice(page);
    assert.ok(cinema.host.sent > 3_000_000);
    await cinema.store.killed(async () => {
      const preimage = await network.alice.pay(bolt11);
      const field = await find(page, '[data-test="proof"] input');
      await field.type(preimage);
      await click(page, '[data-test="proof"] button');
      const song = await find(page, '[data-test="content"]');
      const [duration, at] = await song.evaluate(async (node) => {
        if (node.readyState < 1) await new Promise((resolve) => (node.onloadedmetadata = resolve));
        node.currentTime = node.duration - 1;
        await new Promise((resolve) => (node.onseeked = resolve));
        return [node.duration, node.currentTime];
      });
      assert.ok(Math.abs(duration - seconds(3_000_000)) < 1, `${duration} s`);
      assert.ok(Math.abs(at - duration + 1) < 0.5, `${at} s`);
      assert.match(await song.evaluate((node) => node.getAttribute('src')), /^\/opened\//);
    });
  });

  test('opens a purchase by its link', async () => {
    const page = await visit(store.url, (page) =>
      page.evaluateOnNewDocument(() => {
        navigator.clipboard.writeText = async (text) => {
          window.copied = text;
        };
      }),
    );
    await click(page, '[data-test="item-cat"] [data-test="buy"]');
    const bolt11 = await shownInvoice(page);
    await click(page, '[data-test="item-cat"] [data-test="copy-link"]');
    const link = await (await page.waitForFunction(() => window.copied)).jsonValue();
    const other = await visit(link);
    await click(other, '[data-test="open-link"]');
    assert.equal(await shownInvoice(other), bolt11);
    assert.equal(new URL(other.url()).hash, '');
    await network.alice.pay(bolt11);
    await seesTheGoods(other, store, 'cat');
  });

  test("buys from the widget on somebody's site", async () => {
    const page = await visit(new URL('one.html', site.url).href);
    await click(page, 'purr-wall >>> [data-test="buy"]');
    const bolt11 = await shownInvoice(page, 'purr-wall >>> ');
    await network.alice.pay(bolt11);
    await seesTheGoods(page, store, 'two-cats', 'purr-wall >>> ');
  });

  test("buys from the widget in another site's frame, whose storage is a part of its own", async () => {
    // Not localhost, where the page around it is: another site for storage.
    const framed = new URL('one.html', site.url.replace('localhost', '127.0.0.1')).href;
    const page = await visit(site.url + 'far.html');
    const open = async () => {
      await page.evaluate((src) => {
        const frame = Object.assign(document.createElement('iframe'), { src, width: 600, height: 900 });
        document.body.replaceChildren(frame);
      }, framed);
      return (await page.waitForSelector('iframe')).contentFrame();
    };
    const wall = 'purr-wall >>> ';
    let frame = await open();
    await click(frame, `${wall}[data-test="buy"]`);
    const bolt11 = await shownInvoice(frame, wall);
    await page.reload();
    frame = await open();
    assert.equal(await shownInvoice(frame, wall), bolt11, 'the frame has forgotten its purchase');

    const alone = await context.newPage();
    alone.setDefaultTimeout(PATIENCE_MS);
    await alone.goto(framed);
    await click(alone, `${wall}[data-test="buy"]`);
    const other = await shownInvoice(alone, wall);
    assert.notEqual(other, bolt11, 'the two share their storage');
    await network.alice.pay(other);
    await seesTheGoods(alone, store, 'two-cats', wall);
    await page.bringToFront();
    assert.equal(await shownInvoice(frame, wall), bolt11);
    await network.alice.pay(bolt11);
    await seesTheGoods(frame, store, 'two-cats', wall);
  });
});

function find(page, selector) {
  // Asked for what is visible, Puppeteer looks at each frame; else only when the document changes,
  // and what changes within a shadow root is no change of the document.
  return page.waitForSelector(selector, { visible: true });
}

async function click(page, selector) {
  await (await find(page, selector)).click();
}

async function shownInvoice(page, scope = '') {
  await find(page, `${scope}[data-test="qr"]`);
  const shown = await find(page, `${scope}[data-test="bolt11"]`);
  return shown.evaluate((node) => node.dataset.bolt11);
}

async function promised(store, item) {
  const { items } = await (await fetch(new URL('api/v1/store', store.url))).json();
  return items.find(({ id }) => id === item).sha256;
}

async function seesTheGoods(page, store, item, scope = '') {
  const content = await find(page, `${scope}[data-test="content"]`);
  const text = await content.evaluate((node) => node.textContent);
  assert.equal(createHash('sha256').update(text).digest('hex'), await promised(store, item));
}
