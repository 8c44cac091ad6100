// <purr-wall> on pages of another origin: each page of frontend/pages, and what a site does with
// the element from its scripts. Where something is bought, it is paid over the network.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { installWallet, newVisitor, scan, takePictures } from '../browser.mjs';
import { root } from '../server.mjs';
import { openStore } from '../store.mjs';
import { seesTheGoods, shownInvoice } from '../story.mjs';
import { until } from '../until.mjs';
import { setUp } from '../world.mjs';

const EVENTS = ['purr-wall:invoice', 'purr-wall:paid', 'purr-wall:content', 'purr-wall:error'];

describe('the widget', () => {
  let network, store, site, browser;

  setUp(async (world) => {
    ({ network, browser, store } = await world.shop());
    site = await world.site(store);
  });

  /** A new visitor on one of the site's pages, whose events are kept in `window.told`. */
  async function visit(path, { prepare } = {}) {
    const page = await newVisitor(browser);
    await page.addInitScript((names) => {
      window.told = [];
      for (const name of names) {
        addEventListener(name, ({ detail, target }) => {
          const { blob, ...rest } = detail;
          window.told.push({ name, target: target.id, detail: blob ? { ...rest, blobSize: blob.size } : rest });
        });
      }
    }, EVENTS);
    await prepare?.(page);
    await page.goto(new URL(path, site.url).href);
    return page;
  }

  const told = (page, name) =>
    page.evaluate((name) => window.told.filter((event) => event.name === name), name);

  /** Waits until the site was told, and gives the details. */
  async function hears(page, name) {
    await page.waitForFunction((name) => window.told.some((event) => event.name === name), name);
    return (await told(page, name)).at(-1).detail;
  }

  async function buy(scope) {
    await scope.getByTestId('buy').click();
    return shownInvoice(scope);
  }

  test('sells from another origin, and tells the site', async () => {
    const page = await visit('one.html');
    await page.getByTestId('buy').waitFor();
    await takePictures(page, 'widget-offer');
    const bolt11 = await buy(page);
    await takePictures(page, 'widget-invoice');
    assert.equal(await scan(page.getByTestId('qr')), `LIGHTNING:${bolt11.toUpperCase()}`);
    const invoice = await hears(page, 'purr-wall:invoice');
    assert.equal(invoice.bolt11, bolt11);
    assert.equal(invoice.amount_msat, 100_000);
    assert.ok(invoice.expires_at > Date.now() / 1000);
    assert.equal(await state(page), 'awaiting-payment');

    const preimage = await network.alice.pay(bolt11);
    await seesTheGoods(page, store, 'two-cats');
    await takePictures(page, 'widget-paid');
    assert.equal(await state(page), 'delivered');

    const { receipt } = await hears(page, 'purr-wall:paid');
    const content = await hears(page, 'purr-wall:content');
    assert.deepEqual(receipt, {
      bolt11,
      preimage,
      item: 'two-cats',
      sha256: content.sha256,
      size: content.blobSize,
    });
    assert.equal(sha256(Buffer.from(preimage, 'hex')), invoice.payment_hash);
    assert.equal(sha256(content.text), content.sha256);
    assert.equal(content.contentType, 'text/plain; charset=utf-8');
    const order = await page.evaluate(() => window.told.map(({ name }) => name));
    assert.deepEqual(order, ['purr-wall:invoice', 'purr-wall:paid', 'purr-wall:content']);
  });

  test('keeps the purchase over a reload of the site', async () => {
    const page = await visit('one.html');
    const bolt11 = await buy(page);
    await page.reload();
    assert.equal(await shownInvoice(page), bolt11);
    await network.alice.pay(bolt11);
    await seesTheGoods(page, store, 'two-cats');
    await page.reload();
    await seesTheGoods(page, store, 'two-cats');
  });

  test('pays with the wallet in the browser', async () => {
    const page = await visit('pinned.html', { prepare: (page) => installWallet(page, network.bob) });
    await buy(page);
    await page.getByTestId('pay-webln').click();
    await seesTheGoods(page, store, 'two-cats');
  });

  test('two on a page share the WebAssembly and nothing else', async () => {
    const loaded = [];
    const page = await visit('two.html', {
      prepare: (page) => page.on('request', (request) => loaded.push(new URL(request.url()).pathname)),
    });
    const [first, second] = [page.locator('#first'), page.locator('#second')];
    const bolt11 = await buy(first);
    const other = await buy(second);
    assert.notEqual(bolt11, other);
    await network.alice.pay(other);
    await second.getByTestId('content').waitFor();
    assert.equal(await first.getByTestId('content').count(), 0);
    assert.equal(await first.evaluate((element) => element.state), 'awaiting-payment');
    assert.equal((await told(page, 'purr-wall:paid')).map(({ target }) => target).join(), 'second');
    await network.alice.pay(bolt11);
    await first.getByTestId('content').waitFor();

    assert.equal(loaded.filter((path) => path.endsWith('_bg.wasm')).length, 1);
    assert.equal(loaded.filter((path) => /purrwall-widget-.*\.js$/.test(path)).length, 1);
  });

  test('loads nothing before it is near, and the WebAssembly when it is of interest', async () => {
    const page = await visit('far.html');
    await page.waitForLoadState('networkidle');
    assert.equal(await state(page), 'unloaded');
    assert.equal(await wasmCount(page), 0);
    await page.evaluate(() => document.querySelector('purr-wall').scrollIntoView());
    await page.getByTestId('buy').waitFor();
    assert.equal(await wasmCount(page), 0);
    await page.getByTestId('buy').hover();
    await until('the WebAssembly', async () => (await wasmCount(page)) === 1);

    const other = await visit('far.html');
    await other.evaluate(() => document.querySelector('purr-wall').buy());
    const bolt11 = await shownInvoice(other);
    await network.alice.pay(bolt11);
    await seesTheGoods(other, store, 'cat');
  });

  test('is not hurt by hostile style sheets, and hurts no one', async () => {
    const plain = await visit('one.html');
    const page = await visit('hostile.html');
    const looks = (page) =>
      page.getByTestId('buy').evaluate((button) => {
        const { display, fontSize, letterSpacing, color, direction, lineHeight, height } = getComputedStyle(button);
        return { display, fontSize, letterSpacing, color, direction, lineHeight, height };
      });
    await Promise.all([plain, page].map((page) => page.getByTestId('buy').waitFor()));
    assert.deepEqual(await looks(page), await looks(plain));

    const before = await page.evaluate(mine);
    const bolt11 = await buy(page);
    assert.equal(await scan(page.getByTestId('qr')), `LIGHTNING:${bolt11.toUpperCase()}`);
    await takePictures(page, 'widget-hostile');
    await network.alice.pay(bolt11);
    await seesTheGoods(page, store, 'two-cats');
    assert.equal(await page.evaluate(mine), before, 'the widget changed the style of the page');

    /** The look of a button and a paragraph of the site's own. */
    function mine() {
      const looks = ['button', 'p', 'dialog'].map((name) => {
        const element = document.body.appendChild(document.createElement(name));
        const look = [...getComputedStyle(element)].map((key) => getComputedStyle(element)[key]).join();
        element.remove();
        return look;
      });
      return looks.join('\n');
    }
  });

  test('sells under a strict Content-Security-Policy', async () => {
    const page = await visit('csp.html', {
      prepare: (page) =>
        page.addInitScript(() => {
          window.violations = [];
          addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
            window.violations.push(`${violatedDirective} ${blockedURI}`),
          );
        }),
    });
    const bolt11 = await buy(page);
    const radius = await page.locator('.wall').evaluate((wall) => getComputedStyle(wall).borderRadius);
    assert.equal(radius, '20px', 'the style sheet is not in force');
    await page.getByTestId('copy').click();
    await network.alice.pay(bolt11);
    await seesTheGoods(page, store, 'two-cats');
    assert.deepEqual(await page.evaluate(() => window.violations), []);
  });

  test('sells in a frame that may not store anything, and says so', async () => {
    const page = await visit('frame.html');
    const frame = page.frameLocator('iframe');
    const bolt11 = await buy(frame);
    await frame.getByTestId('not-kept').waitFor();
    await frame.locator('purr-wall').evaluate((wall) => {
      wall.remove();
      setTimeout(() => document.body.append(wall), 50);
    });
    assert.equal(await shownInvoice(frame), bolt11, 'the purchase was lost with the element');
    await network.alice.pay(bolt11);
    await seesTheGoods(frame, store, 'two-cats');
    await frame.getByTestId('not-kept').waitFor();
    await takePictures(page, 'widget-frame');
  });

  test("sells in another site's page where frames may store nothing", async () => {
    const page = await visit('one.html', {
      prepare: (page) =>
        page.addInitScript(() => {
          if (window === top) return;
          Object.defineProperty(window, 'localStorage', {
            get() {
              throw new DOMException('third parties may not', 'SecurityError');
            },
          });
        }),
    });
    // Not localhost, where the page is.
    const framed = new URL('one.html', site.url.replace('localhost', '127.0.0.1')).href;
    await page.evaluate((src) => {
      const frame = Object.assign(document.createElement('iframe'), { src, title: 'Another site' });
      frame.style = 'width: 40rem; height: 50rem';
      document.body.replaceChildren(frame);
    }, framed);
    const frame = page.frameLocator('iframe');
    const bolt11 = await buy(frame);
    await frame.getByTestId('not-kept').waitFor();
    await network.alice.pay(bolt11);
    await seesTheGoods(frame, store, 'two-cats');
    await frame.getByTestId('not-kept').waitFor();
  });

  test('takes no script but the one that the site has seen', async () => {
    const page = await visit('sri.html');
    await network.alice.pay(await buy(page));
    await seesTheGoods(page, store, 'cat');

    const tampered = await visit('sri.html', { prepare: (page) => tamper(page, '**/widget.js') });
    await tampered.waitForLoadState('networkidle');
    assert.equal(await tampered.evaluate(() => customElements.get('purr-wall')), undefined);
    assert.ok(await tampered.getByRole('link', { name: 'Buy a cat' }).isVisible());
  });

  for (const [what, files] of [
    ['WebAssembly', '**/*_bg.wasm'],
    ['glue', '**/purrwall-widget-*.js'],
    ['style', '**/wall-*.css'],
  ]) {
    test(`keeps its own content where the ${what} was tampered with`, async () => {
      const page = await visit('one.html', { prepare: (page) => tamper(page, files) });
      await page.evaluate(() => document.querySelector('purr-wall').buy());
      const { code } = await hears(page, 'purr-wall:error');
      assert.equal(code, 'load-failed');
      // Without its style, it failed to draw the offer, and now fails again.
      await until('the end of it', async () => (await state(page)) === 'unavailable');
      assert.ok(await page.getByRole('link', { name: 'Buy two cats' }).isVisible());
      assert.equal(await page.getByTestId('buy').count(), 0);
      const told = () => page.evaluate(() => document.querySelector('purr-wall').shadowRoot.textContent);
      assert.match(await told(), /has a wrong hash/);
    });
  }

  test('names an attribute that it does not have on the console', async () => {
    const warnings = [];
    await visit('one.html', {
      prepare: async (page) => {
        page.on('console', (message) => warnings.push(message.text()));
        await page.addInitScript(() => {
          document.addEventListener('DOMContentLoaded', () => {
            const wall = document.createElement('purr-wall');
            wall.setAttribute('store', 'https://store.example');
            wall.setAttribute('data-mine', '');
            document.body.append(wall);
          });
        });
      },
    });
    await until('a warning', () => warnings.some((text) => text.includes('no attribute store')));
    assert.ok(!warnings.some((text) => text.includes('data-mine')), warnings.join());
  });

  test('two of one item that buy in one tick make one invoice', async () => {
    const page = await visit('one.html');
    await page.getByTestId('buy').waitFor();
    await page.evaluate(() => {
      const wall = document.querySelector('purr-wall');
      wall.after(wall.cloneNode(true));
    });
    await page.getByTestId('buy').nth(1).waitFor();
    const count = async () => (await network.store.call('listinvoices')).invoices.length;
    const before = await count();
    await page.evaluate(() => document.querySelectorAll('purr-wall').forEach((wall) => wall.buy()));
    await page.getByTestId('bolt11').nth(1).waitFor();
    const shown = await page.getByTestId('bolt11').evaluateAll((all) => all.map((one) => one.dataset.bolt11));
    assert.equal(shown[0], shown[1]);
    assert.equal(await count(), before + 1);
  });

  test('keeps its own content where there is no JavaScript', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(new URL('one.html', site.url).href);
    const link = page.getByRole('link', { name: 'Buy two cats' });
    await link.click();
    assert.equal(page.url(), new URL('buy/two-cats', store.url).href);
    await page.getByText('Two cats').first().waitFor();
    await context.close();
  });

  test('tries again after the network was away', async () => {
    const page = await visit('one.html', {
      prepare: (page) => page.route('**/*_bg.wasm', (route) => route.abort(), { times: 1 }),
    });
    await page.evaluate(() => document.querySelector('purr-wall').buy());
    await hears(page, 'purr-wall:error');
    await page.evaluate(() => document.querySelector('purr-wall').buy());
    await network.alice.pay(await shownInvoice(page));
    await seesTheGoods(page, store, 'two-cats');
  });

  test('opens a dialog, whose end does not end the purchase', async () => {
    const page = await visit('dialog.html');
    await page.getByTestId('open').getByText('Two cats – 100 sat').waitFor();
    assert.ok(!(await page.getByTestId('dialog').isVisible()));
    await page.getByTestId('open').click();
    const bolt11 = await shownInvoice(page);
    await takePictures(page, 'widget-dialog');
    assert.ok(await page.getByTestId('dialog').evaluate((dialog) => dialog.matches(':modal')));

    await page.keyboard.press('Escape');
    await page.getByTestId('dialog').waitFor({ state: 'hidden' });
    assert.equal(await state(page), 'awaiting-payment');
    await page.getByTestId('open').click();
    assert.equal(await shownInvoice(page), bolt11);
    await page.getByTestId('close-dialog').click();
    await network.alice.pay(bolt11);
    await hears(page, 'purr-wall:content');
    // What was bought is not offered again.
    await page.getByTestId('open').getByText('Two cats – Open').waitFor();
    await page.reload();
    await page.getByTestId('open').getByText('Two cats – Open').click();
    await seesTheGoods(page, store, 'two-cats');
    await page.evaluate(() => document.querySelector('purr-wall').reset());
    await page.getByTestId('open').getByText('Two cats – 100 sat').waitFor({ state: 'attached' });
  });

  test("shows the site's own markup before and after", async () => {
    const page = await visit('slots.html');
    await page.waitForFunction(() => document.querySelector('purr-wall').state === 'idle');
    assert.ok(!(await page.getByTestId('buy').isVisible()), 'our own offer is shown, too');
    assert.ok(!(await page.getByText('on their way to your inbox').isVisible()));
    await page.getByRole('button', { name: 'Have them' }).click();
    await network.alice.pay(await shownInvoice(page));
    await page.getByText('on their way to your inbox').waitFor({ state: 'visible' });
    const { text } = await hears(page, 'purr-wall:content');
    assert.ok(text.length > 0);
    assert.ok(!(await page.getByTestId('content').isVisible()), 'the content is shown, too');
  });

  test('leaves the content to a site that takes it', async () => {
    const page = await visit('events.html');
    await network.alice.pay(await buy(page));
    const { text, sha256: promised } = await hears(page, 'purr-wall:content');
    assert.equal(await page.locator('#mine').evaluate((pre) => pre.textContent), text);
    assert.equal(sha256(text), promised);
    await page.waitForFunction(() => document.querySelector('purr-wall').state === 'delivered');
    await page.getByTestId('paid').waitFor();
    assert.equal(await page.getByTestId('content').count(), 0);
  });

  test("takes on the site's style", async () => {
    const page = await visit('style.html');
    const button = page.getByTestId('buy');
    await button.waitFor();
    const look = await button.evaluate((button) => {
      const { backgroundColor, textTransform } = getComputedStyle(button);
      return { backgroundColor, textTransform };
    });
    assert.deepEqual(look, { backgroundColor: 'rgb(11, 110, 79)', textTransform: 'uppercase' });
    const wall = page.locator('.wall');
    const isRound = () =>
      wall.evaluate((wall) => {
        const all = [wall, ...wall.querySelectorAll('*')];
        const round = all.filter((element) => getComputedStyle(element).borderStartStartRadius !== '0px');
        return round.map((element) => element.className);
      });
    assert.deepEqual(await isRound(), []);
    assert.equal(await wall.evaluate((wall) => getComputedStyle(wall).width), '384px');
    const ground = () => wall.evaluate((wall) => getComputedStyle(wall).backgroundColor);
    const light = await ground();
    await page.emulateMedia({ colorScheme: 'dark' });
    assert.equal(await ground(), light, 'theme="light" follows the system');
    await set(page, { theme: 'auto' });
    await page.waitForFunction((light) => {
      const wall = document.querySelector('purr-wall').shadowRoot.querySelector('.wall');
      return getComputedStyle(wall).backgroundColor !== light;
    }, light);
    const bolt11 = await buy(page);
    assert.deepEqual(await isRound(), []);
    await takePictures(page, 'widget-style');
    await network.alice.pay(bolt11);
    await page.getByTestId('content').waitFor();
    assert.deepEqual(await isRound(), []);
    await set(page, { mode: 'dialog' });
    const radius = (shut) => getComputedStyle(shut).borderRadius;
    assert.equal(await page.getByTestId('close-dialog').evaluate(radius), '0px');
  });

  test('survives being moved, taken out and put back', async () => {
    const page = await visit('one.html');
    const bolt11 = await buy(page);
    const asked = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.evaluate(() => {
      const wall = document.querySelector('purr-wall');
      wall.shadowRoot.querySelector('.wall').sameWall = true;
      document.body.prepend(wall);
      document.body.append(wall);
      document.body.moveBefore?.(wall, document.querySelector('h1'));
    });
    const same = () => document.querySelector('purr-wall').shadowRoot.querySelector('.wall').sameWall;
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 50)));
    assert.equal(await page.evaluate(same), true, 'a move made another wall');
    assert.equal(asked.filter((url) => url.endsWith('/invoices')).length, 0);

    await page.evaluate(async () => {
      window.wall = document.querySelector('purr-wall');
      window.wall.remove();
      await new Promise((resolve) => setTimeout(resolve, 50));
    });
    assert.equal(await page.evaluate(() => window.wall.state), 'unloaded');
    await page.evaluate(() => document.body.append(window.wall));
    assert.equal(await shownInvoice(page), bolt11);
    await network.alice.pay(bolt11);
    await seesTheGoods(page, store, 'two-cats');
  });

  test('another item is another purchase, and the old one is kept', async () => {
    const page = await visit('one.html');
    const cats = await buy(page);
    await set(page, { item: 'cat' });
    await page.waitForFunction(() => document.querySelector('purr-wall').state === 'idle');
    const cat = await buy(page);
    assert.notEqual(cat, cats);
    await network.alice.pay(cat);
    await seesTheGoods(page, store, 'cat');
    await set(page, { item: 'two-cats' });
    assert.equal(await shownInvoice(page), cats);
  });

  test('hides an invoice at once that the site no longer allows', async () => {
    const page = await visit('one.html');
    const bolt11 = await buy(page);
    await set(page, { 'max-sat': '99' });
    await page.getByTestId('refused').waitFor();
    assert.equal(await page.getByTestId('qr').count(), 0);
    assert.equal((await hears(page, 'purr-wall:error')).code, 'refused-amount');
    await set(page, { 'max-sat': '100' });
    assert.equal(await shownInvoice(page), bolt11);

    const { id } = await network.alice.call('getinfo');
    await set(page, { payee: id });
    await page.getByTestId('refused').waitFor();
    assert.match(await page.getByTestId('refused').textContent(), new RegExp(id));
    assert.equal((await hears(page, 'purr-wall:error')).code, 'refused-payee');
    assert.equal(await state(page), 'refused');
    const { id: own } = await network.store.call('getinfo');
    await set(page, { payee: `${id} ${own}` });
    await network.alice.pay(await shownInvoice(page));
    await seesTheGoods(page, store, 'two-cats');
  });

  test('names what is wrong with its attributes', async () => {
    const page = await visit('one.html');
    await page.getByTestId('buy').waitFor();
    for (const [name, value] of [
      ['item', 'No Cat'],
      ['gateway', 'store'],
      ['payee', '03ab'],
      ['max-sat', 'cheap'],
      ['theme', 'pink'],
      ['mode', 'popup'],
    ]) {
      const before = await page.evaluate((name) => document.querySelector('purr-wall').getAttribute(name), name);
      await set(page, { [name]: value });
      await page.waitForFunction(() => document.querySelector('purr-wall').state === 'invalid');
      const { code, message } = (await told(page, 'purr-wall:error')).at(-1).detail;
      assert.equal(code, 'invalid-attribute');
      assert.ok(message.includes(`${name}="${value}"`), message);
      assert.ok((await page.getByTestId('failed').textContent()).includes(message));
      await set(page, { [name]: before });
      await page.getByTestId('buy').waitFor();
    }
    await set(page, { item: 'no-such-cat' });
    await page.getByText('no-such-cat').waitFor();
    assert.equal((await told(page, 'purr-wall:error')).at(-1).detail.code, 'unknown-item');
  });

  test('its properties are its attributes', async () => {
    const page = await visit('one.html');
    const found = await page.evaluate(() => {
      const wall = document.createElement('purr-wall');
      Object.assign(wall, { item: 'cat', gateway: 'https://a.example', payee: '02', maxSat: 7 });
      Object.assign(wall, { theme: 'dark', lang: 'en', mode: 'dialog' });
      const written = wall.outerHTML;
      wall.maxSat = null;
      return { written, item: wall.item, maxSat: wall.maxSat, state: wall.state };
    });
    assert.equal(
      found.written,
      '<purr-wall item="cat" gateway="https://a.example" payee="02" max-sat="7" theme="dark" lang="en" mode="dialog"></purr-wall>',
    );
    assert.deepEqual([found.item, found.maxSat, found.state], ['cat', null, 'unloaded']);
  });

  test('properties that were set before the script came count', async () => {
    const page = await visit('one.html', {
      prepare: (page) =>
        page.addInitScript(() => {
          document.addEventListener('readystatechange', () => {
            const wall = document.querySelector('purr-wall');
            if (wall && !customElements.get('purr-wall')) wall.item = 'cat';
          });
        }),
    });
    await network.alice.pay(await buy(page));
    await seesTheGoods(page, store, 'cat');
  });

  test('starts over on demand, and keeps an invoice that can still be paid', async () => {
    const page = await visit('one.html');
    const bolt11 = await buy(page);
    const reset = () => page.evaluate(() => document.querySelector('purr-wall').reset());
    await reset();
    await page.getByTestId('buy').waitFor();
    assert.equal(await buy(page), bolt11);
    await network.alice.pay(bolt11);
    await seesTheGoods(page, store, 'two-cats');
    await reset();
    assert.notEqual(await buy(page), bolt11);
  });

  test('works with the gateway that its attribute names', async () => {
    const other = await openStore(network);
    try {
      const page = await visit('one.html');
      await page.getByTestId('buy').waitFor();
      await set(page, { gateway: other.url });
      const request = page.waitForRequest((request) => request.url().endsWith('/invoices'));
      await page.waitForFunction(() => document.querySelector('purr-wall').state === 'idle');
      const bolt11 = await buy(page);
      assert.ok((await request).url().startsWith(other.url));
      await network.alice.pay(bolt11);
      await seesTheGoods(page, other, 'two-cats');
    } finally {
      await other.stop();
    }
  });

  test('its manifest says what it has', async () => {
    const manifest = JSON.parse(await readFile(join(root, 'frontend/npm/custom-elements.json')));
    const [{ attributes, members, events, cssParts, cssProperties, slots, tagName }] =
      manifest.modules[0].declarations;
    assert.equal(tagName, 'purr-wall');
    const names = (list) => list.map(({ name }) => name).sort();

    const page = await visit('one.html');
    await page.getByTestId('buy').waitFor();
    const found = await page.evaluate(() => {
      const element = customElements.get('purr-wall');
      const own = Object.getOwnPropertyNames(element.prototype);
      return {
        attributes: element.observedAttributes,
        members: own.filter((name) => !/constructor|Callback$/.test(name)),
      };
    });
    assert.deepEqual(names(attributes), found.attributes.sort());
    assert.deepEqual(names(members), found.members.sort());
    assert.deepEqual(names(events), [...EVENTS, 'purr-wall:wallet'].sort());

    const source = async (...paths) =>
      (await Promise.all(paths.map((path) => readFile(join(root, 'frontend', path), 'utf8')))).join('\n');
    const css = await source('../shared/looks/wall.css');
    for (const { name } of cssProperties) {
      assert.ok(css.includes(`  ${name}: `), `${name} is not in wall.css`);
    }
    const parts = new Set();
    const collect = async () => {
      const found = await page.evaluate(() =>
        [...document.querySelector('purr-wall').shadowRoot.querySelectorAll('[part]')].flatMap(({ part }) => [...part]),
      );
      found.forEach((part) => parts.add(part));
    };
    await collect();
    await set(page, { 'max-sat': '1' });
    await page.getByTestId('buy').click();
    await page.getByTestId('refused').waitFor();
    await collect();
    await set(page, { 'max-sat': null });
    const bolt11 = await shownInvoice(page);
    await collect();
    await network.alice.pay(bolt11);
    await page.getByTestId('content').waitFor();
    await collect();
    await set(page, { mode: 'dialog' });
    await page.getByTestId('open').waitFor();
    await collect();
    assert.deepEqual(names(cssParts), [...parts].sort());
    assert.deepEqual(names(slots), ['', 'locked', 'paid']);
  });

  test('the documentation shows the pages that are tested', async () => {
    const text = await readFile(join(root, 'docs/embedding.md'), 'utf8');
    const examples = [...text.matchAll(/^<!-- ((?:frontend\/pages|e2e\/sites)\/\S+) -->\n```\w+\n([^]*?)^```/gm)];
    assert.ok(examples.length >= 9, 'the examples are not marked with their pages');
    for (const [, path, example] of examples) {
      const page = await readFile(join(root, path), 'utf8');
      const plain = (text) => text.replace(/^\s+/gm, '').trim();
      assert.ok(plain(page).includes(plain(example)), `${path} does not hold its example`);
    }
  });
});

function state(page) {
  return page.evaluate(() => document.querySelector('purr-wall').state);
}

function set(page, attributes) {
  return page.evaluate((attributes) => {
    const wall = document.querySelector('purr-wall');
    for (const [name, value] of Object.entries(attributes)) {
      if (value === null) wall.removeAttribute(name);
      else wall.setAttribute(name, value);
    }
  }, attributes);
}

function wasmCount(page) {
  return page.evaluate(
    () => performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('_bg.wasm')).length,
  );
}

/** Lets someone between store and visitor add a byte to a file. */
function tamper(page, files) {
  return page.route(files, async (route) => {
    const response = await route.fetch();
    const body = Buffer.concat([await response.body(), Buffer.from('\n')]);
    await route.fulfill({ response, body });
  });
}

function sha256(data) {
  return createHash('sha256').update(data).digest('hex');
}
