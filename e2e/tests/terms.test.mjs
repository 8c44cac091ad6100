// What a buyer is told of a price that follows a rate, and of goods that are limited in time.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertAccessible } from '../axe.mjs';
import { newVisitor, takePictures } from '../browser.mjs';
import { buy, seesTheGoods, shownInvoice } from '../story.mjs';
import { until } from '../until.mjs';
import { setUp } from '../world.mjs';

const RATE = 65_000;
/** 0.25 USD at that rate are 384616 msat. */
const PRICE = '385 sat';
/** Long enough to pay before it is over, however busy the machine is. */
const EXPIRY_SECS = 10;

describe('a buyer', () => {
  let network, store, hastyStore, browser, dir;

  setUp(async (world) => {
    [network, browser] = await Promise.all([world.network(), world.browser()]);
    dir = await world.folder();
    await writeFile(join(dir, 'cat.txt'), ' /\\_/\\\n( o.o )\n > ^ <\n');
    await setRate(RATE);
    const config = join(dir, 'purrwall.toml');
    store = await world.store(network, '--config', config, '--data-dir', join(dir, 'kept'));
    const hasty = ['--data-dir', join(dir, 'hasty'), '--invoice-expiry', String(EXPIRY_SECS)];
    hastyStore = await world.store(network, '--config', config, ...hasty);
  });

  beforeEach(() => followRate(RATE));

  async function setRate(rate) {
    const item = (id, price, more) =>
      `[[item]]\nid = "${id}"\ntitle = "A cat"\nteaser = "It purrs."\nfile = "cat.txt"\n` +
      `price = "${price}"\n${more}\n`;
    const items = [
      item('dollars', '0.25 USD', ''),
      item('month', '1 sat', 'valid_for = "30d"'),
      item('moment', '1 sat', 'valid_for = "1s"'),
    ];
    await writeFile(join(dir, 'purrwall.toml'), `${items.join('\n')}\n[rates.USD]\nfixed = ${rate}\n`);
  }

  /** Lets the store sell at another rate, and waits until it does. */
  async function followRate(rate) {
    await setRate(rate);
    await until(`a price at ${rate}`, async () => {
      const { items } = await (await fetch(new URL('api/v1/store', store.url))).json();
      return items[0].rate.per_btc === String(rate);
    });
  }

  async function visit({ url = store.url, prepare, settings } = {}) {
    const page = await newVisitor(browser, settings);
    await prepare?.(page);
    await page.goto(url);
    await page.getByTestId('item-dollars').waitFor();
    return page;
  }

  /** The program behind the page comes, and keeps the prices of this moment. */
  async function ready(page) {
    await page.getByTestId('item-dollars').getByTestId('buy').hover();
    await page.locator('[data-test="item-dollars"] [aria-live]').first().waitFor({ state: 'attached' });
    await until('the program', async () => (await page.getByTestId('buy').count()) === 3);
  }

  const asked = async (bolt11) => (await network.alice.call('decode', { string: bolt11 })).amount_msat;

  test('sees the rate of the price and its time, also after a reload', async () => {
    const page = await visit();
    await page.getByTestId('item-dollars').getByText(`$0.25 ≈ ${PRICE}`).waitFor();
    const bolt11 = await buy(page, 'dollars');
    assert.equal(await asked(bolt11), 384_616);
    const { items } = await (await fetch(new URL('api/v1/store', store.url))).json();
    const time = await page.evaluate(
      (at) => new Date(at * 1000).toLocaleString('en', { dateStyle: 'medium', timeStyle: 'short' }),
      items[0].rate.at,
    );
    const words = `$0.25 at $65,000.00 for a bitcoin, the rate of ${time}`;
    assert.equal(await page.getByTestId('rate').innerText(), words);
    await assertAccessible(page);
    await takePictures(page, 'terms-rate');
    await page.reload();
    assert.equal(await page.getByTestId('rate').innerText(), words);
    await network.alice.pay(bolt11);
    await seesTheGoods(page, store, 'dollars');
  });

  test('agrees to a price whose rate has moved, with one click', async () => {
    const page = await visit();
    await ready(page);
    await followRate(50_000);
    await page.getByTestId('item-dollars').getByTestId('buy').click();
    const notice = page.getByTestId('moved');
    await notice.waitFor();
    const words = await notice.innerText();
    assert.match(words, /showed 385 sat; the invoice asks for 500 sat/);
    assert.match(words, /\$0\.25 at \$50,000\.00/);
    await showsNothingPayable(page);
    await assertAccessible(page);
    await takePictures(page, 'terms-moved');

    await page.getByTestId('agree').click();
    const bolt11 = await shownInvoice(page);
    assert.equal(await asked(bolt11), 500_000);
    assert.match(await page.getByTestId('invoice').innerText(), /500 sat/);
    await page.reload();
    assert.equal(await shownInvoice(page), bolt11);
    await network.alice.pay(bolt11);
    await seesTheGoods(page, store, 'dollars');
  });

  test('who pressed before the program was there buys at the price that was shown, or not at once', async () => {
    const page = await visit();
    let invoices = 0;
    page.on('request', (request) => (invoices += request.url().endsWith('/invoices')));
    await followRate(50_000);
    await page.getByTestId('item-dollars').getByTestId('buy').click();
    await page.getByText('$0.25 ≈ 500 sat').waitFor();
    const bolt11 = await buy(page, 'dollars');
    assert.equal(await asked(bolt11), 500_000);
    assert.equal(invoices, 1, 'an invoice was asked for at another price than the one that was shown');
  });

  test('who does not agree pays nothing, and may come back', async () => {
    const page = await visit();
    await ready(page);
    await followRate(50_000);
    await page.getByTestId('item-dollars').getByTestId('buy').click();
    await page.getByTestId('moved').waitFor();
    await followRate(RATE);
    await page.getByTestId('new-invoice').click();
    assert.equal(await asked(await shownInvoice(page)), 384_616);
  });

  test('pays less without a word where the rate has moved the other way', async () => {
    const page = await visit();
    await ready(page);
    await followRate(100_000);
    const bolt11 = await buy(page, 'dollars');
    assert.equal(await asked(bolt11), 250_000);
    assert.match(await page.getByTestId('invoice').innerText(), /250 sat/);
  });

  for (const [what, title] of [
    ['which no rate is stated for', 'A cat'],
    ['which the rate does not explain', 'A cat (0.25 USD at 65000 USD/BTC of 2026-11-23T06:00:00Z)'],
    ['for another price', 'A cat (0.50 USD at 65000 USD/BTC of 2026-11-23T06:00:00Z)'],
  ]) {
    test(`is not asked to agree to an amount ${what}`, async () => {
      const page = await visit({
        prepare: (page) =>
          page.route('**/api/v1/items/*/invoices', async (route) => {
            const response = await route.fetch();
            const answer = await response.json();
            const promise = answer.invoice.description.slice(-72);
            answer.invoice.bolt11 = await network.store.invoice(769_231, `${title}${promise}`);
            await route.fulfill({ response, json: answer });
          }),
      });
      await page.getByTestId('item-dollars').getByTestId('buy').click();
      await page.getByTestId('refused').waitFor();
      await showsNothingPayable(page);
      assert.equal(await page.getByTestId('agree').count(), 0);
    });
  }

  test('hears before and after the payment until when the goods can be had', async () => {
    const page = await visit();
    const card = page.getByTestId('item-month');
    await card.getByText('Yours for 30 days, counted from the end of the time to pay.').waitFor();
    await takePictures(page, 'terms-offer');
    const bolt11 = await buy(page, 'month');
    const { created_at, expiry } = await network.alice.call('decode', { string: bolt11 });
    const end = await page.evaluate(
      (end) => new Date(end * 1000).toLocaleString('en', { dateStyle: 'medium', timeStyle: 'short' }),
      created_at + expiry + 30 * 86_400,
    );
    assert.equal(await card.getByTestId('valid-until').innerText(), `Yours until ${end}.`);
    await takePictures(page, 'terms-invoice');
    await network.alice.pay(bolt11);
    await seesTheGoods(page, store, 'month');
    assert.equal(await card.getByTestId('valid-until').innerText(), `Yours until ${end}.`);
    await takePictures(page, 'terms-paid');
    await page.getByTestId('purchase').getByText(`until ${end}`).waitFor();
  });

  test('hears in Arabic, too', async () => {
    const page = await visit({ settings: { locale: 'ar' } });
    await buy(page, 'month');
    await page.getByTestId('valid-until').waitFor();
    await assertAccessible(page);
    await takePictures(page, 'terms-ar');
  });

  test('is told that the time is over', async () => {
    const page = await visit({ url: hastyStore.url });
    await network.alice.pay(await buy(page, 'moment'));
    await page.getByTestId('content').waitFor();
    await sleep((EXPIRY_SECS + 3) * 1000);
    await page.reload();
    await page.getByTestId('over').getByText('Its time is over').waitFor();
    await page.getByTestId('valid-until').waitFor();
    assert.equal(await page.getByTestId('retry').count(), 0);
    await assertAccessible(page);
    await takePictures(page, 'terms-over');
  });
});

async function showsNothingPayable(page) {
  for (const payable of ['qr', 'bolt11', 'pay-webln', 'copy']) {
    assert.equal(await page.getByTestId(payable).count(), 0, `${payable} is shown`);
  }
}
