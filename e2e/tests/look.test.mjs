// A stranger's store: the owner's words, colours and pictures on the page, in the widget and on the plain
// page; and help for visitors who have never paid this way.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { PNG } from 'pngjs';
import { assertAccessible } from '../axe.mjs';
import { newVisitor, takePictures } from '../browser.mjs';
import { buy, seesTheGoods, shownInvoice } from '../story.mjs';
import { setUp } from '../world.mjs';

const STORE = `
store_name = "By the sea"

[look]
headline = "Pictures of the sea"
subline = "Each in 24 megapixels, yours in a second or two."
footer = "By Ada, from her window."
accent = "#0b6e4f"
paper = "#f4f8f6 #101a17"
ink = "#16241f #e6f0ec"
logo = "logo.svg"
favicon = "logo.svg"
scene = "preview"

[[item]]
id = "sunset"
title = "Sunset"
teaser = "The sea at nine in the evening."
file = "sunset.png"
price = "0.25 USD"
button = "Take it home"
button_de = "Mitnehmen"

[[item]]
id = "story"
title = "A story"
file = "story.txt"
price = "21 sat"
valid_for = "1s"

[rates.USD]
fixed = 65000
`;

const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="#0b6e4f"/></svg>`;

/** The key of nobody's node. */
const ANOTHER_NODE = '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798';

/** A sea under a sunset. */
function picture() {
  const png = new PNG({ width: 1200, height: 800 });
  for (let y = 0; y < png.height; y += 1) {
    for (let x = 0; x < png.width; x += 1) {
      const sea = y > 500;
      const wave = Math.round(20 * Math.sin(x / 30 + y / 9));
      const colour = sea ? [20, 60 + wave, 110 + wave] : [250, 120 + (y >> 3), 60 + (y >> 2)];
      png.data.set([...colour, 255], 4 * (y * png.width + x));
    }
  }
  return PNG.sync.write(png);
}

describe('a store of the owner’s own', () => {
  let network, store, cats, site, browser;

  setUp(async (world) => {
    const dir = await world.folder();
    await writeFile(join(dir, 'purrwall.toml'), STORE);
    await writeFile(join(dir, 'logo.svg'), LOGO);
    await writeFile(join(dir, 'sunset.png'), picture());
    await writeFile(join(dir, 'story.txt'), 'Once upon a time\n');
    const args = ['--config', join(dir, 'purrwall.toml'), '--invoice-expiry', '8'];
    ({ network, browser, store } = await world.shop(...args));
    cats = await world.store(network);
    site = await world.site(cats);
  });

  test('looks like the owner’s, and sells a picture', async () => {
    const page = await newVisitor(browser);
    await page.goto(store.url);
    await page.getByTestId('item-sunset').getByTestId('buy').waitFor();
    assert.equal(await page.title(), 'By the sea');
    assert.equal(await page.locator('h1').innerText(), 'Pictures of the sea');
    await page.getByText('By Ada, from her window.').waitFor();
    const preview = page.getByTestId('item-sunset').locator('img.preview');
    await preview.evaluate((image) => image.decode());
    const width = await preview.evaluate((image) => image.naturalWidth);
    assert.ok(width > 300 && width <= 400, `the preview is ${width} px wide`);
    assert.equal(await page.getByTestId('item-sunset').getByTestId('buy').innerText(), 'Take it home');
    assert.equal(await page.getByTestId('item-story').getByTestId('buy').innerText(), 'Read');
    const text = await page.locator('body').innerText();
    for (const cat of ['box', 'Pick', 'cat']) assert.ok(!text.includes(cat), `${cat} in ${text}`);
    assert.equal(await page.locator('.box').count(), 0);
    await page.getByTestId('item-sunset').getByText('$0.25 ≈ 385 sat').waitFor();
    assert.ok(!text.includes('msat'), text);
    for (const width of [360, 390, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      const row = page.getByTestId('item-sunset').locator('.buy-row > *');
      const [price, button] = await row.evaluateAll((all) => all.map((one) => one.getBoundingClientRect().toJSON()));
      assert.ok(price.right <= button.left, `the button has a line of its own at ${width} px`);
      const lines = price.height / (await row.first().evaluate((one) => parseFloat(getComputedStyle(one).lineHeight)));
      assert.ok(lines < (width < 390 ? 3.5 : 2.5), `the price has ${lines} lines at ${width} px`);
    }
    await assertAccessible(page);
    await takePictures(page, 'look-store');

    const bolt11 = await buy(page, 'sunset');
    await page.locator('.amount').getByText('385 sat', { exact: true }).waitFor();
    await takePictures(page, 'look-invoice');
    await network.alice.pay(bolt11);
    await page.getByTestId('content').waitFor();
    // The title alone: the rate stood with the invoice.
    assert.equal(await page.getByTestId('purchase').locator('strong').innerText(), 'Sunset');
    await takePictures(page, 'look-paid');
  });

  test('says the owner’s words in the visitor’s language', async () => {
    const page = await newVisitor(browser, { locale: 'de-DE' });
    await page.goto(store.url);
    await page.getByTestId('item-sunset').getByText('Mitnehmen').waitFor();
    await page.getByTestId('item-story').getByText('Lesen').waitFor();
  });

  test('never says that something is yours until a moment that is past', async () => {
    const page = await newVisitor(browser);
    await page.goto(store.url);
    await network.alice.pay(await buy(page, 'story'));
    await page.getByText('Once upon a time').waitFor();
    await page.getByText('It was yours until').waitFor();
    await page.reload();
    await page.getByText('Its time is over').first().waitFor();
    assert.equal(await page.getByText('not here yet').count(), 0);
  });

  test('has plain pages of the same look', async () => {
    const page = await newVisitor(browser, { javaScriptEnabled: false });
    await page.goto(store.url);
    await page.waitForURL('**/buy');
    assert.equal(await page.locator('h1').innerText(), 'Pictures of the sea');
    await takePictures(page, 'look-plain-shelf');
    await page.getByTestId('item-sunset').getByTestId('open').click();
    await page.getByTestId('buy').waitFor();
    await takePictures(page, 'look-plain-offer');
    assert.equal(await page.getByTestId('buy').innerText(), 'Take it home');
  });

  test('helps whoever is new to Lightning, in words that are loaded when they are wanted', async () => {
    const page = await newVisitor(browser, { locale: 'es-ES' });
    const asked = [];
    page.on('request', (request) => {
      if (request.url().includes('/help/')) asked.push(new URL(request.url()).pathname);
    });
    await page.goto(cats.url);
    await buy(page, 'cat');
    const help = page.getByTestId('help');
    await help.getByText('¿Lightning es nuevo para ti?').waitFor();
    assert.deepEqual(asked, []);
    await help.locator('summary').click();
    await help.getByRole('link', { name: 'Phoenix' }).waitFor();
    assert.equal(await help.locator('li').count(), 3);
    assert.deepEqual(asked, ['/help/es.json']);
    // Beside the code there is no room for it.
    const [steps, code] = await Promise.all([help.boundingBox(), page.getByTestId('qr').boundingBox()]);
    assert.ok(steps.width > 1.5 * code.width && steps.y > code.y + code.height, JSON.stringify({ steps, code }));
    await assertAccessible(page);
    await takePictures(page, 'help');
  });

  test('says within two seconds that no wallet opened, and opens the help', async () => {
    const page = await newVisitor(browser);
    await page.clock.install();
    await page.goto(new URL('one.html', site.url).href);
    await page.getByTestId('buy').click();
    await shownInvoice(page);
    // From here on the page's clock moves only when it is told to.
    await page.clock.pauseAt(await page.evaluate(() => Date.now() + 1000));
    await page.getByTestId('pay-webln').click();
    assert.equal(await page.getByText('No wallet opened').count(), 0);
    await page.clock.runFor(2000);
    await page.getByText('No wallet opened on this device.').waitFor();
    await page.clock.resume();
    await page.getByTestId('help').getByRole('link', { name: 'Phoenix' }).waitFor();
    await takePictures(page, 'no-wallet');
  });

  test('helps without a script, too, and the page stays as it was opened', async () => {
    const page = await newVisitor(browser, { javaScriptEnabled: false, locale: 'fr-FR' });
    await page.goto(new URL('buy/cat', cats.url).href);
    await page.getByTestId('buy').click();
    await page.getByTestId('waiting').waitFor();
    await page.getByTestId('help').getByText('Vous découvrez Lightning ?').click();
    await page.getByRole('link', { name: 'Phoenix' }).waitFor();
    await takePictures(page, 'plain-help');
  });

  test('a wrong pin is no matter of another invoice', async () => {
    const page = await newVisitor(browser);
    await page.goto(new URL('one.html', site.url).href);
    await page.locator('purr-wall').evaluate((element, payee) => {
      element.payee = payee;
    }, ANOTHER_NODE);
    await page.getByTestId('buy').click();
    await page.getByTestId('refused').waitFor();
    await page.getByText('Somebody else would get the money.').waitFor();
    await page.getByText('Another invoice would not help.').waitFor();
    assert.equal(await page.getByTestId('new-invoice').count(), 0);
    await takePictures(page, 'wrong-pin');
    await page.getByTestId('close').click();
    await page.getByTestId('buy').waitFor();
  });

  test('an invoice of another network is no matter of another invoice', async () => {
    const page = await newVisitor(browser);
    await page.route('**/api/v1/store', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...(await response.json()), network: 'bitcoin' } });
    });
    await page.goto(cats.url);
    await page.getByTestId('item-cat').getByTestId('buy').click();
    const refusal = page.getByTestId('refused');
    await refusal.getByText('the invoice is for the network regtest, but the store is on bitcoin').waitFor();
    await refusal.getByText('The money would not reach the store.').waitFor();
    await refusal.getByText('Another invoice would not help.').waitFor();
    assert.equal(await page.getByTestId('qr').count(), 0);
    assert.equal(await page.getByTestId('new-invoice').count(), 0);
    await takePictures(page, 'wrong-network');
  });

  test('a price above the page’s limit is no matter of another invoice', async () => {
    const page = await newVisitor(browser);
    await page.goto(new URL('one.html', site.url).href);
    await page.locator('purr-wall').evaluate((element) => {
      element.maxSat = 99;
    });
    await page.getByTestId('buy').click();
    await page.getByText('The page promises you to ask for no more.').waitFor();
    assert.equal(await page.getByTestId('new-invoice').count(), 0);
  });

  test('a purchase’s link that is pasted leads to the goods without a script', async () => {
    const page = await newVisitor(browser, { javaScriptEnabled: false });
    await page.goto(new URL('buy/two-cats', cats.url).href);
    await page.getByTestId('buy').click();
    await page.getByTestId('qr').waitFor();
    await network.alice.pay(await page.getByTestId('bolt11').getAttribute('data-bolt11'));
    await page.getByTestId('paid').waitFor();
    await page.getByTestId('keep').click();
    const link = await page.getByTestId('link').inputValue();
    await takePictures(page, 'plain-keep');
    const [receipt] = await Promise.all([
      page.waitForEvent('download'),
      page.getByTestId('save-receipt').click(),
    ]);
    assert.equal(receipt.suggestedFilename(), 'two-cats-receipt.json');

    // Another browser: the address alone leads to the plain page, where the link is pasted.
    const other = await newVisitor(browser, { javaScriptEnabled: false });
    await other.goto(link);
    await other.waitForURL('**/buy');
    await other.getByTestId('open-link').locator('summary').click();
    await other.getByTestId('link').fill(link);
    await other.getByTestId('open-link').getByTestId('open').click();
    await other.getByTestId('paid').waitFor();
    await seesTheGoods(other, cats, 'two-cats');

    // And with a script it opens by itself.
    const third = await newVisitor(browser);
    await third.goto(link);
    await third.getByTestId('open-link').click();
    await seesTheGoods(third, cats, 'two-cats');
  });
});
