// What visitors see who have not bought yet: an offer without the WebAssembly, which then takes over.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { assertAccessible } from '../axe.mjs';
import { newVisitor } from '../browser.mjs';
import { seesTheGoods, shownInvoice } from '../story.mjs';
import { until } from '../until.mjs';
import { setUp } from '../world.mjs';

/** An item of each kind, and what its file holds. */
const STORE = `
[[item]]
id = "box"
title = "A <b>box</b>"
teaser = "Who is inside?"
file = "story.txt"
price = "9.5 sat"
scene = "box"

[[item]]
id = "story"
title = "قصة"
teaser = "One that ends."
file = "story.txt"
price = "1234567 msat"
valid_for = "36h"

[[item]]
id = "sunset"
title = "Sunset"
teaser = "The sea at nine in the evening."
file = "sunset.png"
price = "0.25 USD"
scene = "preview"
button = "Take it home"
button_de = "Mitnehmen"

[[item]]
id = "sound"
title = "A sound"
file = "sound.mp3"
price = "2 sat"

[rates.USD]
fixed = 65000
`;

/** The smallest picture. */
const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

describe('an offer without the WebAssembly', () => {
  let network, store, shop, site, pages, browser;

  setUp(async (world) => {
    const dir = await world.folder();
    await sellEachKind(dir);
    ({ network, browser, store } = await world.shop());
    shop = await world.store(network, '--config', join(dir, 'purrwall.toml'));
    pages = await world.folder();
    site = await world.site(store, pages);
  });

  /** A new visitor of a page with such elements; `page.asked` holds the paths that it asked for. */
  async function visit(elements, { at = store, prepare } = {}) {
    const page = await newVisitor(browser);
    page.asked = [];
    page.on('request', (request) => page.asked.push(new URL(request.url()).pathname));
    await writeFile(
      join(pages, 'visited.html'),
      `<!doctype html><html lang="en"><title>A site</title>
        <script type="module" src="${new URL('widget.js', at.url)}"></script>${elements}`,
    );
    await prepare?.(page);
    await page.goto(new URL('visited.html', site.url).href);
    return page;
  }

  const isLoaded = (page) => page.asked.some((path) => path.endsWith('.wasm'));
  const wall = (page) => page.locator('purr-wall');
  const state = (page) => wall(page).evaluate((wall) => wall.state);

  /** Waits until what is drawn comes from the WebAssembly, which alone has live regions. */
  const takenOver = (page) => wall(page).locator('[aria-live]').first().waitFor({ state: 'attached' });

  for (const [mode, lang] of [['inline', 'en'], ['inline', 'ar'], ['dialog', 'de']]) {
    test(`is what the WebAssembly draws (${mode}, ${lang})`, async () => {
      for (const item of ['box', 'story', 'sunset', 'sound']) {
        const element = `<purr-wall item="${item}" lang="${lang}" mode="${mode}" theme="dark"></purr-wall>`;
        const page = await visit(element, { at: shop });
        const ready = wall(page).getByTestId(mode === 'dialog' ? 'open' : 'buy');
        await ready.waitFor();
        assert.equal(await state(page), 'idle');
        assert.ok(!isLoaded(page), 'the WebAssembly was fetched');
        const early = await drawn(page);
        await ready.hover();
        await takenOver(page);
        assert.deepEqual(await drawn(page), early);
        await page.context().close();
      }
    });
  }

  test('does not move when the WebAssembly takes over', async () => {
    const page = await visit('<purr-wall item="cat"></purr-wall><p id="below">Below</p>');
    const title = wall(page).getByRole('heading');
    await title.waitFor();
    const places = async () => [await title.boundingBox(), await page.locator('#below').boundingBox()];
    const before = await places();
    await title.hover();
    await takenOver(page);
    assert.deepEqual(await places(), before);
  });

  test('costs who does not buy neither glue nor WebAssembly, nor a word of another language', async () => {
    const page = await visit(
      ['cat', 'two-cats', 'cat'].map((item) => `<purr-wall item="${item}"></purr-wall>`).join(''),
    );
    await wall(page).getByTestId('buy').nth(2).waitFor();
    await page.waitForLoadState('networkidle');
    const kinds = page.asked.map((path) => path.replace(/-[0-9a-f]{16}/, '')).sort();
    assert.deepEqual(kinds, ['/api/v1/store', '/offer.js', '/visited.html', '/wall.css', '/widget.js']);
  });

  test('sells at a click out of nowhere', async () => {
    const page = await visit('<purr-wall item="cat"></purr-wall>', { prepare: slowly });
    await wall(page).getByTestId('buy').evaluate((button) => button.click());
    await wall(page).getByTestId('buy').getByText('Asking…').waitFor();
    const bolt11 = await shownInvoice(page);
    await network.alice.pay(bolt11);
    await seesTheGoods(page, store, 'cat');
  });

  test('sells at a press during which the WebAssembly comes', async () => {
    const page = await visit('<purr-wall item="cat"></purr-wall>');
    const buy = wall(page).getByTestId('buy');
    await buy.hover();
    await page.mouse.down();
    await until('the WebAssembly', () => isLoaded(page));
    await page.waitForLoadState('networkidle');
    assert.equal(await wall(page).locator('[aria-live]').count(), 0, 'the button was taken away under the finger');
    await page.mouse.up();
    await shownInvoice(page);
  });

  test('keeps the focus, and sells with the keyboard alone', async () => {
    const page = await visit('<purr-wall item="cat"></purr-wall>');
    await wall(page).getByTestId('buy').waitFor();
    await page.keyboard.press('Tab');
    await takenOver(page);
    const focused = () =>
      page.evaluate(() => document.querySelector('purr-wall').shadowRoot.activeElement?.dataset.test);
    await until('the focus', async () => (await focused()) === 'buy');
    await page.keyboard.press('Enter');
    await shownInvoice(page);
  });

  test('follows a purchase that another tab begins', async () => {
    const page = await visit('<purr-wall item="cat"></purr-wall>');
    await wall(page).getByTestId('buy').waitFor();
    const other = await page.context().newPage();
    await other.goto(page.url());
    await other.locator('purr-wall').evaluate((wall) => wall.buy());
    const bolt11 = await shownInvoice(other);
    assert.equal(await shownInvoice(page), bolt11);
  });

  test('is followed by the WebAssembly at once where the site wants it', async () => {
    const page = await visit('<purr-wall item="cat" load="eager"></purr-wall>');
    await takenOver(page);
  });

  test('follows its attributes', async () => {
    const page = await visit('<purr-wall item="cat"></purr-wall>');
    await wall(page).getByTestId('buy').waitFor();
    await wall(page).evaluate((wall) => {
      wall.item = 'two-cats';
      wall.lang = 'de';
    });
    await wall(page).getByRole('heading', { name: 'Two cats' }).waitFor();
    await wall(page).getByText('Kiste öffnen').waitFor();
    assert.ok(!isLoaded(page));
  });

  test('takes markup of the store’s for text', async () => {
    const page = await visit('<purr-wall item="cat"></purr-wall>', {
      prepare: (page) =>
        page.route('**/api/v1/store', async (route) => {
          const answer = await route.fetch();
          const list = await answer.json();
          for (const item of list.items) {
            item.title = item.teaser = '<img src=x onerror="window.hurt = true">';
          }
          await route.fulfill({ response: answer, json: list });
        }),
    });
    await wall(page).getByRole('heading', { name: '<img' }).waitFor();
    assert.equal(await wall(page).locator('img').count(), 0);
    assert.equal(await page.evaluate(() => window.hurt), undefined);
  });

  test('leaves it to the WebAssembly to say why there is none', async () => {
    const page = await visit('<purr-wall item="dog"></purr-wall>');
    await wall(page).getByText('The store has no item “dog”.').waitFor();
    const wrong = await visit('<purr-wall item="cat" theme="pink"></purr-wall>');
    await wall(wrong).getByText('This element is not set up').waitFor();
  });

  /** What an element shows. */
  function drawn(page) {
    return wall(page).evaluate(tree);
  }

  /** Lets the WebAssembly come only when the button says that it was pressed. */
  function slowly(page) {
    return page.route('**/*.wasm', async (route) => {
      await wall(page).getByTestId('buy').getByText('Asking…').waitFor();
      await route.continue();
    });
  }
});

describe('the store’s page without the WebAssembly', () => {
  let network, store, shop, browser;

  setUp(async (world) => {
    const dir = await world.folder();
    await sellEachKind(dir);
    ({ network, browser, store } = await world.shop());
    shop = await world.store(network, '--config', join(dir, 'purrwall.toml'));
  });

  /** A new visitor of a store's page; `page.asked` holds the paths that it asked for. */
  async function visit(at = store, { prepare, ...settings } = {}) {
    const page = await newVisitor(browser, settings);
    page.asked = [];
    page.on('request', (request) => page.asked.push(new URL(request.url()).pathname));
    await prepare?.(page);
    await page.goto(at.url);
    await buy(page).waitFor();
    return page;
  }

  const buy = (page) => page.getByTestId('buy').first();
  const takenOver = (page) => page.locator('[aria-live]').first().waitFor({ state: 'attached' });
  const isLoaded = (page) => page.asked.some((path) => path.endsWith('.wasm'));

  for (const locale of ['en', 'de', 'ar']) {
    test(`is what the WebAssembly draws (${locale})`, async () => {
      const page = await visit(shop, { locale });
      const early = await page.evaluate(tree);
      await buy(page).hover();
      await takenOver(page);
      assert.deepEqual(await page.evaluate(tree), early);
    });
  }

  test('costs who does not buy neither glue nor WebAssembly', async () => {
    const page = await visit();
    await page.waitForLoadState('networkidle');
    const kinds = page.asked.map((path) => path.replace(/-[0-9a-f]{16}/, '')).sort();
    // A browser without windows asks for no icon.
    assert.deepEqual(kinds.filter((kind) => kind !== '/icon.svg'), [
      '/',
      '/api/v1/store',
      '/offer.js',
      '/page.css',
      '/start.js',
      '/wall.css',
    ]);
    await assertAccessible(page);
  });

  test('does not move when the WebAssembly takes over', async () => {
    const page = await visit();
    const places = () =>
      page.evaluate(() => {
        const all = [...document.querySelectorAll('h1, h2, button, select, dd, footer')];
        return all.map((one) => Object.values(one.getBoundingClientRect().toJSON()));
      });
    const before = await places();
    // To hover would scroll.
    await buy(page).dispatchEvent('pointerover');
    await takenOver(page);
    assert.deepEqual(await places(), before);
    // Once for the early drawing and once for the program, which finds the answer on its way.
    assert.equal(page.asked.filter((path) => path === '/api/v1/store').length, 2);
  });

  test('sells at a click out of nowhere', async () => {
    const page = await visit(store, { prepare: slowly });
    await buy(page).evaluate((button) => button.click());
    const bolt11 = await shownInvoice(page);
    await network.alice.pay(bolt11);
    await page.getByTestId('content').waitFor();
  });

  test('sells at a press during which the WebAssembly comes', async () => {
    const page = await visit();
    await buy(page).hover();
    await page.mouse.down();
    await until('the WebAssembly', () => isLoaded(page));
    await page.waitForLoadState('networkidle');
    assert.ok(await buy(page).isVisible(), 'the button was taken away under the finger');
    await page.mouse.up();
    await shownInvoice(page);
  });

  test('keeps the focus, and sells with the keyboard alone', async () => {
    const page = await visit();
    await buy(page).focus();
    await takenOver(page);
    await until('the focus', () => page.evaluate(() => document.activeElement.dataset.test === 'buy'));
    await page.keyboard.press('Enter');
    await shownInvoice(page);
  });

  test('takes on the language that is chosen', async () => {
    const page = await visit();
    await page.getByTestId('language').first().selectOption('de');
    await page.getByText('Kiste öffnen').first().waitFor();
    await takenOver(page);
    assert.equal(await page.getByTestId('language').first().inputValue(), 'de');
    await page.reload();
    await page.getByText('Kiste öffnen').first().waitFor();
    assert.equal(await page.getByTestId('language').first().inputValue(), 'de');
  });

  test('follows a purchase that another tab begins', async () => {
    const page = await visit();
    const other = await page.context().newPage();
    await other.goto(store.url);
    await buy(other).click();
    const bolt11 = await shownInvoice(other);
    assert.equal(await shownInvoice(page), bolt11);
  });

  test('leads to the plain page where the WebAssembly does not come', async () => {
    const page = await visit(store, { prepare: (page) => page.route('**/*.wasm', (route) => route.abort()) });
    await page.getByRole('heading', { level: 2 }).first().waitFor();
    await buy(page).click();
    await page.waitForURL('**/buy/*');
  });

  test('takes markup of the store’s for text', async () => {
    const page = await visit(shop);
    await page.getByRole('heading', { name: 'A <b>box</b>' }).waitFor();
    assert.equal(await page.locator('h2 b').count(), 0);
    assert.ok(!isLoaded(page));
  });

  /** Lets the WebAssembly come only when the button says that it was pressed. */
  function slowly(page) {
    return page.route('**/*.wasm', async (route) => {
      await page.getByText('Asking…').first().waitFor();
      await route.continue();
    });
  }
});

/** Writes a store that sells an item of each kind. */
async function sellEachKind(dir) {
  await writeFile(join(dir, 'purrwall.toml'), STORE);
  await writeFile(join(dir, 'story.txt'), 'Once upon a time\n');
  await writeFile(join(dir, 'sound.mp3'), 'la la la');
  await writeFile(join(dir, 'sunset.png'), PICTURE);
}

/** What is drawn in an element of a widget, or in a page, without what only the WebAssembly has. */
function tree(wall) {
  const drawn = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return node.data;
    const attributes = [...node.attributes].map(({ name, value }) => `${name}=${value}`).sort();
    const children = [...node.childNodes].filter((child) => child.nodeType !== Node.COMMENT_NODE);
    const isShown = (child) =>
      child.localName !== 'dialog' && !child.firstElementChild?.hasAttribute('aria-live');
    const shown = children.filter(isShown);
    return [node.localName, attributes, shown.map(drawn).filter((child) => child !== '')];
  };
  return drawn(wall?.shadowRoot.querySelector('.widget') ?? document.body);
}
