// What a visitor sees while the page comes: nothing that jumps, nothing that fails.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { newVisitor } from '../browser.mjs';
import { setUp } from '../world.mjs';

/** What Core Web Vitals call good is 0.1 and less. */
const GOOD_SHIFT = 0.1;
const WINDOWS = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 900 } };

describe('the page', () => {
  let network, store, browser;

  setUp(async (world) => {
    ({ network, browser, store } = await world.shop());
  });

  for (const [form, viewport] of Object.entries(WINDOWS)) {
    test(`comes to a ${form} without moving what is there, and without an error`, async () => {
      const page = await newVisitor(browser, { viewport });
      const errors = [];
      page.on('console', (message) => /error|warning/.test(message.type()) && errors.push(message.text()));
      page.on('response', (response) => response.ok() || errors.push(`${response.status()} ${response.url()}`));
      await page.addInitScript(() => {
        window.shift = 0;
        const add = (list) => list.getEntries().forEach((entry) => (window.shift += entry.value));
        new PerformanceObserver(add).observe({ type: 'layout-shift', buffered: true });
      });
      await page.goto(store.url);
      await page.getByTestId('buy').first().waitFor();
      // An observer hears of a frame after it was drawn.
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
      const shift = await page.evaluate(() => window.shift);
      assert.ok(shift <= GOOD_SHIFT, `what was there moved by ${shift}`);
      assert.deepEqual(errors, []);
    });
  }
});
