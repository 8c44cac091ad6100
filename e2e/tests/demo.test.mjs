// The demo's page: the devnet's own script gives the browser a wallet.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launchBrowser, newVisitor, takePictures } from '../browser.mjs';
import { startDevnet } from '../network.mjs';
import { openStore } from '../store.mjs';
import { buy, seesTheGoods } from '../story.mjs';

describe('the demo', () => {
  let network, store, browser;

  before(async () => {
    [network, browser] = await Promise.all([startDevnet(), launchBrowser()]);
    store = await openStore(network, '--webln-script', network.webln('alice'));
  });

  after(async () => {
    await browser?.close();
    await store?.stop();
    await network?.stop();
  });

  for (const node of ['alice', 'bob']) {
    test(`sells two cats to ${node} with two clicks`, async () => {
      const page = await newVisitor(browser);
      await page.goto(store.url);
      await page.waitForFunction(() => window.weblnDevnet);
      await page.evaluate((name) => window.weblnDevnet.use(name), node);
      await buy(page, 'two-cats');
      await page.getByTestId('pay-webln').click();
      await seesTheGoods(page, store, 'two-cats');
    });
  }

  test('shows on the network’s page how alice pays, and how bob pays through her', async () => {
    const map = await newVisitor(browser, { reducedMotion: 'reduce' });
    await map.goto(network.page);
    const ways = { alice: 'alice paid 100 sat to store, for', bob: 'bob paid 100 sat to store through alice, for' };
    for (const [buyer, way] of Object.entries(ways)) {
      const page = await newVisitor(browser);
      await page.goto(store.url);
      await buy(page, 'two-cats');
      await page.getByTestId(`devnet-${buyer}`).click();
      await page.getByTestId('pay-webln').click();
      await seesTheGoods(page, store, 'two-cats');
      await takePictures(page, `story-${buyer}-cats`);
      await map.getByTestId('summary').filter({ hasText: way }).waitFor();
      await takePictures(map, `story-${buyer}-way`);
    }
  });

  test('sells with the keyboard alone', async () => {
    const page = await newVisitor(browser);
    await page.goto(store.url);
    await page.getByTestId('item-cat').waitFor();
    await tabTo(page, 'buy');
    await page.keyboard.press('Enter');
    await page.getByTestId('pay-webln').waitFor();
    await tabTo(page, 'pay-webln');
    await page.keyboard.press('Enter');
    await seesTheGoods(page, store, 'cat');
  });
});

/** Presses Tab until the focus is on the first element with that name. */
async function tabTo(page, name) {
  for (let presses = 0; presses < 50; presses += 1) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => document.activeElement?.dataset.test);
    if (focused === name) return;
  }
  assert.fail(`Tab never reaches ${name}`);
}
