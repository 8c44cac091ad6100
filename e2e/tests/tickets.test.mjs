// Nothing paid is lost: tickets and proofs stay, and the page says what it cannot know.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { newVisitor, takePictures } from '../browser.mjs';
import { buy, seesTheGoods, shownInvoice } from '../story.mjs';
import { until } from '../until.mjs';
import { setUp } from '../world.mjs';

const STATUS = '**/api/v1/invoice?*';

describe('a ticket', () => {
  let network, store, site, browser;

  setUp(async (world) => {
    ({ network, browser, store } = await world.shop());
    site = await world.site(store);
  });

  async function visit(url = store.url) {
    const page = await newVisitor(browser);
    await page.goto(url);
    return page;
  }

  /** lightningd deletes a paid invoice, as its autoclean does. */
  async function prune(bolt11) {
    const { invoices } = await network.store.call('listinvoices', { invstring: bolt11 });
    await network.store.call('delinvoice', { label: invoices[0].label, status: 'paid' });
  }

  /** A visitor who has paid, and whose page cannot be told, because the node forgot it meanwhile. */
  async function paidAndForgotten() {
    const page = await visit();
    const bolt11 = await buy(page, 'cat');
    await page.goto('about:blank');
    let preimage;
    await store.closedWhile(async () => {
      preimage = await network.alice.pay(bolt11);
      await prune(bolt11);
    });
    await page.goto(store.url);
    const failed = page.getByTestId('failed');
    await failed.getByText('can no longer be confirmed here').waitFor();
    return { page, failed, preimage };
  }

  test('that the store does not accept is kept, and nobody says that it was not paid', async () => {
    const page = await visit();
    const bolt11 = await buy(page, 'cat');
    const claim = await storedClaim(page);
    await page.route(STATUS, problem(401, 'invalid-claim'));
    await page.reload();
    const failed = page.getByTestId('failed');
    await failed.getByText('We cannot tell whether this was paid').waitFor();
    assert.doesNotMatch(await failed.innerText(), /not been charged/);
    await network.alice.pay(bolt11);

    await failed.getByTestId('start-over').click();
    await page.getByTestId('item-cat').getByTestId('buy').waitFor();
    assert.ok((await stored(page)).includes(claim), 'the ticket is gone');
    const row = page.getByTestId('purchase');
    await row.waitFor();
    await takePictures(page, 'ticket-kept');
    await page.unroute(STATUS);
    await row.getByTestId('open-purchase').click();
    await seesTheGoods(page, store, 'cat');
  });

  test('is forgotten if the buyer says so twice', async () => {
    const page = await visit();
    await buy(page, 'cat');
    await page.route(STATUS, problem(401, 'invalid-claim'));
    await page.reload();
    await page.getByTestId('failed').getByTestId('start-over').click();
    const forget = page.getByTestId('purchase').getByTestId('forget');
    page.once('dialog', (dialog) => dialog.dismiss());
    await forget.click();
    assert.match(await stored(page), /claim/);
    page.once('dialog', (dialog) => dialog.accept());
    await forget.click();
    await page.getByTestId('purchase').waitFor({ state: 'detached' });
    assert.doesNotMatch(await stored(page), /claim/);
  });

  test('is kept by reset() of the widget', async () => {
    const page = await visit(new URL('one.html', site.url).href);
    await page.getByTestId('buy').click();
    await shownInvoice(page);
    const claim = await storedClaim(page);
    await page.route(STATUS, problem(404, 'unknown-invoice'));
    await page.reload();
    await page.getByTestId('failed').waitFor();
    await page.evaluate(() => document.querySelector('purr-wall').reset());
    await page.getByTestId('buy').waitFor();
    assert.ok((await stored(page)).includes(claim), 'the ticket is gone');
  });

  test('of a payment that the node has forgotten opens with the preimage that is typed in', async () => {
    const { page, failed, preimage } = await paidAndForgotten();
    assert.doesNotMatch(await failed.innerText(), /not been charged/);
    assert.equal(await page.getByTestId('qr').count(), 0, 'a new offer');
    await takePictures(page, 'ticket-forgotten');

    const sent = [];
    page.on('request', (request) => sent.push(request.headers().authorization ?? ''));
    const form = failed.getByTestId('proof');
    for (const wrong of ['cat', '00'.repeat(32)]) {
      await form.getByRole('textbox').fill(wrong);
      await form.getByRole('button').click();
      const said = await form.getByRole('textbox').evaluate((field) => field.validationMessage);
      assert.match(said, /does not prove this payment/);
    }
    assert.doesNotMatch(await stored(page), /preimage/);
    assert.deepEqual(sent, []);
    await form.getByRole('textbox').fill(` ${preimage.toUpperCase()} `);
    await form.getByRole('textbox').press('Enter');
    await seesTheGoods(page, store, 'cat');
    await page.reload();
    await seesTheGoods(page, store, 'cat');
  });

  test('keeps the proof before the goods are asked for, and sends it from then on', async () => {
    const page = await visit();
    const bolt11 = await buy(page, 'cat');
    const asked = [];
    await page.route('**/content', async (route) => {
      asked.push({ stored: await stored(page), sent: route.request().headers().authorization });
      await route.abort();
    });
    const preimage = await network.alice.pay(bolt11);
    await until('the question for the goods', () => asked.length > 0);
    assert.ok(asked[0].stored.includes(preimage), 'asked for first, stored second');
    assert.ok(asked[0].sent.endsWith(`:${preimage}`), 'the claim went alone');
    await prune(bolt11);
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    await page.reload();
    await seesTheGoods(page, store, 'cat');
  });

  test('opens what is no longer sold in the widget, too', async () => {
    const page = await visit(new URL('one.html', site.url).href);
    await page.getByTestId('buy').click();
    await network.alice.pay(await shownInvoice(page));
    await seesTheGoods(page, store, 'two-cats');
    await page.route('**/api/v1/store', async (route) => {
      const response = await route.fetch();
      const { items, ...rest } = await response.json();
      await route.fulfill({ response, json: { ...rest, items: items.filter(({ id }) => id !== 'two-cats') } });
    });
    await page.reload();
    await seesTheGoods(page, store, 'two-cats');
    assert.equal(await page.getByTestId('buy-again').count(), 0);
  });
});

describe('a page', () => {
  let network, store, browser;

  setUp(async (world) => {
    ({ network, browser, store } = await world.shop());
  });

  /** A visitor to whom the store sends zeros without an end, in answer to requests that end so. */
  async function flooded(end) {
    const page = await newVisitor(browser);
    await page.addInitScript((end) => {
      const real = window.fetch;
      window.sent = 0;
      window.fetch = async (...asked) => {
        const request = new Request(...asked);
        const response = await real(request);
        if (!request.url.endsWith(end) || !response.ok) return response;
        const body = new ReadableStream({
          pull(stream) {
            window.sent += 65536;
            stream.enqueue(new Uint8Array(65536).fill(48));
          },
        });
        request.signal.addEventListener('abort', () => (window.aborted = true));
        return new Response(body, { headers: response.headers });
      };
    }, end);
    await page.goto(store.url);
    return page;
  }

  test('reads no more of the goods than was advertised, and says so', async () => {
    const page = await flooded('/content');
    await network.alice.pay(await buy(page, 'cat'));
    await page.getByText('What came is not what the invoice promised').waitFor();
    // A stream keeps a piece ready before it is asked for.
    assert.ok((await page.evaluate(() => window.sent)) <= 3 * 65536);
    assert.equal(await page.evaluate(() => window.aborted), true, 'the rest may still come');
    await takePictures(page, 'too-much');
  });

  test('reads no endless catalogue, and says so', async () => {
    const page = await flooded('/api/v1/store');
    await page.getByTestId('store-error').getByText('cannot be read').waitFor();
    // The page's script reads it, then the program, which may have begun again.
    assert.ok((await page.evaluate(() => window.sent)) < 3 * (2 ** 22 + 3 * 65536));
  });
});

function problem(status, code) {
  const body = JSON.stringify({ type: `urn:purrwall:problem:${code}`, title: 'no', status, detail: 'no', code });
  return (route) => route.fulfill({ status, contentType: 'application/problem+json', body });
}

/** All that the page keeps, as text. */
function stored(page) {
  return page.evaluate(() => JSON.stringify(Object.values(localStorage)));
}

async function storedClaim(page) {
  return page.evaluate(() => JSON.parse(Object.values(localStorage)[0]).claim);
}
