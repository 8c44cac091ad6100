// The markup of each page, as programs and files give it; what scripts draw on them is checked in
// accessibility.test.mjs, too.

import assert from 'node:assert/strict';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { newVisitor } from '../browser.mjs';
import { assertDrawnValid, assertValid } from '../html.mjs';
import { root } from '../server.mjs';
import { shownInvoice } from '../story.mjs';
import { setUp } from '../world.mjs';

/** Long enough to see an invoice before it expires, however busy the machine is. */
const EXPIRY_SECS = 8;

/** A store of somebody's own, whose second route has no price because nobody says its rate. */
const OWN = `
store_name = "By the sea & more"

[look]
headline = "Tides"
footer = "By Ada"
accent = "#0b6e4f"

[[item]]
id = "story"
title = "A \\"story\\" & more"
file = "story.txt"
price = "21 sat"
valid_for = "30d"

[[route]]
path = "/tides/*"
price = "10 sat"
title = "My tide table"
upstream = "http://127.0.0.1:9"

[[route]]
path = "/winds/*"
price = "1 EUR"
upstream = "http://127.0.0.1:9"

[rates.EUR]
url = "https://127.0.0.1:9/rate.json"
pointer = "/eur"
`;

describe('the markup of', () => {
  let network, store, own, hasty, browser;

  setUp(async (world) => {
    ({ network, browser, store } = await world.shop());
    hasty = await world.store(network, '--invoice-expiry', String(EXPIRY_SECS));
    const dir = await world.folder();
    await writeFile(join(dir, 'purrwall.toml'), OWN);
    await writeFile(join(dir, 'story.txt'), 'Once upon a time\n');
    own = await world.store(network, '--config', join(dir, 'purrwall.toml'));
  });

  /** The page at an address as its program sends it to this visitor. */
  async function sent(page, url, status = 200) {
    const answer = await page.context().request.get(url, { headers: { accept: 'text/html' } });
    assert.equal(answer.status(), status, url);
    return answer.text();
  }

  /** A visitor without scripts, who has pressed the button at this address. */
  async function buy(url) {
    const page = await newVisitor(browser, { javaScriptEnabled: false });
    await page.goto(url);
    await page.getByTestId('buy').click();
    return { page, bolt11: await shownInvoice(page) };
  }

  test('the store’s page', async () => {
    const page = await newVisitor(browser);
    for (const { url } of [store, own]) {
      // The standard lets pages leave out this tag and quotes, and Trunk's minifier does.
      const markup = (await sent(page, url)).replace(/<html[^>]*>/, '$&<head>');
      await assertValid(markup, url, { 'attr-quotes': 'off' });
    }
  });

  test('sites that sell with the widget', async () => {
    for (const folder of ['frontend/pages', ...(await sites())]) {
      const files = await readdir(join(root, folder));
      for (const file of files.filter((file) => file.endsWith('.html'))) {
        await assertValid(await readFile(join(root, folder, file), 'utf8'), `${folder}/${file}`);
      }
    }
  });

  test('the plain pages of items', async () => {
    for (const [{ url: address }, item] of [
      [store, 'cat'],
      [own, 'story'],
    ]) {
      const shelf = new URL('buy', address).href;
      const url = `${shelf}/${item}`;
      const guest = await newVisitor(browser);
      for (const place of [shelf, url]) await assertValid(await sent(guest, place), place);
      await assertValid(await sent(guest, `${shelf}/dog`, 404), 'what is not there');

      const { page, bolt11 } = await buy(url);
      for (const place of [url, `${url}?still`, `${url}/keep`]) await assertValid(await sent(page, place), place);
      await network.alice.pay(bolt11);
      await page.getByTestId('paid').waitFor();
      for (const place of [url, `${url}/keep`]) await assertValid(await sent(page, place), `${place}, paid`);
    }
  });

  test('the plain page of an invoice that expired, and of one that is gone', async () => {
    const url = new URL('buy/cat', hasty.url).href;
    const { page, bolt11 } = await buy(url);
    await page.getByTestId('expired').waitFor();
    await assertValid(await sent(page, url), 'an expired invoice');
    const { payment_hash } = await network.alice.call('decode', { string: bolt11 });
    const { invoices } = await network.store.call('listinvoices', { payment_hash });
    await network.store.call('delinvoice', { label: invoices[0].label, status: 'expired' });
    await hasty.closedWhile(async () => {});
    await page.reload();
    await page.getByTestId('unconfirmed').waitFor();
    await assertValid(await sent(page, url), 'an invoice that is gone');
  });

  test('the pages of a priced route', async () => {
    const url = new URL('tides/today', own.url).href;
    const guest = await newVisitor(browser);
    await assertValid(await sent(guest, url, 402), 'the offer');
    const { page } = await buy(url);
    const still = await page.getByTestId('still').evaluate((link) => link.href);
    for (const place of [page.url(), still]) await assertValid(await sent(page, place, 402), place);
    const other = new URL('winds', own.url).href;
    await assertValid(await sent(guest, other, 503), 'a route without a price');
  });

  test('the network’s page', async () => {
    const page = await newVisitor(browser);
    await assertValid(await sent(page, network.page), 'the page');
    await page.goto(network.page);
    await page.getByTestId('payer-bob').waitFor();
    await assertDrawnValid(page, 'the network’s page');
  });
});

async function sites() {
  const folders = await readdir(join(root, 'e2e/sites'));
  return folders.map((folder) => `e2e/sites/${folder}`);
}
