// Every word in every language: the files are complete, and the page and the widget speak them.

import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import { assertAccessible } from '../axe.mjs';
import { newVisitor, takePictures } from '../browser.mjs';
import { root } from '../server.mjs';
import { buy, seesTheGoods } from '../story.mjs';
import { setUp } from '../world.mjs';

const folder = join(root, 'frontend/words');
const names = await readdir(folder);
const languages = new Map(
  await Promise.all(
    names.map(async (name) => [basename(name, '.json'), JSON.parse(await readFile(join(folder, name)))]),
  ),
);

/** All English texts: what the program says by `say` and `say_of`, and what the page's frame says. */
async function englishTexts() {
  const sources = await readdir(join(root, 'frontend/src'), { recursive: true });
  const texts = new Set();
  for (const name of sources.filter((name) => name.endsWith('.rs'))) {
    const source = await readFile(join(root, 'frontend/src', name), 'utf8');
    const [program] = source.split('#[cfg(test)]');
    for (const [, text] of program.matchAll(/\bsay(?:_of|_around)?\(\s*"((?:[^"\\]|\\[^])*)"/g)) {
      texts.add(text.replace(/\\\n\s*/g, ''));
    }
  }
  const page = await readFile(join(root, 'index.html'), 'utf8');
  for (const [, text] of page.matchAll(/data-say>([^<]*)</g)) texts.add(text);
  return texts;
}

const places = (text) => (text.match(/\{\d\}/g) ?? []).sort().join();

describe('the words', async () => {
  const texts = await englishTexts();

  for (const [language, words] of languages) {
    test(`of ${language} are all there, and no more`, () => {
      assert.ok(texts.size > 50, 'the texts are not found in the sources');
      assert.deepEqual([...texts].filter((text) => !words[text]), [], 'missing');
      assert.deepEqual(Object.keys(words).filter((text) => !texts.has(text)), [], 'nobody says');
      for (const [english, text] of Object.entries(words)) {
        assert.equal(places(text), places(english), `${text} has other places than ${english}`);
      }
    });
  }
});

describe('a visitor', () => {
  let network, store, site, browser;

  setUp(async (world) => {
    ({ network, browser, store } = await world.shop());
    site = await world.site(store);
  });

  async function visit(locale, url = store.url) {
    const page = await newVisitor(browser, { locale });
    page.words = [];
    page.on('request', (request) => {
      const file = /\/words\/(\w+)\.json$/.exec(request.url());
      if (file) page.words.push(file[1]);
    });
    await page.goto(url);
    return page;
  }

  for (const [language, words] of languages) {
    test(`buys in ${language}`, async () => {
      const page = await visit(`${language}-XX`);
      await page.getByTestId('item-cat').waitFor();
      const html = page.locator('html');
      assert.equal(await html.getAttribute('lang'), language);
      assert.equal(await html.getAttribute('dir'), language === 'ar' ? 'rtl' : 'ltr');
      assert.equal(await page.locator('h1 em').innerText(), words['See who is inside.']);
      await takePictures(page, `store-${language}`);
      const bolt11 = await buy(page, 'cat');
      await page.getByText(words['Pay with wallet']).waitFor();
      await assertAccessible(page);
      await takePictures(page, `invoice-${language}`);
      await network.alice.pay(bolt11);
      await seesTheGoods(page, store, 'cat');
      await page.getByText(words['Paid. It is yours.']).waitFor();
      assert.deepEqual(new Set(page.words), new Set([language]), 'other files were loaded');
      const width = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(width <= 0, `${width} px too wide`);
    });
  }

  test('who reads English, or none of these, loads no file', async () => {
    for (const locale of ['en-GB', 'nb-NO']) {
      const page = await visit(locale);
      await page.getByText('Open the box').first().waitFor();
      assert.equal(await page.locator('html').getAttribute('lang'), 'en');
      assert.deepEqual(page.words, []);
    }
  });

  test('reads English where a file cannot be loaded', async () => {
    const page = await newVisitor(browser, { locale: 'de-DE' });
    await page.route('**/words/de.json', (route) => route.abort());
    await page.goto(store.url);
    await page.getByText('Open the box').first().waitFor();
  });

  test('chooses a language, which stays, and goes back to the one of the browser', async () => {
    const page = await visit('de-DE');
    // For a moment there are two, when the program takes over.
    const chooser = page.getByTestId('language').first();
    await chooser.waitFor();
    assert.equal(await chooser.getAttribute('aria-label'), languages.get('de').Language);
    const offered = await chooser.locator('option').allInnerTexts();
    assert.equal(offered[0], languages.get('de').Automatic);
    assert.deepEqual(offered.slice(1).sort(), ['Deutsch', 'English', 'español', 'français', 'العربية', '日本語']);
    const html = page.locator('html');
    const speaks = async (language) => {
      const said = 'See who is inside.';
      await page.getByText(languages.get(language)?.[said] ?? said).waitFor();
      await page.getByText(languages.get(language)?.['Open the box'] ?? 'Open the box').first().waitFor();
      assert.equal(await html.getAttribute('lang'), language);
      assert.equal(await html.getAttribute('dir'), language === 'ar' ? 'rtl' : 'ltr');
    };
    await speaks('de');

    // By keyboard, and the keyboard stays where it was.
    await chooser.focus();
    await chooser.press('End');
    await chooser.press('Enter');
    await chooser.selectOption('ar');
    await speaks('ar');
    assert.ok(await chooser.evaluate((select) => select === document.activeElement), 'lost the focus');
    const bolt11 = await buy(page, 'cat');
    await assertAccessible(page);
    await takePictures(page, 'chosen-ar');
    const left = await page.getByTestId('countdown').innerText();
    const digits = (9).toLocaleString('ar');
    assert.ok(digits === '9' || !/\d/.test(left), `${left} is not in Arabic digits`);

    await page.reload();
    await speaks('ar');
    assert.equal(await chooser.inputValue(), 'ar');
    await chooser.selectOption('en');
    await speaks('en');
    await network.alice.pay(bolt11);
    await seesTheGoods(page, store, 'cat');
    await chooser.selectOption('');
    await speaks('de');
    await page.reload();
    await speaks('de');
    assert.equal(await chooser.inputValue(), '');
    // Of a version that knew more languages.
    await page.evaluate(() => localStorage.setItem('purrwall-language', 'tlh'));
    await page.reload();
    await speaks('de');
    assert.equal(await chooser.inputValue(), '');
  });

  test('who chooses twice reads the last choice, whichever file comes last', async () => {
    const page = await visit('en-GB');
    // For a moment there are two, when the program takes over.
    const chooser = page.getByTestId('language').first();
    let answer;
    const held = new Promise((resolve) => (answer = resolve));
    await page.route('**/words/ja.json', async (route) => {
      await held;
      // The page may have ended the request by now.
      await route.continue().catch(() => {});
    });
    const ended = new Promise((resolve) => {
      for (const event of ['requestfinished', 'requestfailed']) {
        page.on(event, (request) => request.url().endsWith('/words/ja.json') && resolve());
      }
    });
    const asked = page.waitForRequest('**/words/ja.json');
    await chooser.selectOption('ja');
    await asked;
    await chooser.selectOption('ar');
    await page.getByText(languages.get('ar')['Open the box']).first().waitFor();
    answer();
    await ended;
    // What the late file would change is drawn by the second frame after it.
    await page.evaluate(
      () => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))),
    );
    await page.getByText(languages.get('ar')['Open the box']).first().waitFor();
    assert.equal(await page.getByText(languages.get('ja')['Open the box']).count(), 0);
    assert.equal(await page.locator('html').getAttribute('lang'), 'ar');
  });

  test('whose browser keeps nothing chooses a language for the visit', async () => {
    const page = await newVisitor(browser, { locale: 'en-GB' });
    await page.addInitScript(() =>
      Object.defineProperty(window, 'localStorage', {
        get() {
          throw new DOMException('no', 'SecurityError');
        },
      }),
    );
    await page.goto(store.url);
    await page.getByTestId('language').first().selectOption('fr');
    await page.getByText(languages.get('fr')['Open the box']).first().waitFor();
  });

  test("finds the widget in the language that the site's page has, and follows its attribute", async () => {
    const page = await visit('fr-FR', new URL('one.html', site.url).href);
    await page.getByText('Open the box').waitFor();
    const wall = page.locator('purr-wall');
    await wall.evaluate((element) => element.setAttribute('lang', 'ja'));
    await page.getByText(languages.get('ja')['Open the box']).waitFor();
    assert.equal(await page.locator('.widget').getAttribute('lang'), 'ja');
    await wall.evaluate((element) => element.setAttribute('lang', 'ar'));
    await page.getByText(languages.get('ar')['Open the box']).waitFor();
    assert.equal(await page.locator('.widget').getAttribute('dir'), 'rtl');
    assert.deepEqual(page.words, ['ja', 'ar']);
  });

  test('sees widgets of several languages side by side', async () => {
    const page = await visit('en-GB', new URL('two.html', site.url).href);
    const walls = page.locator('purr-wall');
    await walls.nth(0).evaluate((element) => (element.lang = 'de'));
    await walls.nth(1).evaluate((element) => (element.lang = 'es'));
    await walls.nth(0).getByText(languages.get('de')['Open the box']).waitFor();
    await walls.nth(1).getByText(languages.get('es')['Open the box']).waitFor();
    await walls.nth(0).getByTestId('buy').click();
    await walls.nth(0).getByText(languages.get('de')['Copy invoice']).waitFor();
    await walls.nth(1).getByTestId('buy').click();
    await walls.nth(1).getByText(languages.get('es')['Copy invoice']).waitFor();
    await walls.nth(0).getByText(languages.get('de')['Copy invoice']).waitFor();
  });
});
