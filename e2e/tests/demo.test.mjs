// The demo's page: the devnet's own script gives the browser a wallet.

import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { newVisitor, takePictures } from '../browser.mjs';
import { recordStory } from '../recorded-story.mjs';
import { outputDir, root } from '../server.mjs';
import { buy, seesTheGoods } from '../story.mjs';
import { setUp } from '../world.mjs';

describe('the demo', () => {
  let network, store, browser;

  setUp(async (world) => {
    [network, browser] = await Promise.all([world.network(), world.browser()]);
    // The demo has a page of its own, because a release takes long to compile.
    const page = process.env.DEMO_PAGE ?? join(root, '.demo/page');
    store = await world.store(network, '--frontend', page, '--webln-script', network.webln('alice'));
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
    const map = await newVisitor(browser);
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

  test('keeps the switch of buyers clear of the ways to pay, however wide the page is', async () => {
    const page = await newVisitor(browser);
    await page.goto(store.url);
    await buy(page, 'two-cats');
    for (const width of [320, 390, 768, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      const [choice, ...others] = await Promise.all(
        ['devnet-bob', 'pay-webln', 'copy', 'qr', 'countdown', 'bolt11'].map(async (name) => {
          const { x, y, width, height } = await page.getByTestId(name).boundingBox();
          return { name, left: x, top: y, right: x + width, bottom: y + height };
        }),
      );
      assert.ok(choice.left >= 0 && choice.right <= width, `out of the page at ${width}`);
      for (const other of others) {
        const apart =
          choice.bottom <= other.top || choice.top >= other.bottom ||
          choice.right <= other.left || choice.left >= other.right;
        assert.ok(apart, `the switch overlaps ${other.name} at ${width}`);
      }
    }
  });

  test('tells the story: alice buys two cats, and bob buys two through alice', async () => {
    const before = await balances(network);
    const film = join(outputDir, 'story.webp');
    await recordStory({ network, store, browser }, film, { effort: 0 });
    const after = await balances(network);
    // Two prices of 100,000 msat; alice forwards one of them and earns lightningd's default fee of
    // 1 msat and 10 millionths.
    assert.equal(after.store - before.store, 200_000);
    assert.equal(before.alice - after.alice, 100_000 - 2);
    assert.equal(before.bob - after.bob, 100_000 + 2);
    assert.ok((await stat(film)).size > 100_000, 'a film of more than one picture');
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

/** What each node owns in its channels, in msat. */
async function balances(network) {
  const owned = async (name) => {
    const { channels } = await network[name].call('listpeerchannels');
    return [name, channels.reduce((sum, { to_us_msat }) => sum + to_us_msat, 0)];
  };
  return Object.fromEntries(await Promise.all(['store', 'alice', 'bob'].map(owned)));
}

/** Presses Tab until the focus is on the first element with that name. */
async function tabTo(page, name) {
  for (let presses = 0; presses < 50; presses += 1) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => document.activeElement?.dataset.test);
    if (focused === name) return;
  }
  assert.fail(`Tab never reaches ${name}`);
}
