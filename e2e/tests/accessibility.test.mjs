// Everyone can buy: each state of the page and the widget, checked by axe-core in both themes, at
// the sizes and in the modes that people use.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { assertAccessible } from '../axe.mjs';
import { newVisitor } from '../browser.mjs';
import { assertDrawnValid } from '../html.mjs';
import { outputDir } from '../server.mjs';
import { buy, seesTheGoods } from '../story.mjs';
import { setUp } from '../world.mjs';

/** Long enough to see an invoice before it expires, however busy the machine is. */
const EXPIRY_SECS = 8;
const PROBLEM = {
  type: 'about:blank',
  title: 'Gone',
  status: 410,
  detail: 'the item is no longer sold',
  code: 'gone',
};

describe('everyone can use', () => {
  let network, store, hastyStore, site, browser;

  setUp(async (world) => {
    ({ network, browser, store } = await world.shop());
    hastyStore = await world.store(network, '--invoice-expiry', String(EXPIRY_SECS));
    site = await world.site(store);
  });

  async function visit({ url = store.url, prepare, settings } = {}) {
    const page = await newVisitor(browser, settings);
    await prepare?.(page);
    await page.goto(url);
    return page;
  }

  const answers = (path, status, json) => (page) =>
    page.route(path, (route) =>
      json
        ? route.fulfill({ status, json, contentType: 'application/problem+json' })
        : route.abort(),
    );

  /** Each state: how a page comes to it, and what shows that it is there. */
  const STATES = {
    'the store while it opens': async () => {
      const page = await visit({ prepare: (page) => page.route('**/api/v1/store', () => {}) });
      await page.getByText('Opening the store').waitFor();
      return page;
    },
    'the store': async () => {
      const page = await visit();
      await page.getByTestId('item-cat').waitFor();
      return page;
    },
    'an empty store': async () => {
      const page = await visit({
        prepare: (page) =>
          page.route('**/api/v1/store', async (route) => {
            const response = await route.fetch();
            await route.fulfill({ response, json: { ...(await response.json()), items: [] } });
          }),
      });
      await page.getByText('The shelves are empty').waitFor();
      return page;
    },
    'a store that is away': async () => {
      const page = await visit({ prepare: answers('**/api/v1/store') });
      await page.getByTestId('store-error').waitFor();
      return page;
    },
    'a damaged link': async () => {
      const page = await visit({ url: new URL('#purchase=eyJpdGVt', store.url).href });
      await page.getByTestId('damaged-link').waitFor();
      return page;
    },
    'the question for an invoice': async () => {
      const page = await visit({ prepare: (page) => page.route('**/invoices', () => {}) });
      await page.getByTestId('item-cat').getByTestId('buy').click();
      return page;
    },
    'an invoice': async () => {
      const page = await visit();
      await buy(page, 'cat');
      return page;
    },
    'what was checked of an invoice': async () => {
      const page = await visit();
      await buy(page, 'cat');
      await page.locator('.verified summary').click();
      return page;
    },
    'a wait while offline': async () => {
      const page = await visit();
      await buy(page, 'cat');
      await page.context().setOffline(true);
      await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
      await page.getByTestId('trouble').waitFor();
      return page;
    },
    'an expired invoice': async () => {
      const page = await visit({ url: hastyStore.url });
      await buy(page, 'cat');
      await page.getByTestId('expired').waitFor();
      return page;
    },
    'a refused invoice': async () => {
      const page = await visit({
        prepare: (page) =>
          page.route('**/invoices', async (route) => {
            const response = await route.fetch();
            const answer = await response.json();
            answer.invoice.bolt11 = answer.invoice.bolt11.replace(/.$/, (last) => (last === 'q' ? 'p' : 'q'));
            await route.fulfill({ response, json: answer });
          }),
      });
      await page.getByTestId('item-cat').getByTestId('buy').click();
      await page.getByTestId('refused').waitFor();
      return page;
    },
    'a purchase that failed': async () => {
      const page = await visit({ prepare: answers('**/invoices', 410, PROBLEM) });
      await page.getByTestId('item-cat').getByTestId('buy').click();
      await page.getByTestId('failed').waitFor();
      return page;
    },
    'goods that are on their way': async () => {
      const page = await visit({ prepare: (page) => page.route('**/content', () => {}) });
      await network.alice.pay(await buy(page, 'cat'));
      await page.getByTestId('paid').waitFor();
      return page;
    },
    'goods that do not come': async () => {
      const page = await visit({ prepare: answers('**/content', 410, PROBLEM) });
      await network.alice.pay(await buy(page, 'cat'));
      await page.getByTestId('failed').waitFor();
      return page;
    },
    'the goods': async () => {
      const page = await visit();
      await network.alice.pay(await buy(page, 'two-cats'));
      await seesTheGoods(page, store, 'two-cats');
      await page.getByTestId('purchase').waitFor();
      return page;
    },
    'the widget': async () => {
      const page = await visit({ url: new URL('one.html', site.url).href });
      await page.getByTestId('buy').waitFor();
      return page;
    },
    "the widget's invoice in a dialog": async () => {
      const page = await visit({ url: new URL('dialog.html', site.url).href });
      await page.getByTestId('open').click();
      await page.getByTestId('qr').waitFor();
      return page;
    },
  };

  for (const [state, reach] of Object.entries(STATES)) {
    test(state, async () => {
      const page = await reach();
      await assertAccessible(page, state.includes('widget') ? 'purr-wall' : undefined);
      await assertDrawnValid(page, state);
      await page.context().close();
    });
  }

  for (const [how, settings] of Object.entries({
    'at 320 px': { viewport: { width: 320, height: 640 } },
    'at 200 % zoom': { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 },
    'in forced colours': { forcedColors: 'active' },
    'with motion': { reducedMotion: 'no-preference' },
  })) {
    test(`an invoice ${how}, without scrolling sideways`, async () => {
      const page = await visit({ settings });
      await buy(page, 'cat');
      const width = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(width <= 0, `${width} px too wide`);
      const name = `everyone-${how.replaceAll(/[^a-z0-9]+/g, '-')}`;
      await page.screenshot({ path: join(outputDir, `${name}.png`), fullPage: true });
      await page.context().close();
    });
  }
});
