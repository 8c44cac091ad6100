// The npm package as a site gets it: the packed file is installed into a site that Vite builds and
// into a plain page, and both sell a cat.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { newVisitor } from '../browser.mjs';
import { root } from '../server.mjs';
import { openSite } from '../site.mjs';
import { seesTheGoods, shownInvoice } from '../story.mjs';
import { setUp } from '../world.mjs';

const run = promisify(execFile);
const packages = join(root, 'target/widget');
const bin = (name) => join(root, 'e2e/node_modules/.bin', name);

describe('the npm package', () => {
  let network, store, browser, dir;

  setUp(async (world) => {
    ({ network, browser, store } = await world.shop());
    dir = await world.folder();
    const sites = join(root, 'e2e/sites');
    await cp(sites, dir, { recursive: true });
    for (const site of await readdir(sites)) await install(join(dir, site));
    // What a site needs beside the package, in the versions that are pinned for the tests.
    await symlink(join(root, 'e2e/node_modules'), join(dir, 'node_modules'));
  });

  test('sells on a site that Vite builds', async () => {
    await run(bin('vite'), ['build', '--logLevel', 'warn'], { cwd: join(dir, 'vite') });
    await withSite(join(dir, 'vite/dist'), async (page) => {
      await page.getByTestId('buy').click();
      await network.alice.pay(await shownInvoice(page));
      await seesTheGoods(page, store, 'cat');
      await page.getByText('Paid for cat').waitFor();
    });
  });

  for (const framework of ['react', 'vue']) {
    test(`sells on a site made with ${framework}, and tells it`, async () => {
      await run(bin('vite'), ['build', '--logLevel', 'warn'], { cwd: join(dir, framework) });
      await withSite(join(dir, framework, 'dist'), async (page) => {
        await page.getByTestId('buy').waitFor();
        assert.equal(await page.locator('purr-wall').getAttribute('max-sat'), '100');
        await page.getByTestId('buy').click();
        await network.alice.pay(await shownInvoice(page));
        await seesTheGoods(page, store, 'two-cats');
        await page.getByText('Paid for two-cats').waitFor();
      });
    });
  }

  test('sells on a page without a bundler', () =>
    withSite(join(dir, 'plain'), async (page) => {
      await page.getByTestId('buy').click();
      await network.alice.pay(await shownInvoice(page));
      await seesTheGoods(page, store, 'two-cats');
    }));

  test('its types know the element, its properties and its events', async () => {
    await run(bin('tsc'), ['--project', '.'], { cwd: join(dir, 'vite') }).catch(({ stdout }) =>
      assert.fail(stdout),
    );
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
      'package.json',
      'purrwall-web.js',
      'purrwall-web_bg.wasm',
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

  async function install(site) {
    const packed = (await readdir(packages)).find((file) => file.endsWith('.tgz'));
    assert.ok(packed, `there is no package in ${packages}; cargo xtask widget makes it`);
    await writeFile(join(site, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    const quiet = ['--offline', '--no-audit', '--no-fund', '--silent'];
    await run('npm', ['install', join(packages, packed), ...quiet], { cwd: site });
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
});
