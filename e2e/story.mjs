// What a buyer does and sees, whatever network the payment takes.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { installWallet, newVisitor, takePictures } from './browser.mjs';
import { setUp } from './world.mjs';

/**
 * How long an invoice lives in the store where the tests wait for its end: long enough to pay it,
 * however busy the machine is.
 */
const SHORT_EXPIRY_SECS = 10;

/** @param {() => Promise<object>} startNetwork gives the nodes `store`, `alice` and `bob` */
export function story(name, startNetwork) {
  describe(name, () => {
    let network, store, hastyStore, browser;

    setUp(async (world) => {
      [network, browser] = await Promise.all([world.network(startNetwork), world.browser()]);
      store = await world.store(network);
      hastyStore = await world.store(network, '--invoice-expiry', String(SHORT_EXPIRY_SECS));
    });

    test('a buyer pays with a wallet in the browser and sees both cats', async () => {
      const page = await newVisitor(browser);
      await installWallet(page, network.alice);
      await page.goto(store.url);
      await page.getByTestId('item-two-cats').waitFor();
      await takePictures(page, 'store');

      await buy(page, 'two-cats');
      await page.getByTestId('pay-webln').click();
      await seesTheGoods(page, store, 'two-cats');
      await takePictures(page, 'paid');
    });

    test('a buyer pays from elsewhere and sees the cat without a reload', async () => {
      const page = await newVisitor(browser);
      await page.goto(store.url);
      const bolt11 = await buy(page, 'cat');
      await takePictures(page, 'invoice');
      assert.equal(await page.getByTestId('content').count(), 0, 'nothing before it is paid');
      await page.evaluate(() => (window.sameDocument = true));

      await network.alice.pay(bolt11);
      await seesTheGoods(page, store, 'cat');
      assert.equal(await page.evaluate(() => window.sameDocument), true, 'the page reloaded');
    });

    test('a second buyer pays through the first', async () => {
      const page = await newVisitor(browser);
      await installWallet(page, network.bob);
      await page.goto(store.url);
      await buy(page, 'two-cats');
      await page.getByTestId('pay-webln').click();
      await seesTheGoods(page, store, 'two-cats');
    });

    test('an expired invoice is replaced in place, and the new one can be paid', async () => {
      const page = await newVisitor(browser);
      await page.goto(hastyStore.url);
      const expired = await buy(page, 'cat');
      await page.getByTestId('expired').waitFor();
      assert.equal(await page.getByTestId('qr').count(), 0, 'an expired invoice is still shown');
      await takePictures(page, 'expired');

      await page.getByTestId('new-invoice').click();
      const fresh = await shownInvoice(page);
      assert.notEqual(fresh, expired);
      await network.alice.pay(fresh);
      await seesTheGoods(page, hastyStore, 'cat');
    });

    test('a reload while waiting keeps the invoice', async () => {
      const page = await newVisitor(browser);
      await page.goto(store.url);
      const bolt11 = await buy(page, 'two-cats');
      await page.reload();
      assert.equal(await shownInvoice(page), bolt11);
      await network.alice.pay(bolt11);
      await seesTheGoods(page, store, 'two-cats');
    });

    test('a reload after the payment still shows the goods', async () => {
      const page = await newVisitor(browser);
      await page.goto(store.url);
      await network.alice.pay(await buy(page, 'two-cats'));
      await seesTheGoods(page, store, 'two-cats');
      await page.reload();
      await seesTheGoods(page, store, 'two-cats');
    });

    test('a payment while the page is away is seen when it is back', async () => {
      const page = await newVisitor(browser);
      await page.goto(store.url);
      const bolt11 = await buy(page, 'cat');
      await page.goto('about:blank');
      await network.alice.pay(bolt11);
      await page.goto(store.url);
      await seesTheGoods(page, store, 'cat');
    });
  });
}

/** Asks for an item and returns the invoice that the page then shows. */
export async function buy(page, item) {
  await page.getByTestId(`item-${item}`).getByTestId('buy').click();
  return shownInvoice(page);
}

export async function shownInvoice(page) {
  await page.getByTestId('qr').waitFor();
  return (await page.getByTestId('bolt11').getAttribute('data-bolt11')).trim();
}

/** The page shows exactly what the store's list promises by its hash. */
export async function seesTheGoods(page, store, item) {
  const content = page.getByTestId('content');
  await content.waitFor();
  const { items } = await (await fetch(new URL('api/v1/store', store.url))).json();
  const promised = items.find(({ id }) => id === item).sha256;
  assert.equal(sha256(await content.evaluate((node) => node.textContent)), promised);
}

function sha256(text) {
  return createHash('sha256').update(text).digest('hex');
}
