// The npm package as a site gets it: the packed file is installed into sites as their makers build them,
// or start them to work on, and each sells cats.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { newVisitor } from '../browser.mjs';
import { openLnbits } from '../lnbits.mjs';
import { openNwcWallet } from '../nwc.mjs';
import { root, startServer } from '../server.mjs';
import { openSite } from '../site.mjs';
import { seesTheGoods, shownInvoice } from '../story.mjs';
import { setUp } from '../world.mjs';

process.env.NEXT_TELEMETRY_DISABLED = '1';

const run = promisify(execFile);
const packages = join(root, 'target/widget');
const modules = join(root, 'e2e/node_modules');
const bin = (name) => join(modules, '.bin', name);
const QUIET = ['--logLevel', 'warn'];

describe('the npm package', () => {
  let network, store, browser, dir;

  setUp(async (world) => {
    ({ network, browser, store } = await world.shop());
    // Below e2e/, so that sites find there what they need beside the package, in pinned versions.
    dir = await mkdtemp(join(root, 'e2e/.sites-'));
    const sites = join(root, 'e2e/sites');
    await cp(sites, dir, { recursive: true });
    await cp(join(dir, 'webpack'), join(dir, 'parcel'), { recursive: true });
    const installed = await install(join(dir, 'plain'));
    for (const site of await readdir(dir)) await prepare(join(dir, site), installed);
  });
  after(() => rm(dir, { recursive: true, force: true }));

  test('sells on a site that Vite builds', async () => {
    await run(bin('vite'), ['build', ...QUIET], { cwd: join(dir, 'vite') });
    await withSite(join(dir, 'vite/dist'), (page) => sells(page, 'cat'));
  });

  for (const [framework, vite] of [
    ['react', 'vite'],
    ['react', 'vite7'],
    ['vue', 'vite'],
    ['angular', 'vite'],
  ]) {
    test(`sells on a site made with ${framework} and ${vite}, and tells it`, async () => {
      const cwd = join(dir, framework);
      if (framework === 'angular') await compiles('ngc', ['--project', '.'], cwd);
      await run(process.execPath, [await script(vite), 'build', ...QUIET], { cwd });
      await withSite(join(cwd, 'dist'), async (page) => {
        await page.getByTestId('buy').waitFor();
        assert.equal(await page.locator('purr-wall').getAttribute('max-sat'), '100');
        await sells(page, 'two-cats');
      });
    });
  }

  describe('with bitcoin-connect', () => {
    let dist;

    before(async () => {
      const cwd = join(dir, 'connect');
      await run(bin('vite'), ['build', ...QUIET], { cwd });
      dist = join(cwd, 'dist');
    });

    test('loads it at the press, takes its LNbits wallet, and buys with one click then', async () => {
      const lnbits = await openLnbits(network.alice);
      try {
        await withSite(dist, async (page) => {
          const loaded = [];
          page.on('request', (request) => loaded.push(new URL(request.url()).pathname));
          const isLoaded = async () => {
            const scripts = (await readdir(join(dist, 'assets'))).filter((file) => file.endsWith('.js'));
            const texts = await Promise.all(scripts.map((file) => readFile(join(dist, 'assets', file), 'utf8')));
            const connects = scripts.filter((_, index) => texts[index].includes('bc-modal'));
            assert.ok(connects.length > 0, 'bitcoin-connect is in none of the scripts');
            return loaded.some((path) => connects.some((file) => path.endsWith(file)));
          };
          const cats = page.locator('purr-wall[item="two-cats"]');
          await cats.getByTestId('buy').click();
          await cats.getByTestId('connect').waitFor();
          assert.equal(await isLoaded(), false, 'nothing is loaded before the press');
          await cats.getByTestId('connect').click();
          await page.locator('bc-modal').getByText('LNbits', { exact: true }).click();
          await page.locator('bc-lnbits input').first().fill(lnbits.key);
          await page.locator('bc-lnbits input').last().fill(lnbits.url);
          await page.locator('bc-lnbits').getByText('Connect', { exact: true }).click();
          await cats.getByTestId('connect').waitFor({ state: 'detached' });
          assert.equal(await isLoaded(), true);
          assert.equal(lnbits.payments.size, 0, 'connecting pays nothing');
          await cats.getByTestId('pay-webln').click();
          await seesTheGoods(cats, store, 'two-cats');
          await cats.getByText('Next time, buy with one click').click();
          await cats.getByTestId('one-click').getByText('Save').click();

          // A later visit: bitcoin-connect remembers the wallet, and the buyer allows it.
          await page.reload();
          const cat = page.locator('purr-wall[item="cat"]');
          await cat.getByTestId('buy').click();
          await seesTheGoods(cat, store, 'cat');
          assert.equal(await page.locator('bc-modal').count(), 0);
          assert.equal(lnbits.payments.size, 2);
        });
      } finally {
        await lnbits.stop();
      }
    });

    /** How a buyer connects a wallet that pays over a relay, in bitcoin-connect's window. */
    const overNostr = {
      async 'Nostr Wallet Connect'(page, wallet) {
        await page.locator('bc-modal').getByText('NWC', { exact: true }).click();
        await page.locator('bc-nwc input').fill(await wallet.connection());
        await page.locator('bc-nwc').getByText('Connect', { exact: true }).click();
      },
      // Alby's page asks the owner, and hands the site a connection for the site's own key.
      async 'Alby Hub'(page, wallet) {
        await page.context().route('https://my.albyhub.com/**', async (route) => {
          await wallet.allow(new URL(route.request().url()).searchParams.get('pubkey'));
          const { relayUrl, walletPubkey } = wallet;
          const granted = JSON.stringify({ type: 'nwc:success', relayUrl, walletPubkey });
          const body = `<script>opener.postMessage(${granted}, '*')</script>`;
          await route.fulfill({ contentType: 'text/html', body });
        });
        await page.locator('bc-modal').getByText('Alby Hub', { exact: true }).click();
        await page.locator('bc-alby-hub').getByText('Alby Cloud', { exact: true }).click();
      },
    };
    for (const [name, connect] of Object.entries(overNostr)) {
      test(`takes a wallet of ${name}, and again at a later visit`, async () => {
        const wallet = await openNwcWallet(network.alice);
        try {
          await withSite(dist, async (page) => {
            for (const [item, isConnected] of [
              ['two-cats', false],
              ['cat', true],
            ]) {
              const wall = page.locator(`purr-wall[item="${item}"]`);
              await wall.getByTestId('buy').click();
              await wall.getByTestId('connect').click();
              if (!isConnected) await connect(page, wallet);
              await wall.getByTestId('connect').waitFor({ state: 'detached' });
              await wall.getByTestId('pay-webln').click();
              await seesTheGoods(wall, store, item);
              await page.reload();
            }
          });
          assert.equal(wallet.paid.length, 2);
        } finally {
          await wallet.stop();
        }
      });
    }
  });

  for (const [name, vite] of [
    ['Vite 8', 'vite'],
    ['Vite 7', 'vite7'],
  ]) {
    test(`sells on ${name}’s development server`, async () => {
      const args = [await script(vite), '--host', '127.0.0.1', '--port', '0'];
      await withServer(vite, process.execPath, args, 'vite', /(http:\/\/127\.0\.0\.1:\d+)/, 'cat');
    });
  }

  test('sells on a site that webpack builds', async () => {
    const cwd = join(dir, 'webpack');
    await run(bin('webpack'), [], { cwd });
    await cp(join(cwd, 'index.html'), join(cwd, 'dist/index.html'));
    await withSite(join(cwd, 'dist'), (page) => sells(page, 'two-cats'));
  });

  test('sells on a site that Parcel builds', async () => {
    const cwd = join(dir, 'parcel');
    await run(bin('parcel'), ['build', 'index.html', '--no-cache', '--no-source-maps'], { cwd });
    await withSite(join(cwd, 'dist'), (page) => sells(page, 'two-cats'));
  });

  test('sells in a client component of Next.js', () =>
    withServer(
      'next',
      bin('next'),
      ['dev', '--hostname', '127.0.0.1', '--port', '0'],
      'next',
      /(http:\/\/127\.0\.0\.1:\d+)/,
      'two-cats',
    ));

  test('sells on a page without a bundler', () =>
    withSite(join(dir, 'plain'), async (page) => {
      await page.getByTestId('buy').click();
      await network.alice.pay(await shownInvoice(page));
      await seesTheGoods(page, store, 'two-cats');
    }));

  test('its types know the element, its properties and its events', async () => {
    for (const site of ['vite', 'react', 'solid', 'connect']) {
      await compiles('tsc', ['--project', '.'], join(dir, site));
    }
    await compiles('vue-tsc', ['--project', '.'], join(dir, 'vue'));
    await compiles('svelte-check', ['--fail-on-warnings'], join(dir, 'svelte'));
    await compiles('ngc', ['--project', '.', '--noEmit'], join(dir, 'angular'));
  });

  test('can be imported where a server draws the page', () =>
    run(process.execPath, ['--input-type=module', '--eval', "import 'purrwall-widget'"], {
      cwd: join(dir, 'plain'),
    }));

  test('holds what it names, and nothing of this machine', async () => {
    const installed = join(dir, 'plain/node_modules/purrwall-widget');
    assert.deepEqual((await readdir(installed)).sort(), [
      'LICENSE-APACHE',
      'LICENSE-MIT',
      'README.md',
      'custom-elements.json',
      'offer.js',
      'package.json',
      'purrwall-web.js',
      'purrwall-web_bg.wasm',
      'sealed.js',
      'server.js',
      'wall.txt',
      'widget.d.ts',
      'widget.js',
      'words',
    ]);
    const files = await readdir(installed, { recursive: true, withFileTypes: true });
    for (const { name: file, parentPath } of files.filter((file) => file.isFile())) {
      const bytes = await readFile(join(parentPath, file), 'latin1');
      assert.ok(!bytes.includes(root), `${file} holds the path of the folder it was built in`);
    }
  });

  /** Installs the package into a site, as its maker does. */
  async function install(site) {
    const packed = (await readdir(packages)).find((file) => file.endsWith('.tgz'));
    assert.ok(packed, `there is no package in ${packages}; cargo xtask widget makes it`);
    await writeFile(join(site, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    const quiet = ['--offline', '--no-audit', '--no-fund', '--silent'];
    await run('npm', ['install', join(packages, packed), ...quiet], { cwd: site });
    return site;
  }

  /** Gives a site what npm installed into another, because npm takes seconds; the site then sells from the store. */
  async function prepare(site, installed) {
    if (site !== installed) {
      for (const part of ['package.json', 'package-lock.json', 'node_modules']) {
        await cp(join(installed, part), join(site, part), { recursive: true });
      }
    }
    const files = await readdir(site, { recursive: true });
    const sources = files.filter(
      (file) => !file.includes('node_modules') && /\.(jsx|tsx?|vue|html)$/.test(file),
    );
    for (const file of sources) {
      const text = await readFile(join(site, file), 'utf8');
      const origin = new URL(store.url).origin;
      await writeFile(join(site, file), text.replaceAll('https://store.example', origin));
    }
  }

  async function sells(page, item) {
    await page.getByTestId('buy').click();
    await network.alice.pay(await shownInvoice(page));
    await seesTheGoods(page, store, item);
    await page.getByText(`Paid for ${item}`).waitFor();
  }

  async function withSite(folder, use) {
    const site = await openSite(store.url, folder);
    try {
      const page = await newVisitor(browser);
      await page.goto(site.url);
      await use(page);
    } finally {
      await site.stop();
    }
  }

  /** Starts a development server in a site's folder, and buys there. */
  async function withServer(name, program, args, site, ready, item) {
    const server = await startServer(name, program, args, ready, { cwd: join(dir, site) });
    try {
      const page = await newVisitor(browser);
      await page.goto(server.lines.find((line) => ready.test(line)).match(ready)[1]);
      await page.getByTestId('buy').waitFor();
      // The words of a language are taken along, too.
      await page.locator('purr-wall').evaluate((wall) => {
        wall.lang = 'de';
      });
      await page.getByTestId('buy').getByText('Kiste öffnen').waitFor();
      await sells(page, item);
    } finally {
      await server.stop();
    }
  }
});

/** The program of a version of Vite. */
async function script(vite) {
  const { bin } = JSON.parse(await readFile(join(modules, vite, 'package.json')));
  return join(modules, vite, bin.vite);
}

/** Fails with what a compiler says. */
async function compiles(compiler, args, cwd) {
  await run(bin(compiler), args, { cwd }).catch(({ stdout, stderr }) =>
    assert.fail(`${compiler} in ${cwd}: ${stdout}${stderr}`),
  );
}
