// Chromium, and what the tests do with a page again and again.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import jsQR from 'jsqr';
import { chromium, selectors } from 'playwright-core';
import { PNG } from 'pngjs';
import { outputDir } from './server.mjs';
import { PATIENCE_MS } from './until.mjs';

selectors.setTestIdAttribute('data-test');

const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };

/** The storage and pages of each visitor who is there. */
const visitors = new Set();

/** What Chromium is started with. */
const START = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-gpu',
    '--disable-sync',
  ],
};

/** Starts Chromium with a visitor's profile on the disk; the others keep what they keep in memory. */
export function launchProfile(dir) {
  return chromium.launchPersistentContext(dir, { ...START, viewport: DESKTOP, reducedMotion: 'reduce' });
}

/** The Chromium of visitors, where the tests use one without windows, which lacks some of it. */
const WHOLE = process.env.WHOLE_CHROMIUM ?? START.executablePath;

/** Starts Chromium, the whole of it if need be; `args` are more of its own, `options` more of Playwright's. */
export function launchBrowser({ isWhole = false, args = [], ...options } = {}) {
  return chromium.launch({
    ...options,
    executablePath: isWhole ? WHOLE : START.executablePath,
    args: [...START.args, ...args],
  });
}

/**
 * A page with a storage of its own: another visitor. What the page reports as an error fails.
 * `settings` are the visitor's own, as Playwright names them. Unless they say otherwise, nothing moves:
 * to draw moving cats without a GPU takes more time than the rest of a test.
 */
export async function newVisitor(browser, settings = {}) {
  const context = await browser.newContext({ viewport: DESKTOP, reducedMotion: 'reduce', ...settings });
  visitors.add(context);
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  page.on('pageerror', (error) => {
    throw error;
  });
  return page;
}

/** Closes the pages of all visitors. */
export async function closeVisitors() {
  const leaving = [...visitors];
  visitors.clear();
  await Promise.all(leaving.map((context) => context.close()));
}

/** Lets the visitor's wallet extension pay from `node`: WebLN, as far as a store needs it. */
export async function installWallet(page, node) {
  await page.exposeFunction('payFromNode', (bolt11) => node.pay(bolt11));
  await page.addInitScript(() => {
    window.webln = {
      enable: async () => {},
      sendPayment: async (bolt11) => ({ preimage: await window.payFromNode(bolt11) }),
    };
  });
}

/**
 * Keeps pictures of the page as it is, where the variable PICTURES is set: on a desktop, on a phone, and
 * in the dark.
 */
export async function takePictures(page, name) {
  if (!process.env.PICTURES) return;
  const take = async (look) => {
    const path = join(outputDir, `${name}-${look}.png`);
    await page.screenshot({ path, fullPage: true, animations: 'disabled' });
  };
  await take('desktop');
  await page.emulateMedia({ colorScheme: 'dark' });
  await take('dark');
  await page.setViewportSize(PHONE);
  await take('phone-dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await take('phone');
  await page.setViewportSize(DESKTOP);
}

/** What a phone's camera reads from an element, if it holds a QR code, dark on light. */
export async function scan(element) {
  const { data, width, height } = PNG.sync.read(await element.screenshot());
  const code = jsQR(new Uint8ClampedArray(data), width, height, {
    inversionAttempts: 'dontInvert',
  });
  assert.ok(code, 'no QR code is to be seen');
  return code.data;
}
