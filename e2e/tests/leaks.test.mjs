// What mounting and unmounting leaves behind, by the browser's own counters.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { newVisitor } from '../browser.mjs';
import { setUp } from '../world.mjs';

/** How often two elements come and go, and how many cycles fill what is used again. */
const CYCLES = 400;
const WARM_UP = 20;

describe('elements that come and go', () => {
  let store, site, browser;

  setUp(async (world) => {
    ({ browser, store } = await world.shop());
    site = await world.site(store);
  });

  test('leave nothing behind before the WebAssembly is there', async () => {
    const page = await visit();
    await leaveNothing(page, () => 0);
  });

  test('leave nothing behind', async () => {
    const page = await visit();
    // The program's memory, which pages cannot see otherwise.
    await page.evaluate(() => {
      const start = WebAssembly.instantiateStreaming;
      WebAssembly.instantiateStreaming = async (...args) => {
        const started = await start.apply(WebAssembly, args);
        window.programMemory = started.instance.exports.memory;
        return started;
      };
    });
    await page.getByTestId('buy').first().hover();
    await page.locator('[aria-live]').first().waitFor({ state: 'attached' });
    await leaveNothing(page, () => page.evaluate(() => window.programMemory.buffer.byteLength));
  });

  async function visit() {
    const page = await newVisitor(browser);
    await page.goto(new URL('two.html', site.url).href);
    await page.getByTestId('buy').first().waitFor();
    return page;
  }

  /** Lets elements come and go on a page, and counts; `memoryOf` says how much memory a program has. */
  async function leaveNothing(page, memoryOf) {
    await page.evaluate(() => document.querySelectorAll('purr-wall').forEach((wall) => wall.remove()));
    await page.mouse.move(0, 0);
    const browserSide = await page.context().newCDPSession(page);
    const count = async () => {
      await browserSide.send('HeapProfiler.collectGarbage');
      const { nodes, jsEventListeners } = await browserSide.send('Memory.getDOMCounters');
      return { nodes, jsEventListeners, memory: await memoryOf() };
    };
    const cycle = (times) =>
      page.evaluate(async (times) => {
        const isDrawn = (wall) => wall.shadowRoot.querySelector('[data-test="buy"]');
        const next = () => new Promise((resolve) => setTimeout(resolve));
        for (let time = 0; time < times; time += 1) {
          const walls = ['cat', 'two-cats'].map((item) => {
            const wall = document.createElement('purr-wall');
            wall.item = item;
            document.body.append(wall);
            return wall;
          });
          while (!walls.every(isDrawn)) await next();
          for (const wall of walls) wall.remove();
          while (walls.some(isDrawn)) await next();
        }
      }, times);

    await cycle(WARM_UP);
    const before = await count();
    await cycle(CYCLES);
    const after = await count();
    const more = {
      nodes: after.nodes - before.nodes,
      jsEventListeners: after.jsEventListeners - before.jsEventListeners,
    };
    // A few come with the page itself, whatever it does; a leak would be one for each element.
    assert.equal(after.memory, before.memory, JSON.stringify({ before, after }));
    assert.ok(more.nodes < CYCLES / 10, JSON.stringify({ before, after }));
    assert.ok(more.jsEventListeners < CYCLES / 10, JSON.stringify({ before, after }));
  }
});
