// The plain page, in a browser whose JavaScript is switched off.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { newVisitor, scan, takePictures } from '../browser.mjs';
import { seesTheGoods } from '../story.mjs';
import { setUp } from '../world.mjs';

const WITHOUT_SCRIPT = { javaScriptEnabled: false };
/** Long enough to see an invoice before it expires, however busy the machine is. */
const EXPIRY_SECS = 8;

describe('the plain page', () => {
  let network, store, hastyStore, browser;

  setUp(async (world) => {
    ({ network, browser, store } = await world.shop());
    hastyStore = await world.store(network, '--invoice-expiry', String(EXPIRY_SECS));
  });

  test('sells a cat without any script', async () => {
    const page = await newVisitor(browser, WITHOUT_SCRIPT);
    await page.goto(new URL('buy', store.url).href);
    await takePictures(page, 'plain-shelf');
    await page.getByTestId('item-two-cats').getByTestId('open').click();
    await page.getByTestId('buy').waitFor();
    await takePictures(page, 'plain-offer');

    const bolt11 = await buy(page);
    await takePictures(page, 'plain-invoice');
    assert.equal(await scan(page.getByTestId('qr')), `LIGHTNING:${bolt11.toUpperCase()}`);
    const link = page.getByTestId('open-wallet');
    assert.equal(await link.getAttribute('href'), `lightning:${bolt11}`);
    assert.equal(await page.getByLabel('copy the invoice').inputValue(), bolt11);

    await network.alice.pay(bolt11);
    await page.getByTestId('paid').waitFor();
    await seesTheGoods(page, store, 'two-cats');
    await takePictures(page, 'plain-paid');
    assert.equal(new URL(page.url()).search, '');

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByTestId('save').click(),
    ]);
    assert.match(download.suggestedFilename(), /^two-cats/);
    await page.goto(store.url);
    await page.waitForURL('**/buy');
    await page.goto(new URL('buy/two-cats', store.url).href);
    await seesTheGoods(page, store, 'two-cats');
  });

  test('goes on looking after the wallet was opened', async () => {
    const page = await newVisitor(browser, WITHOUT_SCRIPT);
    await page.goto(new URL('buy/cat', store.url).href);
    const bolt11 = await buy(page);
    const complaints = [];
    page.on('console', (message) => complaints.push(message.text()));
    await page.getByTestId('open-wallet').click();
    await network.alice.pay(bolt11);
    await page.getByTestId('paid').waitFor();
    assert.deepEqual(complaints, [], 'the policy keeps the wallet shut');
  });

  test('holds still when it is asked to', async () => {
    const page = await newVisitor(browser, WITHOUT_SCRIPT);
    await page.goto(new URL('buy/cat', store.url).href);
    const bolt11 = await buy(page);
    const refreshes = async () => {
      const answer = await page.context().request.get(page.url(), { headers: { accept: 'text/html' } });
      return 'refresh' in answer.headers() || /http-equiv="?refresh/i.test(await answer.text());
    };
    assert.equal(await refreshes(), true);
    await page.getByTestId('still').click();
    await page.getByTestId('look').waitFor();
    assert.equal(await refreshes(), false);

    await network.alice.pay(bolt11);
    await page.getByTestId('look').click();
    await page.getByTestId('paid').waitFor();
  });

  test('a double click makes one invoice', async () => {
    const page = await newVisitor(browser, WITHOUT_SCRIPT);
    const count = async () => (await network.store.call('listinvoices')).invoices.length;
    const before = await count();
    await page.goto(new URL('buy/cat', store.url).href);
    await page.getByTestId('buy').dblclick();
    const bolt11 = await shownInvoice(page);
    assert.equal(await count(), before + 1);

    await page.goBack();
    await page.getByTestId('buy').or(page.getByTestId('invoice')).waitFor();
    await page.goto(new URL('buy/cat', store.url).href);
    assert.equal(await shownInvoice(page), bolt11);
    assert.equal(await count(), before + 1);
  });

  test('an expired invoice is replaced with a click', async () => {
    const page = await newVisitor(browser, WITHOUT_SCRIPT);
    await page.goto(new URL('buy/cat', hastyStore.url).href);
    const expired = await buy(page);
    await page.getByTestId('expired').waitFor();
    await takePictures(page, 'plain-expired');
    await page.getByTestId('new-invoice').click();
    assert.notEqual(await shownInvoice(page), expired);
  });

  test('says that something is not there', async () => {
    const page = await newVisitor(browser, WITHOUT_SCRIPT);
    const answer = await page.goto(new URL('buy/dog', store.url).href);
    assert.equal(answer.status(), 404);
    await page.getByTestId('problem').waitFor();
    await takePictures(page, 'plain-problem');
  });
});

/** Presses the button and returns the invoice that the page then shows. */
async function buy(page) {
  await page.getByTestId('buy').click();
  return shownInvoice(page);
}

async function shownInvoice(page) {
  await page.getByTestId('qr').waitFor();
  return page.getByTestId('bolt11').getAttribute('data-bolt11');
}
