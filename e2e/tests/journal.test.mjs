// The demo's second page: a journal on another origin that sells with one element.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertAccessible } from '../axe.mjs';
import { newVisitor, takePictures } from '../browser.mjs';
import { seesTheGoods, shownInvoice } from '../story.mjs';
import { setUp } from '../world.mjs';

describe('a journal that embeds the widget', () => {
  let network, store, site, browser;

  setUp(async (world) => {
    ({ network, browser, store } = await world.shop());
    site = await world.site(store);
  });

  test('sells two cats to bob, on another origin than the store', async () => {
    const page = await newVisitor(browser);
    await page.goto(new URL('journal.html', site.url).href);
    assert.notEqual(new URL(page.url()).origin, new URL(store.url).origin);
    await page.getByTestId('buy').click();
    const bolt11 = await shownInvoice(page);
    await takePictures(page, 'journal-invoice');
    await network.bob.pay(bolt11);
    await seesTheGoods(page, store, 'two-cats');
    await assertAccessible(page);
    await takePictures(page, 'journal-paid');
  });

  test('shows the very code that it uses', async () => {
    const page = await newVisitor(browser);
    await page.goto(new URL('journal.html', site.url).href);
    const shown = await page.getByTestId('snippet').textContent();
    const used = await page.evaluate((snippet) => {
      const parsed = new DOMParser().parseFromString(snippet, 'text/html');
      const same = (selector) => {
        const [one, other] = [parsed, document].map((from) => from.querySelector(selector));
        const outline = (node) => [...node.attributes].map(({ name, value }) => [name, value]).sort();
        return JSON.stringify(outline(one)) === JSON.stringify(outline(other));
      };
      return ['script[type="module"]', 'purr-wall', 'purr-wall > a'].map(same);
    }, shown);
    assert.deepEqual(used, [true, true, true]);
  });
});
