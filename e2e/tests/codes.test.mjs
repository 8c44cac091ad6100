// Codes on paper, followed by published libraries that are not ours, paid over the devnet, and opened by a
// person without scripts.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { promisify } from 'node:util';
import { LightningAddress } from '@getalby/lightning-tools/lnurl';
import { newVisitor, scan, takePictures } from '../browser.mjs';
import { root } from '../server.mjs';
import { until } from '../until.mjs';
import { setUp } from '../world.mjs';

const run = promisify(execFile);
const python = join(root, '.tools/python/bin/python');
const noPython = !existsSync(python) && 'there is no Python environment; `cargo xtask setup` makes it';
const WITHOUT_SCRIPT = { javaScriptEnabled: false };
const POEM = 'Purr, purr, purr.\n';
const DOMAIN = 'https://cats.example';

suite('a code on paper', () => {
  let network, browser, store, atDomain, dir;

  setUp(async (world) => {
    [network, browser, dir] = await Promise.all([world.network(), world.browser(), world.folder()]);
    await writeFile(join(dir, 'poem.txt'), POEM);
    await copyFile(join(root, 'e2e/goods/clip.webm'), join(dir, 'clip.webm'));
    const file = join(dir, 'purrwall.toml');
    await writeFile(
      file,
      `store_name = "The Cat Store"
[[item]]
id = "poem"
title = "A poem"
file = "poem.txt"
price = "5 sat"
[[item]]
id = "clip"
title = "A “clip” of cats"
file = "clip.webm"
price = "7 sat"
`,
    );
    store = await world.store(network, '--config', file);
    const data = join(dir, 'at-domain');
    atDomain = await world.store(network, '--config', file, '--public-url', DOMAIN, '--data-dir', data);
  });

  /** What the library `lnurl` for Python does with a code; without a node, where it leads. */
  async function lnurl(code, ...node) {
    const script = join(root, 'e2e/clients/code.py');
    const { stdout } = await run(python, [script, code, ...node], { cwd: join(root, 'e2e/clients') });
    return node.length > 0 ? JSON.parse(stdout) : stdout.trim();
  }

  const offer = (item) => new URL(`.well-known/lnurlp/${item}`, store.url).href;

  test('is shown with what it sells, and leads to the store', { skip: noPython }, async () => {
    const page = await newVisitor(browser, WITHOUT_SCRIPT);
    await page.goto(new URL('buy/clip', atDomain.url).href);
    const paper = page.getByTestId('paper');
    await paper.locator('summary').click();
    await takePictures(page, 'code');
    await paper.getByText('buys “A “clip” of cats” for 7 sat').waitFor();
    assert.equal(await page.getByTestId('lightning-address').textContent(), 'clip@cats.example');
    const code = await page.getByTestId('lnurl').inputValue();
    assert.equal(await scan(paper.getByTestId('qr')), `LIGHTNING:${code}`);
    assert.equal(await lnurl(code), `${DOMAIN}/.well-known/lnurlp/clip`);
  });

  test('sells a short text to the library lnurl', { skip: noPython }, async () => {
    const { text, metadata } = await lnurl(offer('poem'), network.alice.socket);
    assert.ok(text.startsWith(POEM), text);
    assert.match(metadata, /A poem sha256:[0-9a-f]{64}/);
  });

  test('sells a film to the library lnurl, and its page opens with the preimage', { skip: noPython }, async () => {
    const bought = await lnurl(offer('clip'), network.bob.socket);
    const page = await newVisitor(browser, WITHOUT_SCRIPT);
    await page.goto(bought.url);
    await page.getByTestId('paid').waitFor();
    await takePictures(page, 'code-paid');
    await page.getByTestId('preimage').fill('00'.repeat(32));
    await page.getByTestId('prove').click();
    await page.getByText('this preimage is of another payment', { exact: false }).waitFor();

    await page.goto(bought.url);
    await page.getByTestId('preimage').fill(bought.preimage);
    await page.getByTestId('prove').click();
    await page.locator('video[data-test=content]').waitFor();
    assert.equal(new URL(page.url()).pathname, '/buy/clip');
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByTestId('save').click()]);
    assert.deepEqual(await readFile(await download.path()), await readFile(join(dir, 'clip.webm')));

    // The receipt holds offline, and the purchase opens on the store's page, which checks it, too.
    await page.getByTestId('keep').click();
    await givesReceipt(page, page.getByTestId('save-receipt'), bought.metadata);
    const link = await page.getByTestId('link').inputValue();
    const elsewhere = await newVisitor(browser);
    await elsewhere.goto(link);
    await elsewhere.getByTestId('open-link').click();
    const card = elsewhere.getByTestId('item-clip');
    await card.locator('video').waitFor();
    // It gives no receipt for goods whose promise it has not read.
    await givesReceipt(elsewhere, card.getByTestId('save-receipt'), bought.metadata);
  });

  /** The button gives a receipt that holds offline. */
  async function givesReceipt(page, button, metadata) {
    const [saved] = await Promise.all([page.waitForEvent('download'), button.click()]);
    const receipt = join(dir, 'receipt.json');
    await saved.saveAs(receipt);
    assert.equal(JSON.parse(await readFile(receipt)).metadata, metadata);
    const program = process.env.PURRWALL ?? join(root, 'target/debug/purrwall');
    const { stdout } = await run(program, ['verify', receipt, join(dir, 'clip.webm')]);
    assert.match(stdout, /the invoice was paid; the content is the promised one/);
  }

  test('is the Lightning Address that lightning-tools pays', async () => {
    const atHome = globalThis.fetch;
    const asked = [];
    // The domain leads to the store, as its name would.
    globalThis.fetch = (url, ...rest) => {
      asked.push(String(url));
      return atHome(String(url).replace(DOMAIN, atDomain.url), ...rest);
    };
    try {
      const address = new LightningAddress('clip@cats.example', { proxy: false });
      await address.fetch();
      assert.equal(address.lnurlpData.identifier, 'clip@cats.example');
      assert.equal(address.lnurlpData.fixed, true);
      const invoice = await address.requestInvoice({ satoshi: 7 });
      assert.equal(await invoice.isPaid(), false);
      const preimage = await network.alice.pay(invoice.paymentRequest);
      // Alice may know a moment before the store.
      await until('the store to know', () => invoice.isPaid());
      assert.equal(invoice.preimage, null, 'the store told the preimage to whoever asks');
      assert.equal(invoice.validatePreimage(preimage), true);
      assert.ok(invoice.successAction.url.startsWith(`${DOMAIN}/buy/clip/paid/`));
      assert.ok(asked.every((url) => !url.includes(preimage)));
    } finally {
      globalThis.fetch = atHome;
    }
  });
});
