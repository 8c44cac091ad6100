// The pictures in README.md and docs/, made from the real thing: `cargo xtask pictures`.

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { newVisitor } from './browser.mjs';
import { startDevnet } from './network.mjs';
import { ITEM, recordStory } from './recorded-story.mjs';
import { root } from './server.mjs';
import { buy, seesTheGoods, shownInvoice } from './story.mjs';
import { withWorld } from './world.mjs';

/** A README is opened by people who wait for nothing. */
const MOST_BYTES = 2_000_000;

const pictures = join(root, 'docs/pictures');

await withWorld(async (world) => {
  const [network, browser] = await Promise.all([world.network(), world.browser()]);
  const store = await world.store(network, '--webln-script', network.webln('alice'));
  await movingPicture({ network, store, browser });
  await stills(store, await world.site(store), browser);
  await networks(network, await world.network(() => startDevnet('--nodes', '12', '--seed', '7')), browser);
});

async function movingPicture(place) {
  const file = join(pictures, 'purchase.webp');
  const { seconds } = await recordStory(place, file);
  const { size } = await stat(file);
  console.log(`${file}: ${size} bytes, ${Math.round(seconds)} s`);
  if (size > MOST_BYTES) throw new Error(`${file} has ${size} bytes, more than ${MOST_BYTES}`);
}

/** Pictures of single moments. */
async function stills(store, site, browser) {
  const page = await newVisitor(browser);
  await page.goto(store.url);
  await page.getByTestId(`item-${ITEM}`).waitFor();
  await buy(page, ITEM);
  await shot(page, 'invoice');
  await page.getByTestId('pay-webln').click();
  await seesTheGoods(page, store, ITEM);
  await shot(page, 'paid');

  const journal = await newVisitor(browser);
  await journal.goto(new URL('journal.html', site.url).href);
  await journal.getByTestId('buy').click();
  await shownInvoice(journal);
  await shot(journal, 'journal');
}

/** Pictures of the network's page, of the story's network and of a larger one. */
async function networks(network, large, browser) {
  const map = await newVisitor(browser);
  await map.goto(network.page);
  await map.getByTestId('summary').filter({ hasText: 'paid' }).waitFor();
  await shot(map, 'network');

  const page = await newVisitor(browser, { colorScheme: 'dark' });
  await page.goto(large.page);
  await page.getByTestId('payer-bob').waitFor();
  await large.bob.pay(await large.store.invoice(100_000, 'two cats'));
  await page.getByTestId('summary').filter({ hasText: 'bob paid' }).waitFor();
  await shot(page, 'network-of-twelve');
}

function shot(page, name) {
  return page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true, animations: 'disabled' });
}
