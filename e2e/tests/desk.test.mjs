// The owner's desk in a browser: each thing that an owner does there, in every language, on a phone, in the
// dark and without script.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { PNG } from 'pngjs';
import { assertAccessible } from '../axe.mjs';
import { newVisitor, scan, takePictures } from '../browser.mjs';
import { deskOf, owner } from '../desk.mjs';
import { assertValid } from '../html.mjs';
import { buy } from '../story.mjs';
import { until } from '../until.mjs';
import { setUp } from '../world.mjs';

const STORE = `# The store of the tests.
desk_listen = "127.0.0.1:0"
store_name = "By the sea"
public_url = "https://sea.example"

[[item]]   # the first
id = "story"
title = "A story"
teaser = "Once upon a time, by the sea."
file = "story.txt"
price = "21 sat"

[[item]]
id = "tide"
title = "Tides"
file = "tide.txt"
price = "0.25 USD"   # follows the rate

[rates.USD]
fixed = 65000
`;

const PAGES = ['sales?days=1', 'sales?days=all', 'goods', 'health', 'embed', 'embed/story'];

/** A picture that is no file of one colour. */
function picture() {
  const png = new PNG({ width: 600, height: 400 });
  for (let at = 0; at < png.data.length; at += 4) {
    png.data.set([at % 251, (at >> 9) % 251, 120, 255], at);
  }
  return PNG.sync.write(png);
}

describe('the owner’s desk', () => {
  let network, store, browser, desk, file, harbour;

  setUp(async (world) => {
    const dir = await world.folder();
    file = join(dir, 'purrwall.toml');
    await writeFile(file, STORE);
    await writeFile(join(dir, 'story.txt'), 'Once upon a time\n');
    await writeFile(join(dir, 'tide.txt'), 'High at nine\n');
    ({ network, browser, store } = await world.shop('--config', file));
    desk = await deskOf(file);
    // Wallets follow codes to https alone.
    const other = await world.folder();
    await writeFile(join(other, 'purrwall.toml'), STORE.replace('https://sea', 'http://harbour'));
    await writeFile(join(other, 'story.txt'), 'Once upon a time\n');
    await writeFile(join(other, 'tide.txt'), 'High at nine\n');
    await world.store(network, '--config', join(other, 'purrwall.toml'), '--store-id', 'harbour');
    harbour = await deskOf(join(other, 'purrwall.toml'));
  });

  /** Buys an item as alice does. */
  async function sell(item) {
    const page = await newVisitor(browser);
    await page.goto(store.url);
    await network.alice.pay(await buy(page, item));
    await page.getByTestId('content').first().waitFor();
    await page.context().close();
  }

  test('is opened by a code that is good once, without script', async () => {
    const page = await newVisitor(browser, { javaScriptEnabled: false });
    await page.goto(new URL('goods', desk.url).href);
    assert.equal(new URL(page.url()).pathname, '/sign-in');
    await takePictures(page, 'desk-sign-in');
    await page.getByTestId('code').fill('ABCD-EFGH-JKLM');
    await page.getByTestId('sign-in').click();
    await page.getByTestId('wrong-code').waitFor();
    const code = desk.code();
    await page.getByTestId('code').fill(code.toLowerCase());
    await page.getByTestId('sign-in').click();
    await page.getByTestId('sales').waitFor();
    assert.ok(!page.url().includes(code));
    await page.getByTestId('sign-out').click();
    await page.getByTestId('code').fill(code);
    await page.getByTestId('sign-in').click();
    await page.getByTestId('wrong-code').waitFor();
    await page.goto(new URL('sales', desk.url).href);
    await page.getByTestId('code').waitFor();
  });

  test('shows what sells, by day and by item', async () => {
    await sell('story');
    await sell('story');
    await sell('tide');
    const page = await owner(browser, desk);
    await until('the sums', async () => {
      await page.goto(new URL('sales?days=7', desk.url).href);
      return (await page.getByTestId('sales').innerText()) === '3';
    });
    // 21 sat twice, and 0.25 USD at 65,000 USD a bitcoin: 384.616 sat.
    assert.equal(await page.getByTestId('received').innerText(), '426.616 sat');
    assert.equal(await page.getByTestId('worth-USD').innerText(), '0.28 USD');
    assert.match(await page.getByTestId('sum-story').innerText(), /A story story\s+2\s+42 sat/);
    assert.equal(await page.getByTestId('plot').locator('rect').count(), 7);
    assert.equal(await page.getByTestId('list').locator('tbody tr').count(), 3);
    await takePictures(page, 'desk-sales');
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByTestId('csv').click()]);
    const csv = await readFile(await download.path(), 'utf8');
    assert.equal(csv.trim().split('\n').length, 4);
    assert.match(csv, /,tide,384616,384616,[0-9a-f]{64}\n/);
    await page.getByTestId('rebuild').click();
    await page.getByTestId('done').waitFor();
    await until('the sums again', async () => {
      await page.goto(new URL('sales?days=7', desk.url).href);
      return (await page.getByTestId('sales').innerText()) === '3';
    });
  });

  test('puts an upload on the shelf, and shows how far it is', async () => {
    const page = await owner(browser, desk);
    await page.getByTestId('tab-goods').click();
    await page.getByTestId('add').locator('summary').click();
    const form = page.getByTestId('add');
    await form.getByTestId('title').fill('Sunset');
    await form.getByTestId('teaser').fill('The sea at nine.');
    await form.getByTestId('price-field').fill('0 sat');
    await form.getByTestId('file').setInputFiles({ name: '../Sun\u202eset.PNG', mimeType: 'image/png', buffer: picture() });
    await form.getByTestId('put').click();
    // What is wrong is told beside the form, where everything typed still stands.
    await page.getByTestId('upload-failed').getByText('The price is nothing').waitFor();
    assert.equal(await form.getByTestId('title').inputValue(), 'Sunset');
    await form.getByTestId('price-field').fill('42 sat');
    const small = { name: 'small.png', mimeType: 'image/png', buffer: picture() };
    await form.getByTestId('preview-file').setInputFiles(small);
    await page.evaluate(() => {
      const area = document.querySelector('.uploading');
      new MutationObserver(() => {
        if (!area.hidden) sessionStorage.setItem('shown', 'yes');
      }).observe(area, { attributes: true });
      const bar = area.querySelector('progress');
      new MutationObserver(() => sessionStorage.setItem('sent', bar.value)).observe(bar, { attributes: true });
    });
    await form.getByTestId('put').click();
    const good = page.getByTestId('good-sunset');
    await good.waitFor();
    await page.getByTestId('done').waitFor();
    const [shown, sent] = await page.evaluate(() => ['shown', 'sent'].map((key) => sessionStorage.getItem(key)));
    assert.deepEqual([shown, sent], ['yes', '100']);
    await good.locator('img').evaluate((image) => image.decode());
    const text = await readFile(file, 'utf8');
    assert.match(text, /\[\[item\]\]\nid = "sunset"\ntitle = "Sunset"\n/);
    assert.ok(text.includes('# follows the rate') && text.startsWith('# The store of the tests.'), text);
    await takePictures(page, 'desk-goods');
    await sell('sunset');
  });

  test('puts an upload on the shelf without script', async () => {
    const page = await owner(browser, desk, { javaScriptEnabled: false });
    await page.getByTestId('tab-goods').click();
    await page.getByTestId('add').locator('summary').click();
    const form = page.getByTestId('add');
    await form.getByTestId('title').fill('Waves');
    await form.getByTestId('price-field').fill('5 sat');
    await form.getByTestId('file').setInputFiles({ name: 'waves.txt', mimeType: 'text/plain', buffer: Buffer.from('~~~') });
    await form.getByTestId('put').click();
    await page.getByTestId('good-waves').waitFor();
  });

  test('changes goods, moves them and takes them off, and never overwrites an edit by hand', async () => {
    const page = await owner(browser, desk);
    await page.goto(new URL('goods', desk.url).href);
    const story = page.getByTestId('good-story');
    await story.getByTestId('edit').locator('summary').click();
    await story.getByTestId('price-field').fill('25 sat');
    await writeFile(file, (await readFile(file, 'utf8')).replace('"Tides"', '"Tides by hand"'));
    await story.getByTestId('save').click();
    await page.getByTestId('failed').waitFor();
    assert.equal(await story.getByTestId('price-field').inputValue(), '25 sat');
    await story.getByTestId('save').click();
    await page.getByTestId('done').waitFor();
    assert.equal(await story.getByTestId('price').innerText(), '25 sat');
    const text = await readFile(file, 'utf8');
    assert.ok(text.includes('"Tides by hand"') && text.includes('price = "25 sat"'), text);

    await page.getByTestId('good-tide').getByTestId('up').click();
    await page.getByTestId('done').waitFor();
    const first = page.locator('.ware').first();
    assert.equal(await first.getAttribute('data-test'), 'good-tide');
    await page.getByTestId('good-tide').getByTestId('off').click();
    await page.getByTestId('done').waitFor();
    assert.equal(await page.getByTestId('good-tide').count(), 0);
    assert.match(await readFile(file, 'utf8'), /# \[\[item\]\]\n# id = "tide"/);
    const shop = await newVisitor(browser);
    await shop.goto(store.url);
    await shop.getByTestId('item-story').waitFor();
    assert.equal(await shop.getByTestId('item-tide').count(), 0);
  });

  test('says how the store is, and takes note of a copy', async () => {
    const page = await owner(browser, desk);
    await page.getByTestId('tab-health').click();
    await page.getByTestId('followed').waitFor();
    await page.getByTestId('disk').waitFor();
    await page.getByTestId('open-invoices').waitFor();
    await page.getByTestId('note-backup').click();
    await page.getByTestId('backed-up').waitFor();
    await takePictures(page, 'desk-health');
  });

  test('gives two lines for other sites and a poster for the wall', async () => {
    const page = await owner(browser, desk);
    await page.getByTestId('tab-embed').click();
    const lines = await page.getByTestId('embed-story').getByTestId('lines').innerText();
    const { id } = await network.store.call('getinfo');
    assert.ok(lines.includes(`<purr-wall item="story" payee="${id}">`), lines);
    assert.ok(lines.includes('src="https://sea.example/widget.js"'), lines);
    await takePictures(page, 'desk-embed');
    await page.getByTestId('embed-story').getByTestId('poster').click();
    const code = await scan(page.getByTestId('qr'));
    const plain = await newVisitor(browser, { javaScriptEnabled: false });
    await plain.goto(new URL('buy/story', store.url).href);
    const lnurl = await plain.getByTestId('lnurl').inputValue();
    assert.equal(code.toLowerCase(), `lightning:${lnurl}`.toLowerCase());
    assert.equal(await page.getByTestId('lightning-address').innerText(), 'story@sea.example');
    assert.equal(await page.getByTestId('page-address').innerText(), 'https://sea.example/buy/story');
    assert.equal(await page.getByTestId('no-code').count(), 0);
    await takePictures(page, 'desk-poster');
    await page.emulateMedia({ media: 'print' });
    assert.equal(await page.getByTestId('tab-sales').isVisible(), false);
    assert.equal(await page.getByTestId('sheet').isVisible(), true);
    if (process.env.PICTURES) await takePictures(page, 'desk-poster-printed');
    await page.emulateMedia({ media: 'screen' });
  });

  test('prints the page’s address where wallets would not follow a code, and says so', async () => {
    const page = await owner(browser, harbour);
    await page.goto(new URL('embed/story', harbour.url).href);
    await page.getByTestId('no-code').waitFor();
    assert.equal(await scan(page.getByTestId('qr')), 'http://harbour.example/buy/story');
    assert.equal(await page.getByTestId('page-address').innerText(), 'http://harbour.example/buy/story');
    assert.equal(await page.getByTestId('lightning-address').count(), 0);
  });

  test('is clean for axe and html-validate, and fits a phone, in every language', async () => {
    for (const locale of ['en', 'de', 'fr', 'es', 'ja', 'ar']) {
      const page = await owner(browser, desk, { locale, viewport: { width: 390, height: 844 } });
      assert.equal(await page.locator('html').getAttribute('lang'), locale);
      assert.equal(await page.locator('html').getAttribute('dir'), locale === 'ar' ? 'rtl' : 'ltr');
      for (const path of PAGES) {
        const url = new URL(path, desk.url).href;
        await page.goto(url);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `${path} is ${wide} px too wide in ${locale}`);
        if (path === 'goods') {
          await page.getByTestId('add').locator('summary').click();
          await page.getByTestId('edit').first().locator('summary').click();
        }
        // What needs a browser to find is the same in all languages but for the direction.
        if (['en', 'ar'].includes(locale)) await assertAccessible(page);
        const answer = await page.request.get(url, { headers: { 'accept-language': locale } });
        await assertValid(await answer.text(), `${path} in ${locale}`);
      }
      if (locale === 'ar') await takePictures(page, 'desk-arabic');
    }
    const page = await newVisitor(browser);
    await page.goto(desk.url);
    await assertAccessible(page);
    const answer = await page.request.get(new URL('sign-in', desk.url).href);
    await assertValid(await answer.text(), 'the form for the code');
  });
});
