// Wallets of the site's and of the browser's: given, connected, silent, late, and paying at one click.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { assertAccessible } from '../axe.mjs';
import { newVisitor, takePictures } from '../browser.mjs';
import { buy, seesTheGoods, shownInvoice } from '../story.mjs';
import { until } from '../until.mjs';
import { setUp } from '../world.mjs';

/** How many purchases are made with wallets that are silent or late. */
const RUNS = 24;
/** Longer than a wallet may take before the buyer is told, in ms. */
const PATIENCE_MS = 31_000;
const SILENT = 'Your wallet has not answered yet';

describe('wallets', () => {
  let network, browser, store, hastyStore, site, examples;

  setUp(async (world) => {
    ({ network, browser, store } = await world.shop());
    hastyStore = await world.store(network, '--invoice-expiry', '10');
    const pages = await world.folder();
    const page = (name, script) =>
      writeFile(
        join(pages, `${name}.html`),
        `<!doctype html><meta name="viewport" content="width=device-width"><title>A site</title>
          <script type="module" src="https://store.example/widget.js"></script>
          <purr-wall item="cat"></purr-wall><purr-wall item="two-cats"></purr-wall>
          <script>const wallet = {
            enable: async () => {},
            sendPayment: async (bolt11) => ({ preimage: await window.payFromNode(bolt11) }),
          };${script}</script>`,
      );
    await page('none', '');
    await page('given', `document.addEventListener('purr-wall:wallet', ({ detail }) => detail.provide(wallet))`);
    await page('plain', `document.addEventListener('purrwallwallet', ({ detail }) => detail.provide(wallet))`);
    await page(
      'connects',
      `window.asked = 0;
      document.addEventListener('purr-wall:wallet', ({ detail }) => detail.provide(async () => {
        window.asked += 1;
        if (window.asked === 1) throw new Error('the window was closed');
        return wallet;
      }))`,
    );
    await page(
      'by-itself',
      `addEventListener('load', () => document.querySelector('purr-wall').buy());
      document.addEventListener('purr-wall:wallet', ({ detail }) => detail.provide(wallet))`,
    );
    site = await world.site(store, pages);
    examples = await world.site(store);
  });

  /** A visitor whose wallet does with an invoice what `pay` does. */
  async function visit(url, pay = (bolt11) => network.alice.pay(bolt11), settings = {}) {
    const page = await newVisitor(browser, settings);
    await page.context().exposeFunction('payFromNode', pay);
    await page.goto(url);
    return page;
  }

  /** The same for a wallet that the browser has. */
  async function visitWithWallet(url, pay) {
    const page = await newVisitor(browser);
    await page.clock.install();
    await page.context().exposeFunction('payFromNode', pay);
    await page.context().addInitScript(() => {
      window.webln = {
        enable: async () => {},
        sendPayment: async (bolt11) => ({ preimage: await window.payFromNode(bolt11) }),
      };
    });
    await page.goto(url);
    return page;
  }

  const wall = (page, item) => page.locator(`purr-wall[item="${item}"]`);

  /** Presses the button, also where it says that it does nothing now. */
  const press = (page) => page.getByTestId('pay-webln').click({ force: true });

  for (const name of ['given', 'plain']) {
    test(`the page gives one to all its elements (${name})`, async () => {
      const page = await visit(`${site.url}${name}.html`);
      for (const item of ['cat', 'two-cats']) {
        const element = wall(page, item);
        await element.getByTestId('buy').click();
        await element.getByTestId('pay-webln').click();
        await element.getByTestId('content').waitFor();
        assert.equal(await element.getByTestId('connect').count(), 0);
      }
    });
  }

  test('an element has one of the site’s own', async () => {
    const page = await newVisitor(browser);
    await page.route('**/pay', async (route) => {
      const preimage = await network.alice.pay(route.request().postData());
      await route.fulfill({ json: { preimage } });
    });
    await page.goto(`${examples.url}wallet.html`);
    await page.getByTestId('buy').click();
    await page.getByTestId('pay-webln').click();
    await seesTheGoods(page, store, 'two-cats');
  });

  test('without a listener there is nothing to connect', async () => {
    const page = await visit(`${site.url}none.html`);
    await wall(page, 'cat').getByTestId('buy').click();
    await wall(page, 'cat').getByTestId('qr').waitFor();
    assert.equal(await page.getByTestId('connect').count(), 0);
  });

  test('a site’s function connects one when the buyer asks for it, once for the page', async () => {
    const page = await visit(`${site.url}connects.html`);
    const cat = wall(page, 'cat');
    await cat.getByTestId('buy').click();
    await cat.getByTestId('connect').waitFor();
    await assertAccessible(page, 'purr-wall');
    await takePictures(page, 'wallet-connect');
    assert.equal(await page.evaluate(() => window.asked), 0, 'nothing is loaded before');
    await cat.getByTestId('connect').click();
    await cat.getByText('Your wallet did not pay: the window was closed').waitFor();
    await cat.getByTestId('connect').click();
    await cat.getByTestId('connect').waitFor({ state: 'detached' });
    assert.equal(await cat.getByTestId('content').count(), 0, 'connecting pays nothing');
    await takePictures(page, 'wallet-connected');
    // The focus is where the buyer goes on.
    await page.keyboard.press('Enter');
    await cat.getByTestId('content').waitFor();

    await wall(page, 'two-cats').getByTestId('buy').click();
    await wall(page, 'two-cats').getByTestId('pay-webln').click();
    await wall(page, 'two-cats').getByTestId('content').waitFor();
    assert.equal(await page.evaluate(() => window.asked), 2);
  });

  test('a wallet that hangs is not told again, not by another tab and not after a reload', async () => {
    let told = 0;
    const page = await visitWithWallet(store.url, () => {
      told += 1;
      return new Promise(() => {});
    });
    const bolt11 = await buy(page, 'cat');
    const other = await page.context().newPage();
    await other.goto(store.url);
    assert.equal(await shownInvoice(other), bolt11);

    await page.getByTestId('pay-webln').click();
    await page.getByText('Your wallet is paying…').waitFor();
    await until('the wallet to be told', () => told === 1);
    await page.clock.fastForward(PATIENCE_MS);
    await page.getByText(SILENT).waitFor();
    await assertAccessible(page);
    await takePictures(page, 'wallet-silent');
    await press(page);
    await other.getByTestId('pay-webln').click();
    await other.getByText(SILENT).waitFor();
    await page.reload();
    await page.getByText(SILENT).waitFor();
    await press(page);
    assert.equal(await shownInvoice(page), bolt11, 'a phone may pay the same invoice');
    assert.equal(told, 1);

    await network.alice.pay(bolt11);
    await seesTheGoods(page, store, 'cat');
    await seesTheGoods(other, store, 'cat');
  });

  test('a store that no longer answers leads to no second invoice while a wallet may pay', async () => {
    const page = await visitWithWallet(store.url, () => new Promise(() => {}));
    const bolt11 = await buy(page, 'cat');
    await page.getByTestId('pay-webln').click();
    await page.route('**/api/v1/invoice?*', (route) =>
      route.fulfill({
        status: 404,
        contentType: 'application/problem+json',
        json: { type: 'about:blank', title: 'gone', status: 404, code: 'unknown-invoice', detail: 'gone' },
      }),
    );
    await page.reload();
    await page.getByTestId('in-flight').waitFor();
    await assertAccessible(page);
    await takePictures(page, 'wallet-in-flight');
    assert.equal(await page.getByTestId('start-over').count(), 0);
    await network.alice.pay(bolt11);
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    await page.getByTestId('retry').click();
    await seesTheGoods(page, store, 'cat');
  });

  test('an invoice that a wallet left unpaid is replaced once lightningd says that it expired', async () => {
    const told = [];
    const page = await visitWithWallet(hastyStore.url, (bolt11) => {
      told.push(bolt11);
      return told.length === 1 ? new Promise(() => {}) : network.alice.pay(bolt11);
    });
    const first = await buy(page, 'cat');
    await page.getByTestId('pay-webln').click();
    await page.getByTestId('new-invoice').click();
    const second = await shownInvoice(page);
    assert.notEqual(second, first);
    await assert.rejects(network.alice.pay(first), 'lightningd takes no payment after the end');
    await page.getByTestId('pay-webln').click();
    await seesTheGoods(page, hastyStore, 'cat');
    assert.deepEqual(told, [first, second]);
  });

  test('two dozen purchases with silent and late wallets are each paid once', async () => {
    const paid = async () => {
      const { invoices } = await network.store.call('listinvoices');
      return invoices.filter(({ status }) => status === 'paid').length;
    };
    const before = await paid();
    for (let run = 0; run < RUNS; run += 1) {
      const late = [];
      let told = 0;
      // What the wallet does: nothing; pay when it is too late to say so; fail, and pay all the same.
      const habit = run % 3;
      const page = await visitWithWallet(store.url, (bolt11) => {
        told += 1;
        if (habit > 0) late.push(() => network.alice.pay(bolt11).catch(() => {}));
        if (habit < 2) return new Promise(() => {});
        throw new Error('the relay does not answer');
      });
      const bolt11 = await buy(page, 'cat');
      await page.getByTestId('pay-webln').click();
      await until('the wallet to be told', () => told > 0);
      // What the buyer does meanwhile.
      switch (run % 4) {
        case 0:
          await page.clock.fastForward(PATIENCE_MS);
          break;
        case 1:
          await page.reload();
          break;
        case 2:
          await page.getByTestId('close').click();
          await page.getByTestId('item-cat').getByTestId('buy').click();
          break;
        default:
          await press(page);
      }
      assert.equal(await shownInvoice(page), bolt11, 'there is one invoice');
      const payments = late.map((pay) => pay());
      // The code is paid by phone at the same time, and one of the payments is refused.
      if (habit === 0 || run % 2) payments.push(network.bob.pay(bolt11).catch(() => {}));
      await Promise.all(payments);
      await seesTheGoods(page, store, 'cat');
      await page.context().close();
    }
    assert.equal((await paid()) - before, RUNS);
  });

  test('a buyer who allows it buys with one click, up to the limits', async () => {
    let told = 0;
    const page = await visitWithWallet(store.url, (bolt11) => {
      told += 1;
      return network.alice.pay(bolt11);
    });
    const price = await priceOf('cat');
    const item = page.getByTestId('item-cat');
    await buy(page, 'cat');
    assert.equal(await item.getByTestId('one-click').count(), 0, 'it is off');
    await item.getByTestId('pay-webln').click();
    await seesTheGoods(page, store, 'cat');
    const form = item.getByTestId('one-click');
    await form.getByText('Next time, buy with one click').click();
    await takePictures(page, 'one-click');
    const [purchase, day] = await form.getByRole('spinbutton').all();
    const wrong = 'Whole numbers from 1 to 1,000,000, a day’s no lower than a purchase’s.';
    for (const [first, second, field] of [
      ['0', '2000', purchase],
      ['1.5', '2000', purchase],
      ['500', '1000001', day],
      ['500', '499', day],
    ]) {
      await purchase.fill(first);
      await day.fill(second);
      await form.getByText('Save').click();
      assert.equal(await field.evaluate((input) => input.validationMessage), wrong);
    }
    assert.equal(await page.evaluate(() => localStorage.getItem('purrwall-allowance')), null);
    // Two more purchases fit into the day.
    await purchase.fill(String(price));
    await day.fill(String(2 * price));
    await form.getByText('Save').click();
    await form.getByTestId('one-click-off').waitFor();
    await assertAccessible(page);
    await takePictures(page, 'one-click-on');

    for (let bought = 1; bought <= 2; bought += 1) {
      await item.getByTestId('buy-again').click();
      await item.getByTestId('buy').click();
      await item.getByTestId('content').waitFor();
      assert.equal(told, 1 + bought);
    }
    await page.reload();
    await item.getByTestId('content').waitFor();
    await item.getByTestId('buy-again').click();
    await item.getByTestId('buy').click();
    await item.getByText('This is above your limit for one click.').waitFor();
    await takePictures(page, 'one-click-above');
    assert.equal(told, 3, 'nothing is paid above the limit');
    await item.getByTestId('pay-webln').click();
    await item.getByTestId('content').waitFor();
    assert.equal(told, 4);
    await item.getByTestId('one-click').getByText('Next time, buy with one click').click();
    assert.equal(await item.getByRole('spinbutton').first().inputValue(), String(price));
    await item.getByTestId('one-click-off').click();
    await item.getByTestId('one-click-off').waitFor({ state: 'detached' });
    assert.equal(await page.evaluate(() => localStorage.getItem('purrwall-allowance')), null);
  });

  test('two tabs never spend more than the day’s limit', async () => {
    let told = 0;
    const page = await visitWithWallet(store.url, (bolt11) => {
      told += 1;
      return network.alice.pay(bolt11);
    });
    const other = await page.context().newPage();
    await other.goto(store.url);
    const [cat, twoCats] = [await priceOf('cat'), await priceOf('two-cats')];
    const most = Math.max(cat, twoCats);
    const tabs = [page, other];
    for (let round = 1; round <= 5; round += 1) {
      // Where no program runs that may still write, and once both tabs have the same storage again.
      await Promise.all(tabs.map((tab) => tab.goto(new URL('buy', store.url).href)));
      const limit = `${most} ${most} 0 0`;
      await page.evaluate((limit) => {
        localStorage.clear();
        localStorage.setItem('purrwall-allowance', limit);
      }, limit);
      const kept = () => JSON.stringify({ ...localStorage });
      await until('the other tab to see it', async () => {
        const [one, two] = await Promise.all(tabs.map((tab) => tab.evaluate(kept)));
        return one === two && one === JSON.stringify({ 'purrwall-allowance': limit });
      });
      await Promise.all(tabs.map((tab) => tab.goto(store.url)));
      await Promise.all([
        page.getByTestId('item-cat').getByTestId('buy').click(),
        other.getByTestId('item-two-cats').getByTestId('buy').click(),
      ]);
      const above = (tab) => tab.getByText('This is above your limit for one click.').count();
      const bought = (tab) => tab.getByTestId('content').count();
      await until('both tabs to come to an end', async () => {
        const [a, b, c, d] = await Promise.all([above(page), above(other), bought(page), bought(other)]);
        return a + c > 0 && b + d > 0;
      });
      assert.equal(told, round, 'one of the two is paid at once');
    }
  });

  test('a script of the page presses nothing', async () => {
    const page = await newVisitor(browser);
    let told = 0;
    await page.context().exposeFunction('payFromNode', (bolt11) => {
      told += 1;
      return network.alice.pay(bolt11);
    });
    await page.context().addInitScript(() => {
      localStorage.setItem('purrwall-allowance', '1000 1000 0 0');
      // What the test asks the page counts as a press to the browser, a few seconds long.
      Object.defineProperty(navigator, 'userActivation', { value: { isActive: false } });
    });
    await page.goto(`${site.url}by-itself.html`);
    const cat = wall(page, 'cat');
    await cat.getByTestId('qr').waitFor();
    await cat.getByTestId('pay-webln').waitFor();
    assert.equal(told, 0);
    await cat.getByTestId('pay-webln').click();
    await cat.getByTestId('content').waitFor();
    assert.equal(told, 1);
  });

  async function priceOf(item) {
    const { items } = await (await fetch(new URL('api/v1/store', store.url))).json();
    return items.find(({ id }) => id === item).price_msat / 1000;
  }
});
