// How fast the store's page and the widget are on a phone with a slow network, as Chromium emulates it:
// `cargo xtask phone`. Beside them, in turns, the payment modal of bitcoin-connect on a page that has an
// invoice already.
//
// Each is measured several times with a cold cache, and the medians count. The page's own clock counts from the
// beginning of its navigation, so that nothing of the harness is in the figures.

import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { launchBrowser } from './browser.mjs';
import { withWorld } from './world.mjs';

const RUNS = 5;
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, reducedMotion: 'reduce' };
/** How many times slower the processor is. */
const SLOWER = 4;
/** 1.6 Mbit/s, with 150 ms from a question to its answer. */
const NETWORK = { offline: false, latency: 150, downloadThroughput: 200_000, uploadThroughput: 94_000 };
/** How long before a click a pointer or a finger gave notice of it, in milliseconds. */
const NOTICE = 500;
const AIMS = { offer: 800, 'click to code': 1800, 'click with notice to code': 500 };

await withWorld(async (world) => {
  const [network, browser] = await Promise.all([world.network(), world.browser(launchBrowser)]);
  const store = await world.store(network);
  const pages = await world.folder();
  const script = new URL('widget.js', store.url);
  await writeFile(
    join(pages, 'widget.html'),
    `<!doctype html><meta name="viewport" content="width=device-width"><title>A site</title>
      <script type="module" src="${script}"></script><purr-wall item="cat"></purr-wall>`,
  );
  await bitcoinConnect(pages, await network.store.invoice(100_000, 'A cat'));
  const site = await world.site(store, pages);
  const subjects = {
    'the store’s page': { url: store.url, buy: ['[data-test="buy"]'], code: ['[data-test="qr"]'] },
    'the widget': { url: `${site.url}widget.html`, buy: ['[data-test="buy"]'], code: ['[data-test="qr"]'] },
    // Its code is one press further; here its screen of ways to pay counts.
    'bitcoin-connect': { url: `${site.url}connect/`, buy: ['#pay'], code: ['bc-send-payment', 'bci-button'] },
  };
  const times = {};
  for (let run = 0; run < RUNS; run += 1) {
    for (const [name, subject] of Object.entries(subjects)) {
      for (const notice of [0, NOTICE]) {
        const { offer, code } = await measure(browser, subject, notice);
        add(times, name, 'offer', offer);
        add(times, name, notice ? 'click with notice to code' : 'click to code', code);
      }
    }
  }
  for (const [name, measured] of Object.entries(times)) {
    for (const [what, all] of Object.entries(measured)) {
      console.log(`${name}: ${what} ${Math.round(median(all))} ms (aim ${AIMS[what]})`);
    }
  }
});

/**
 * Opens a page with a cold cache and presses the button; gives how long the offer and the code took,
 * in milliseconds.
 */
async function measure(browser, { url, buy, code }, notice) {
  const context = await browser.newContext(PHONE);
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: SLOWER });
  await devtools.send('Network.enable');
  await devtools.send('Network.emulateNetworkConditions', NETWORK);
  await page.addInitScript(watch, { buy, code });
  await page.goto(url, { waitUntil: 'commit' });
  const offer = await seen(page, 'buy');
  // bitcoin-connect's button stands in the page before the script that it needs.
  await page.waitForLoadState('load');
  await page.waitForTimeout(500);
  if (notice) {
    await page.evaluate(() => press('pointerover'));
    await page.waitForTimeout(notice);
  }
  const clicked = await page.evaluate(() => press('click'));
  const shown = await seen(page, 'code');
  await context.close();
  return { offer, code: shown - clicked };
}

/** Notes in a page when something is to be seen. Each is named by selectors, the next one below the last. */
function watch(wanted) {
  const times = {};
  const find = (root, selector) => {
    for (const element of root.querySelectorAll('*')) {
      const found = element.matches(selector) ? element : element.shadowRoot && find(element.shadowRoot, selector);
      if (found) return found;
    }
    return undefined;
  };
  const element = (name) =>
    wanted[name].reduce((above, selector) => above && find(above.shadowRoot ?? above, selector), document);
  const look = () => {
    for (const name of Object.keys(wanted)) {
      if (!(name in times) && element(name)?.checkVisibility()) times[name] = performance.now();
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  Object.assign(globalThis, {
    timeOf: (name) => times[name],
    /** Does this to the button, and gives the time. */
    press(event) {
      const button = element('buy');
      const now = performance.now();
      if (event === 'click') button.click();
      else button.dispatchEvent(new PointerEvent(event, { bubbles: true, composed: true }));
      return now;
    },
  });
}

/** When it was first to be seen, in milliseconds since the page's navigation began. */
async function seen(page, name) {
  const time = await page.waitForFunction((what) => timeOf(what), name, { polling: 100 });
  return time.jsonValue();
}

/** Builds a page with bitcoin-connect's newest payment modal for an invoice, as its users build it. */
async function bitcoinConnect(pages, invoice) {
  const dir = join(pages, 'connect-source');
  await mkdir(dir);
  const button = '<button id="pay">Pay</button>';
  await writeFile(
    join(dir, 'index.html'),
    `<!doctype html><meta name="viewport" content="width=device-width"><title>A site</title>${button}
      <script type="module" src="./main.js"></script>`,
  );
  await writeFile(
    join(dir, 'main.js'),
    `import { launchPaymentModal } from '@getalby/bitcoin-connect';
      document.querySelector('#pay').addEventListener('click', () => launchPaymentModal({ invoice: '${invoice}' }));`,
  );
  await writeFile(join(dir, 'package.json'), '{ "type": "module", "private": true }');
  const run = (program, ...args) => promisify(execFile)(program, args, { cwd: dir });
  await run('npm', 'install', '--no-audit', '--no-fund', '@getalby/bitcoin-connect', 'vite@7');
  await run('npx', 'vite', 'build', '--base', './', '--outDir', '../connect');
}

function add(times, name, what, ms) {
  ((times[name] ??= {})[what] ??= []).push(ms);
}

function median(numbers) {
  return numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}
