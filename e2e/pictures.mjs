// The pictures in README.md and docs/, made from the real thing: `cargo xtask pictures`.

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { launchBrowser, newVisitor } from './browser.mjs';
import { startDevnet } from './network.mjs';
import { ITEM, recordStory } from './recorded-story.mjs';
import { root } from './server.mjs';
import { openSite } from './site.mjs';
import { openStore } from './store.mjs';
import { buy, seesTheGoods, shownInvoice } from './story.mjs';

/** A README is opened by people who wait for nothing. */
const MOST_BYTES = 2_000_000;

const pictures = join(root, 'docs/pictures');

const [network, browser] = await Promise.all([startDevnet(), launchBrowser()]);
const store = await openStore(network, '--webln-script', network.webln('alice'));
const site = await openSite(store.url);
try {
  await movingPicture();
  await stills();
} finally {
  await browser.close();
  await Promise.all([site.stop(), store.stop()]);
  await network.stop();
}

async function movingPicture() {
  const file = join(pictures, 'purchase.webp');
  const { seconds } = await recordStory({ network, store, browser }, file);
  const { size } = await stat(file);
  console.log(`${file}: ${size} bytes, ${Math.round(seconds)} s`);
  if (size > MOST_BYTES) throw new Error(`${file} has ${size} bytes, more than ${MOST_BYTES}`);
}

/** Pictures of single moments. */
async function stills() {
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

  const map = await newVisitor(browser, { reducedMotion: 'reduce' });
  await map.goto(network.page);
  await map.getByTestId('summary').filter({ hasText: 'paid' }).waitFor();
  await shot(map, 'network');

  const large = await startDevnet('--nodes', '12', '--seed', '7');
  try {
    const page = await newVisitor(browser, { reducedMotion: 'reduce', colorScheme: 'dark' });
    await page.goto(large.page);
    await page.getByTestId('payer-bob').waitFor();
    await large.bob.pay(await large.store.invoice(100_000, 'two cats'));
    await page.getByTestId('summary').filter({ hasText: 'bob paid' }).waitFor();
    await shot(page, 'network-of-twelve');
  } finally {
    await large.stop();
  }
}

function shot(page, name) {
  return page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true, animations: 'disabled' });
}
