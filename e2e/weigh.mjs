// How many bytes Chromium loads, with an empty cache, until something can be seen on a page:
//   node weigh.mjs ADDRESS SEEN [PRESSED]
// The last two are CSS selectors. `cargo xtask bench --peers` calls this for each program that it measures.

import { setTimeout as sleep } from 'node:timers/promises';
import { launchBrowser } from './browser.mjs';

/** A page has loaded what it loads once nothing came for so long, in ms. */
const QUIET_MS = 2_000;

const [address, seen, pressed] = process.argv.slice(2);
const browser = await launchBrowser();
try {
  const context = await browser.newContext();
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  let bytes = 0;
  let last = performance.now();
  devtools.on('Network.loadingFinished', ({ encodedDataLength }) => {
    bytes += encodedDataLength;
    last = performance.now();
  });
  await devtools.send('Network.enable');
  await page.goto(address);
  if (pressed) await page.locator(pressed).first().click();
  await page.locator(seen).first().waitFor();
  while (performance.now() - last < QUIET_MS) await sleep(100);
  console.log(bytes);
} finally {
  await browser.close();
}
