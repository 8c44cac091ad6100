// What browser tests run in: a network, stores, sites, browsers, folders. What was started is ended,
// also if something else could not start.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before } from 'node:test';
import { closeVisitors, launchBrowser } from './browser.mjs';
import { startDevnet } from './network.mjs';
import { openSite } from './site.mjs';
import { openStore } from './store.mjs';

/**
 * Builds a world before the tests of a suite and ends it after them. After each test the pages close:
 * an open page goes on asking and drawing, and slows down the tests that follow.
 */
export function setUp(build) {
  const world = new World();
  before(async () => {
    try {
      await build(world);
    } catch (error) {
      // Not every version of Node.js runs `after` if `before` failed.
      await world.end();
      throw error;
    }
  });
  afterEach(closeVisitors);
  after(() => world.end());
}

/** Builds a world for a script and ends it once `use` is done. */
export async function withWorld(use) {
  const world = new World();
  try {
    await use(world);
  } finally {
    await world.end();
  }
}

class World {
  #browsers = [];
  #others = [];

  /** What most tests need: a network, a store on it, and Chromium. `args` are the store's. */
  async shop(...args) {
    const [network, browser] = await Promise.all([this.network(), this.browser()]);
    return { network, browser, store: await this.store(network, ...args) };
  }

  /** Starts a network, as `start` does it. */
  network(start = startDevnet) {
    return keep(this.#others, start(), (network) => network.stop());
  }

  /** Opens a store on a network; `args` are more of the gateway's options. */
  store(network, ...args) {
    return keep(this.#others, openStore(network, ...args), (store) => store.stop());
  }

  /** Opens a site that sells from a store; `dir` holds its pages, if not those of the examples. */
  site(store, dir) {
    return keep(this.#others, openSite(store.url, dir), (site) => site.stop());
  }

  /** Ends something that was started elsewhere. */
  keep(part) {
    keep(this.#others, Promise.resolve(part), () => part.stop());
  }

  /** Makes an empty folder. */
  folder() {
    const making = mkdtemp(join(tmpdir(), 'purrwall-'));
    return keep(this.#others, making, (dir) => rm(dir, { recursive: true }));
  }

  /** Starts a browser, as `launch` does it. */
  browser(launch = launchBrowser) {
    return keep(this.#browsers, launch(), (browser) => browser.close());
  }

  /** Ends everything: browsers first, because they hold connections to the rest; then the newest. */
  async end() {
    const errors = [];
    for (const { starting, end } of [...this.#browsers.splice(0), ...this.#others.splice(0).reverse()]) {
      const part = await starting.catch(() => undefined);
      if (part !== undefined) await end(part).catch((error) => errors.push(error));
    }
    if (errors.length > 0) throw errors[0];
  }
}

function keep(parts, starting, end) {
  parts.push({ starting, end });
  return starting;
}
