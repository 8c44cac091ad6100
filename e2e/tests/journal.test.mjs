// The demo's second page: a journal on another origin that sells with one element.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { assertAccessible } from '../axe.mjs';
import { launchBrowser, newVisitor, takePictures } from '../browser.mjs';
import { startDevnet } from '../network.mjs';
import { openSite } from '../site.mjs';
import { openStore } from '../store.mjs';
import { seesTheGoods, shownInvoice } from '../story.mjs';

describe('a journal that embeds the widget', () => {
  let network, store, site, browser;

  before(async () => {
    [network, browser] = await Promise.all([startDevnet(), launchBrowser()]);
    store = await openStore(network);
    site = await openSite(store.url);
  });

  after(async () => {
    await browser?.close();
    await Promise.all([site?.stop(), store?.stop()]);
    await network?.stop();
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
