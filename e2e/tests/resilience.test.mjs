// A purchase whose buyer is clumsy, whose clock is wrong, and whose network comes and goes: one
// purchase, one invoice, one delivery.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { installWallet, launchBrowser, newVisitor } from '../browser.mjs';
import { buy, seesTheGoods, shownInvoice } from '../story.mjs';
import { until } from '../until.mjs';
import { setUp } from '../world.mjs';

/** Long enough to pay before it is over, however busy the machine is. */
const EXPIRY_SECS = 10;

describe('a purchase', () => {
  let network, store, hastyStore, hastySite, browser;

  setUp(async (world) => {
    ({ network, browser, store } = await world.shop());
    hastyStore = await world.store(network, '--invoice-expiry', String(EXPIRY_SECS));
    hastySite = await world.site(hastyStore);
  });

  /** A new visitor; `page.asked` holds each request to the API by its last word. */
  async function visit({ at = store, prepare } = {}) {
    const page = await newVisitor(browser);
    page.asked = [];
    page.context().on('request', (request) => {
      const path = new URL(request.url()).pathname;
      if (path.startsWith('/api/')) page.asked.push(path.split('/').at(-1));
    });
    await prepare?.(page);
    await page.goto(at.url);
    return page;
  }

  const count = (page, what) => page.asked.filter((asked) => asked === what).length;

  for (const minutes of [-10, 10]) {
    test(`does not notice a clock that is ${minutes} minutes off`, async () => {
      const page = await visit({
        prepare: (page) =>
          page.addInitScript((off) => {
            const now = Date.now.bind(Date);
            Date.now = () => now() + off;
          }, minutes * 60_000),
      });
      const bolt11 = await buy(page, 'cat');
      const { expires_at: end } = await network.alice.call('decode', { string: bolt11 }).then(
        ({ created_at, expiry }) => ({ expires_at: created_at + expiry }),
      );
      await until('the time that is left', async () => {
        const [min, sec] = (await page.getByTestId('countdown').innerText()).split(':').map(Number);
        return Math.abs(min * 60 + sec - (end - Date.now() / 1000)) < 4;
      });
      await network.alice.pay(bolt11);
      await seesTheGoods(page, store, 'cat');
    });
  }

  test('waits while offline, says so, and goes on', async () => {
    const page = await visit();
    const bolt11 = await buy(page, 'cat');
    await page.context().setOffline(true);
    // What is under way when the network goes may still hang; a look at the page asks anew.
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await page.getByTestId('trouble').getByText('You are offline').waitFor();
    await network.alice.pay(bolt11);
    assert.equal(await page.getByTestId('content').count(), 0);
    await page.context().setOffline(false);
    await seesTheGoods(page, store, 'cat');
  });

  test('that was paid in time is honoured when it is seen late', async () => {
    const page = await visit({ at: hastyStore });
    const bolt11 = await buy(page, 'cat');
    await page.context().setOffline(true);
    await network.alice.pay(bolt11);
    await sleep((EXPIRY_SECS + 2) * 1000);
    assert.equal(await page.getByTestId('qr').count(), 0, 'shown after its end');
    await page.context().setOffline(false);
    await seesTheGoods(page, hastyStore, 'cat');
  });

  test('gets one new invoice where two elements ask for it in one tick', async () => {
    const page = await visit({ at: { url: new URL('one.html', hastySite.url).href } });
    await page.getByTestId('buy').waitFor();
    await page.evaluate(() => {
      const wall = document.querySelector('purr-wall');
      wall.after(wall.cloneNode(true));
    });
    await page.getByTestId('buy').nth(1).waitFor();
    await page.evaluate(() => document.querySelectorAll('purr-wall').forEach((wall) => wall.buy()));
    await page.getByTestId('new-invoice').nth(1).waitFor();
    await page.evaluate(() => {
      for (const wall of document.querySelectorAll('purr-wall')) {
        wall.shadowRoot.querySelector('[data-test="new-invoice"]').click();
      }
    });
    await page.getByTestId('bolt11').nth(1).waitFor();
    const shown = await page.getByTestId('bolt11').evaluateAll((all) => all.map((one) => one.dataset.bolt11));
    assert.equal(shown[0], shown[1]);
  });

  test('is one in two tabs', async () => {
    const first = await visit();
    const second = await first.context().newPage();
    await second.goto(store.url);
    await second.getByTestId('item-cat').getByTestId('buy').waitFor();
    const bolt11 = await buy(first, 'cat');
    assert.equal(await shownInvoice(second), bolt11);
    await network.alice.pay(bolt11);
    await seesTheGoods(first, store, 'cat');
    await seesTheGoods(second, store, 'cat');
    assert.equal(await second.getByTestId('purchase').count(), 1);
  });

  test('is one after a double click', async () => {
    const page = await visit();
    await page.getByTestId('item-cat').getByTestId('buy').dblclick();
    await network.alice.pay(await shownInvoice(page));
    await seesTheGoods(page, store, 'cat');
    assert.deepEqual([count(page, 'invoices'), count(page, 'content')], [1, 1]);
  });

  test('goes on as it is when the list of purchases appears beside it', async () => {
    const page = await visit();
    const wall = page.getByTestId('item-cat').locator('.wall');
    const bolt11 = await buy(page, 'cat');
    await wall.evaluate((node) => (node.mine = true));
    await network.alice.pay(bolt11);
    await seesTheGoods(page, store, 'cat');
    await page.getByTestId('purchase').waitFor();
    assert.equal(await wall.evaluate((node) => node.mine), true, 'the wall was drawn anew');
    assert.equal(count(page, 'content'), 1);
  });

  test('is found again by the back button', async () => {
    const page = await visit();
    const bolt11 = await buy(page, 'cat');
    await page.goto(new URL('buy', store.url).href);
    await page.goBack();
    assert.equal(await shownInvoice(page), bolt11);
    await page.goForward();
    await network.alice.pay(bolt11);
    await page.goBack();
    await seesTheGoods(page, store, 'cat');
    assert.equal(count(page, 'invoices'), 1);
  });

  test('that was paid while its page lay in the back-forward cache goes on there', async () => {
    // Playwright switches the cache off.
    const ignoreDefaultArgs = ['--disable-back-forward-cache'];
    const caching = await launchBrowser({ isWhole: true, ignoreDefaultArgs });
    const page = await newVisitor(caching);
    await page.goto(store.url);
    const bolt11 = await buy(page, 'cat');
    await page.evaluate(() => addEventListener('pageshow', (event) => (window.shown = event)));
    await page.goto(new URL('buy', store.url).href);
    await network.alice.pay(bolt11);
    await page.goBack({ waitUntil: 'commit' });
    await page.waitForFunction(() => window.shown?.persisted);
    await seesTheGoods(page, store, 'cat');
    await caching.close();
  });

  test('survives a reload at any moment', async () => {
    const page = await visit();
    // Before the invoice comes: the purchase is stored first and asked for second.
    await page.route('**/invoices', (route) => route.abort(), { times: 1 });
    await page.getByTestId('item-cat').getByTestId('buy').click();
    await until('the first question', () => count(page, 'invoices') === 1);
    await page.reload();
    const bolt11 = await shownInvoice(page);
    await page.reload();
    assert.equal(await shownInvoice(page), bolt11);
    // Paid, but the goods are not here.
    await page.route('**/content', (route) => route.abort());
    await network.alice.pay(bolt11);
    await page.getByTestId('paid').waitFor();
    await page.reload();
    await page.getByTestId('paid').waitFor();
    await page.unroute('**/content');
    await page.reload();
    await seesTheGoods(page, store, 'cat');
    await page.reload();
    await seesTheGoods(page, store, 'cat');
  });

  test('whose first invoice was replaced, and paid after all, is honoured after a reload', async () => {
    const page = await visit();
    const first = await buy(page, 'cat');
    // No node takes a payment of an expired invoice: the word that it expired comes too early.
    const claim = await storedClaim(page);
    await page.route('**/api/v1/invoice?*', async (route) => {
      if (!route.request().headers().authorization.includes(claim)) return route.fallback();
      const url = route.request().url().replace(/wait=\d+/, 'wait=0');
      const response = await route.fetch({ url });
      const { preimage, ...status } = await response.json();
      // Who has left meanwhile needs no answer.
      await route.fulfill({ response, json: { ...status, status: 'expired' } }).catch(() => {});
    });
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await page.getByTestId('new-invoice').click();
    const second = await shownInvoice(page);
    assert.notEqual(second, first);

    await network.alice.pay(first);
    await page.reload();
    assert.equal(await shownInvoice(page), second, 'the old one is still called expired');
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    await page.reload();
    await seesTheGoods(page, store, 'cat');
    await page.reload();
    await seesTheGoods(page, store, 'cat');
    assert.equal(count(page, 'invoices'), 2);
    assert.equal(await page.getByTestId('purchase').count(), 1);
  });

  for (const [what, answer] of [
    ['a wrong preimage', { preimage: '00'.repeat(32) }],
    ['no preimage', {}],
    ['nonsense', 7],
  ]) {
    test(`waits for the store's word where a wallet gives ${what}`, async () => {
      const page = await visit({
        prepare: (page) =>
          page.addInitScript((answer) => {
            window.webln = { enable: async () => {}, sendPayment: async () => answer };
          }, answer),
      });
      const bolt11 = await buy(page, 'cat');
      await page.getByTestId('pay-webln').click();
      await page.getByText('Your wallet says that it paid').waitFor();
      assert.equal(await shownInvoice(page), bolt11);
      assert.equal(await page.getByTestId('content').count(), 0);
      await network.alice.pay(bolt11);
      await seesTheGoods(page, store, 'cat');
    });
  }

  test('asks a wallet that came after the page, and says why it did not pay', async () => {
    const page = await visit();
    const bolt11 = await buy(page, 'cat');
    const pay = page.getByTestId('pay-webln');
    assert.equal(await pay.getAttribute('href'), `lightning:${bolt11}`, 'for a browser without one');
    await page.evaluate(() => {
      window.webln = {
        enable: async () => {},
        sendPayment: async () => Promise.reject(new Error('no route to the store')),
      };
    });
    await pay.click();
    await page.getByText('Your wallet did not pay: no route to the store').waitFor();
    await installWallet(page, network.alice);
    await page.evaluate(() => {
      window.webln.sendPayment = async (bolt11) => ({ preimage: await window.payFromNode(bolt11) });
    });
    await pay.click();
    await seesTheGoods(page, store, 'cat');
  });

  test('does not look at wallets before one is asked to pay', async () => {
    const page = await visit({
      prepare: (page) =>
        page.addInitScript(() => {
          window.looks = 0;
          Object.defineProperty(window, 'webln', { get: () => void (window.looks += 1) });
        }),
    });
    await buy(page, 'cat');
    assert.equal(await page.evaluate(() => window.looks), 0);
    // Nothing can open the link here, so the invoice stays where it is.
    await page.getByTestId('pay-webln').click();
    assert.equal(await page.evaluate(() => window.looks), 1);
    await shownInvoice(page);
  });

  test("unlocks at once by a wallet's proof, before the store has said a word", async () => {
    const page = await visit({
      prepare: async (page) => {
        await page.exposeFunction('payFromNode', (bolt11) => network.alice.pay(bolt11));
        await page.addInitScript(() => {
          window.webln = {
            enable: async () => {},
            sendPayment: async (bolt11) => ({ preimage: await window.payFromNode(bolt11) }),
          };
        });
        await page.route('**/api/v1/invoice?*', () => {});
      },
    });
    await buy(page, 'cat');
    await page.getByTestId('pay-webln').click();
    await seesTheGoods(page, store, 'cat');
  });

  test('lets the buyer choose a wallet on an iPhone, and there alone', async () => {
    const other = await visit();
    await buy(other, 'cat');
    assert.equal(await other.getByTestId('wallets').count(), 0);

    const page = await newVisitor(browser, {
      userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15',
    });
    await page.goto(store.url);
    const bolt11 = await buy(page, 'cat');
    await page.getByText('Choose a wallet').click();
    const links = await page.getByTestId('wallets').getByRole('link').all();
    assert.ok(links.length >= 5);
    for (const link of links) {
      assert.ok((await link.getAttribute('href')).endsWith(bolt11));
      assert.ok(await link.isVisible());
    }
  });

  test('goes on where its goods were interrupted', async () => {
    const page = await visit({
      prepare: (page) =>
        page.addInitScript(() => {
          // The first answer breaks off after ten bytes; later ones hold what was asked for.
          const real = window.fetch;
          window.ranges = [];
          window.fetch = async (...asked) => {
            const request = new Request(...asked);
            const response = await real(request);
            if (!request.url.endsWith('/content') || !response.ok) return response;
            const range = request.headers.get('range');
            window.ranges.push(range);
            const bytes = new Uint8Array(await response.arrayBuffer());
            if (range === null) {
              let sent = false;
              const body = new ReadableStream({
                pull(stream) {
                  if (sent) return stream.error(new TypeError('network error'));
                  sent = true;
                  stream.enqueue(bytes.slice(0, 10));
                },
              });
              return new Response(body, { status: 200, headers: response.headers });
            }
            const from = response.status === 206 ? 0 : 10;
            return new Response(bytes.slice(from), { status: 206, headers: response.headers });
          };
        }),
    });
    await network.alice.pay(await buy(page, 'cat'));
    await seesTheGoods(page, store, 'cat');
    assert.deepEqual(await page.evaluate(() => window.ranges), [null, 'bytes=10-']);
  });
});

/** The ticket of the one purchase that the page keeps. */
function storedClaim(page) {
  return page.evaluate(() => JSON.parse(Object.values(localStorage)[0]).claim);
}
