// What a buyer keeps: the link that opens a purchase elsewhere, "your purchases", receipts.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { newVisitor, takePictures } from '../browser.mjs';
import { buy, seesTheGoods, shownInvoice } from '../story.mjs';
import { setUp } from '../world.mjs';

describe('a purchase', () => {
  let network, store, browser;

  setUp(async (world) => {
    ({ network, browser, store } = await world.shop());
  });

  async function visit(url = store.url, settings = {}) {
    const page = await newVisitor(browser, {
      permissions: ['clipboard-read', 'clipboard-write'],
      ...settings,
    });
    await page.goto(url);
    return page;
  }

  /** Presses the button and reads what it has copied. */
  async function copiedLink(scope) {
    const button = scope.getByTestId('copy-link');
    await button.click();
    await button.getByText('Copied').waitFor();
    const link = await scope.page().evaluate(() => navigator.clipboard.readText());
    assert.ok(link.startsWith(new URL('#purchase=', store.url).href), link);
    return link;
  }

  test('is paid with the phone and read on the laptop', async () => {
    const laptop = await visit();
    const bolt11 = await buy(laptop, 'two-cats');
    const link = await copiedLink(laptop.getByTestId('item-two-cats'));

    const asked = [];
    const phone = await newVisitor(browser, { viewport: { width: 390, height: 844 } });
    phone.on('request', (request) => asked.push(`${request.url()} ${JSON.stringify(request.headers())}`));
    await phone.goto(link);
    await phone.getByTestId('open-link').click();
    assert.equal(await shownInvoice(phone), bolt11, 'the link opens another purchase');
    assert.equal(phone.url(), store.url.replace(/\/?$/, '/'), 'the link stays in the address bar');
    const secret = new URL(link).hash.slice('#purchase='.length);
    assert.ok(!asked.some((request) => request.includes(secret)), 'the link leaks into a request');

    await network.alice.pay(bolt11);
    await seesTheGoods(laptop, store, 'two-cats');
    await seesTheGoods(phone, store, 'two-cats');
    await phone.reload();
    await seesTheGoods(phone, store, 'two-cats');
  });

  test('opens from its link when it is paid, also in a page that is open', async () => {
    const first = await visit();
    await network.alice.pay(await buy(first, 'cat'));
    await seesTheGoods(first, store, 'cat');
    const link = await copiedLink(first.getByTestId('item-cat'));

    const second = await visit(link);
    await second.getByTestId('open-link').click();
    await seesTheGoods(second, store, 'cat');
    const open = await visit();
    await open.getByTestId('item-cat').waitFor();
    await open.evaluate((hash) => (location.hash = hash), new URL(link).hash);
    await open.getByTestId('open-link').click();
    await seesTheGoods(open, store, 'cat');
    assert.equal(new URL(open.url()).hash, '');
    // Whoever has the purchase already is not asked again.
    await second.goto(link);
    await seesTheGoods(second, store, 'cat');
    assert.equal(await second.getByTestId('foreign-link').count(), 0);
  });

  /** A visitor follows a link that was begun elsewhere: nothing is asked or kept before they say so. */
  async function opensOnlyIfTheBuyerSaysSo(hash, look = async () => {}) {
    const asked = [];
    const page = await newVisitor(browser);
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await page.goto(new URL(hash, store.url).href);
    await page.getByTestId('foreign-link').getByText('begun elsewhere').waitFor();
    await look(page);
    const kept = () => page.evaluate(() => Object.keys(localStorage));
    assert.deepEqual(await kept(), []);
    await page.getByTestId('decline-link').click();
    await page.getByTestId('foreign-link').waitFor({ state: 'detached' });
    await page.reload();
    await page.getByTestId('item-cat').getByTestId('buy').waitFor();
    assert.deepEqual(await kept(), []);
    assert.deepEqual(asked.filter((path) => path.includes('invoice')), []);

    await page.evaluate((hash) => (location.hash = hash), hash);
    await page.getByTestId('open-link').click();
    await shownInvoice(page);
    assert.equal(await page.getByTestId('foreign-link').count(), 0);
  }

  test('that was begun elsewhere opens only if the buyer says so', async () => {
    const stranger = await visit();
    await buy(stranger, 'cat');
    const link = await copiedLink(stranger.getByTestId('item-cat'));
    await opensOnlyIfTheBuyerSaysSo(new URL(link).hash, (page) => takePictures(page, 'foreign-link'));
  });

  test('that was begun elsewhere asks for no invoice before the buyer says so', async () => {
    const link = { item: 'cat', purchase: { purchase_id: '07'.repeat(16) } };
    const encoded = Buffer.from(JSON.stringify(link)).toString('base64url');
    await opensOnlyIfTheBuyerSaysSo(`#purchase=${encoded}`);
  });

  test("of a link pushes none of the buyer's own out", async () => {
    const other = await visit();
    await network.alice.pay(await buy(other, 'cat'));
    await seesTheGoods(other, store, 'cat');
    const link = await copiedLink(other.getByTestId('item-cat'));

    const page = await visit();
    const mine = await buy(page, 'cat');
    await page.evaluate((hash) => (location.hash = hash), new URL(link).hash);
    await page.getByTestId('open-link').click();
    await seesTheGoods(page, store, 'cat');
    await page.getByTestId('purchase').getByText('not known to be paid').waitFor();
    await page
      .getByTestId('purchase')
      .filter({ hasText: 'not known to be paid' })
      .getByTestId('open-purchase')
      .click();
    assert.equal(await shownInvoice(page), mine);
  });

  test('that is damaged on its way says so', async () => {
    const page = await visit(new URL('#purchase=eyJpdGVt', store.url).href);
    await page.getByTestId('damaged-link').waitFor();
    assert.equal(new URL(page.url()).hash, '');
    assert.ok(await page.getByTestId('item-cat').getByTestId('buy').isVisible());
  });

  test('is listed, opened again, saved, and proven by its receipt', async () => {
    const page = await visit();
    assert.equal(await page.getByTestId('purchases').count(), 0);
    const bolt11 = await buy(page, 'cat');
    const preimage = await network.alice.pay(bolt11);
    await seesTheGoods(page, store, 'cat');
    await page.getByTestId('item-cat').getByTestId('buy-again').click();
    await page.getByTestId('content').waitFor({ state: 'detached' });

    const row = page.getByTestId('purchase');
    await row.waitFor();
    assert.match(await row.innerText(), /cat/i);
    assert.match(await row.innerText(), /\d+ sat · \S.* · paid/);
    await takePictures(page, 'purchases');
    const receipt = JSON.parse(await saved(page, row.getByTestId('save-receipt'), /receipt\.json$/));
    assert.equal(receipt.bolt11, bolt11);
    assert.equal(receipt.preimage, preimage);

    await page.reload();
    await page.getByTestId('purchase').getByTestId('open-purchase').click();
    await seesTheGoods(page, store, 'cat');
    const file = await saved(page, page.getByTestId('save'), /^cat\.txt$/);
    assert.equal(createHash('sha256').update(file).digest('hex'), receipt.sha256);
    assert.equal(file.length, receipt.size);
    const again = await saved(page, page.getByTestId('item-cat').getByTestId('save-receipt'), /receipt\.json$/);
    assert.deepEqual(JSON.parse(again), receipt);
    await copiedLink(row);
  });

  for (const [what, forbid] of [
    [
      'is forbidden',
      () =>
        Object.defineProperty(window, 'localStorage', {
          get() {
            throw new DOMException('no', 'SecurityError');
          },
        }),
    ],
    [
      'is full',
      () => {
        Storage.prototype.setItem = () => {
          throw new DOMException('full', 'QuotaExceededError');
        };
      },
    ],
  ]) {
    test(`goes on where storage ${what}, with a word and a link`, async () => {
      const page = await newVisitor(browser, { permissions: ['clipboard-read', 'clipboard-write'] });
      await page.addInitScript(forbid);
      await page.goto(store.url);
      const bolt11 = await buy(page, 'cat');
      await page.getByTestId('not-kept').waitFor();
      const link = await copiedLink(page.getByTestId('item-cat'));
      await network.alice.pay(bolt11);
      await seesTheGoods(page, store, 'cat');
      await page.getByTestId('not-kept').waitFor();
      const other = await visit(link);
      await other.getByTestId('open-link').click();
      await seesTheGoods(other, store, 'cat');
    });
  }
});

/** Presses a button that saves a file, and reads the file. */
async function saved(page, button, name) {
  const [download] = await Promise.all([page.waitForEvent('download'), button.click()]);
  assert.match(download.suggestedFilename(), name);
  return readFile(await download.path());
}
