// What the page refuses to show, and what a camera makes of what it does show.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { newVisitor, scan, takePictures } from '../browser.mjs';
import { buy } from '../story.mjs';
import { setUp } from '../world.mjs';

/** Invoices that come in the place of an honest one, and why nobody should pay them. */
const DISHONEST = [
  {
    what: 'was damaged on its way',
    make: async (network, honest) => honest.bolt11.replace(/.$/, (last) => (last === 'q' ? 'p' : 'q')),
    reason: /not a BOLT11 invoice/,
  },
  {
    what: 'pays another node',
    make: ({ alice }, honest) => alice.invoice(honest.amount_msat, honest.description),
    reason: /pays the node/,
  },
  {
    what: 'asks for another amount',
    make: ({ store }, honest) => store.invoice(2 * honest.amount_msat, honest.description),
    reason: /asks for/,
  },
  {
    what: 'does not commit to the goods',
    make: ({ store }, honest) => store.invoice(honest.amount_msat, 'Two cats, honestly'),
    reason: /which goods/,
  },
  {
    what: 'is not the one that the claim is for',
    make: ({ store }, honest) => store.invoice(honest.amount_msat, honest.description),
    reason: /another payment/,
  },
];

describe('an invoice on the page', () => {
  let network, store, browser;

  setUp(async (world) => {
    ({ network, browser, store } = await world.shop());
  });

  for (const colorScheme of ['light', 'dark']) {
    test(`is what a phone's camera reads from it (${colorScheme})`, async () => {
      const page = await newVisitor(browser);
      await page.emulateMedia({ colorScheme });
      await page.goto(store.url);
      const bolt11 = await buy(page, 'cat');
      assert.equal(await scan(page.getByTestId('qr')), `LIGHTNING:${bolt11.toUpperCase()}`);
      const link = await page.getByTestId('pay-webln').getAttribute('href');
      assert.equal(link.toLowerCase(), `lightning:${bolt11}`);
    });
  }

  for (const { what, make, reason } of DISHONEST) {
    test(`is refused when it ${what}`, async () => {
      const page = await newVisitor(browser);
      await swapInvoice(page, (honest) => make(network, honest));
      await page.goto(store.url);
      await page.getByTestId('item-two-cats').getByTestId('buy').click();

      const refusal = page.getByTestId('refused');
      await refusal.waitFor();
      assert.match(await refusal.innerText(), reason);
      for (const payable of ['qr', 'bolt11', 'pay-webln', 'copy']) {
        assert.equal(await page.getByTestId(payable).count(), 0, `${payable} is shown`);
      }
      await takePictures(page, 'refused');
    });
  }
});

/** Lets another BOLT11 text arrive wherever the page asks for an invoice. */
async function swapInvoice(page, make) {
  await page.route('**/api/v1/items/*/invoices', async (route) => {
    const response = await route.fetch();
    const answer = await response.json();
    answer.invoice.bolt11 = await make(answer.invoice);
    await route.fulfill({ response, json: answer });
  });
}
