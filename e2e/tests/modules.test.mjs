// The modules for sites' own servers, from their packed files: on the vectors of the Rust code, and in a
// server of JavaScript and one of Python that a real sale is told to.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { freePort, root, startServer } from '../server.mjs';
import { until } from '../until.mjs';
import { setUp } from '../world.mjs';

const run = promisify(execFile);
const packages = join(root, 'target/modules');
const vectors = join(root, 'shared/tests/vectors');
const python = join(root, '.tools/python/bin/python');
const purrwall = process.env.PURRWALL ?? join(root, 'target/debug/purrwall');
const noPython = !existsSync(python) && 'there is no Python environment; `cargo xtask setup` makes it';

const read = async (name) => JSON.parse(await readFile(join(vectors, `${name}.json`), 'utf8'));
/** A function of the module's throws with this code. */
const failsWith = (code, call) => assert.throws(call, { name: 'PurrwallError', code });

/** The packed file whose name ends so. */
async function packed(end) {
  const files = await readdir(packages).catch(() => []);
  const file = files.find((name) => name.endsWith(end));
  assert.ok(file, `there is no ${end} in ${packages}; cargo xtask modules makes it`);
  return join(packages, file);
}

suite('the modules for servers', () => {
  let dir, module;

  before(async () => {
    // Below e2e/, so that TypeScript finds there what it needs.
    dir = await mkdtemp(join(root, 'e2e/.sites-'));
    await writeFile(join(dir, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--silent'];
    await run('npm', ['install', await packed('.tgz'), ...quiet], { cwd: dir });
    module = await import(pathToFileURL(join(dir, 'node_modules/purrwall/index.js')));
    if (noPython) return;
    const pip = ['-m', 'pip', 'install', '--quiet', '--no-index', '--no-deps', '--target', join(dir, 'python')];
    await run(python, [...pip, await packed('.whl')]);
  });
  after(() => rm(dir, { recursive: true, force: true }));

  test('JavaScript reads invoices as Rust does', async () => {
    const codes = {
      unknown_even_feature: 'unknown-feature',
      signature_not_recoverable: 'signature',
      high_s_with_n: 'signature',
    };
    for (const { kind, invoice, expected } of await read('bolt11')) {
      if (kind === 'invalid') {
        failsWith(codes[expected.error] ?? 'malformed-invoice', () => module.decodeInvoice(invoice));
        continue;
      }
      const decoded = module.decodeInvoice(invoice);
      const found = {
        network: decoded.network,
        amount_msat: decoded.amountMsat,
        timestamp: decoded.createdAt,
        payment_hash: decoded.paymentHash,
        description: decoded.description,
        expiry_seconds: decoded.expiresAt - decoded.createdAt,
        payee: decoded.payee,
      };
      for (const [name, value] of Object.entries(found)) assert.equal(value, expected[name], name);
    }
  });

  test('JavaScript takes the receipts that Rust takes', async () => {
    for (const { name, receipt, content, payee, proof, fails } of await read('receipts')) {
      const options = { payee, content: content === null ? undefined : Buffer.from(content) };
      for (const form of [receipt, JSON.stringify(receipt)]) {
        const verify = () => module.verifyReceipt(form, options);
        if (fails) failsWith(fails, verify);
        else assert.deepEqual(snakeCase(verify()), proof, name);
      }
    }
  });

  test('JavaScript takes the webhooks that Rust signs', async () => {
    for (const { secrets, headers, body, now, fails } of await read('webhooks')) {
      for (const form of [body, Buffer.from(body)]) {
        for (const given of [headers, new Headers(headers)]) {
          const verify = () => module.verifyWebhook(secrets, given, form, { now: now * 1000 });
          if (fails) failsWith(fails, verify);
          else assert.deepEqual(verify(), { ...JSON.parse(body), id: headers['webhook-id'] });
        }
      }
    }
  });

  test('JavaScript names bad input', async () => {
    const { Store, decodeInvoice, verifyReceipt, verifyWebhook } = module;
    const [{ receipt, payee }] = await read('receipts');
    const [{ secrets, headers }] = await read('webhooks');
    failsWith('payee', () => verifyReceipt(receipt));
    failsWith('payee', () => verifyReceipt(receipt, { payee: '03' }));
    failsWith('malformed-receipt', () => verifyReceipt('miau', { payee }));
    failsWith('malformed-receipt', () => verifyReceipt(null, { payee }));
    failsWith('malformed-receipt', () => verifyReceipt({ ...receipt, size: -1 }, { payee }));
    failsWith('malformed-receipt', () => verifyReceipt({ ...receipt, preimage: '00' }, { payee }));
    failsWith('malformed-invoice', () => decodeInvoice(undefined));
    failsWith('malformed-invoice', () => decodeInvoice(`ln${'1'.repeat(9000)}`));
    failsWith('malformed-webhook', () => verifyWebhook(secrets, {}, ''));
    failsWith('malformed-webhook', () => verifyWebhook(secrets, headers, {}));
    failsWith('secret', () => verifyWebhook([], headers, ''));
    failsWith('store', () => new Store('cats.example', 'key'));
    failsWith('invalid-key', () => new Store('https://cats.example', ' '));
    const store = new Store('http://127.0.0.1:1', 'key');
    await assert.rejects(store.verify({}), { code: 'invalid-request' });
    await assert.rejects(store.verify({ claim: 'AgJC' }), { code: 'store' });
  });

  test('JavaScript has types', async () => {
    const source = `import { Store, verifyReceipt, verifyWebhook, type Verdict } from 'purrwall';
      const event = verifyWebhook(['whsec_AA=='], new Headers(), new Uint8Array());
      if (event.type === 'invoice.paid') event.data.amount_msat.toFixed();
      const amount: number | null = verifyReceipt('{}', { payee: '03' }).amountMsat;
      const verdict: Verdict = await new Store('https://cats.example', 'key').verify({ claim: 'AgJC' });
      if (verdict.good) verdict.valid_until?.toFixed(amount ?? 0);
      else verdict.reason.trim();
      // @ts-expect-error The store's node has to be named.
      verifyReceipt('{}');
    `;
    await writeFile(join(dir, 'use.ts'), source);
    const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--lib', 'es2022,dom'];
    const tsc = join(root, 'e2e/node_modules/.bin/tsc');
    await run(tsc, [...flags, '--skipLibCheck', 'use.ts'], { cwd: dir }).catch(({ stdout }) => assert.fail(stdout));
  });

  test('Python does as Rust does', { skip: noPython }, async () => {
    const tests = join(root, 'modules/python/tests');
    const env = { ...process.env, PYTHONPATH: join(dir, 'python'), VECTORS: vectors, PYTHONDONTWRITEBYTECODE: '1' };
    const pytest = ['-m', 'pytest', '--quiet', '-p', 'no:cacheprovider', tests];
    await run(python, pytest, { cwd: dir, env }).catch(({ stdout }) => assert.fail(stdout));
  });

  test('the packages hold their licences, and no tests', { skip: noPython }, async () => {
    const files = await readdir(join(dir, 'node_modules/purrwall'));
    assert.deepEqual(files.sort(), [
      'LICENSE-APACHE',
      'LICENSE-MIT',
      'README.md',
      'bolt11.js',
      'error.js',
      'index.d.ts',
      'index.js',
      'package.json',
      'receipt.js',
      'store.js',
      'webhook.js',
    ]);
    const installed = await readdir(join(dir, 'python'), { recursive: true });
    for (const file of ['purrwall/py.typed', 'purrwall/bolt11.py']) assert.ok(installed.includes(file), file);
    assert.ok(installed.some((file) => file.endsWith('LICENSE-MIT')), 'it has no licence');
    assert.ok(!installed.some((file) => file.includes('test_')), 'it holds tests');
  });

  suite('of a sale', () => {
    let network, store, payee, key, bought, receipt;

    setUp(async (world) => {
      network = await world.network();
      const folder = await world.folder();
      const keyFile = join(folder, 'key');
      key = crypto.randomUUID();
      await writeFile(keyFile, key);
      const hook = async () => `http://127.0.0.1:${await freePort()}/purrwall`;
      const [javascript, py] = [await hook(), await hook()];
      bought = { javascript, py };
      const hooks = ['--webhooks', `${javascript} ${py}`, '--data-dir', folder];
      store = await world.store(network, ...hooks, '--verify-key-file', keyFile);
      payee = (await network.store.call('getinfo')).id;
    });

    test('a server in JavaScript knows the buyer', async () => {
      await copyFile(join(root, 'e2e/services/shop.mjs'), join(dir, 'shop.mjs'));
      await knows(bought.javascript, process.execPath, join(dir, 'shop.mjs'));
    });

    test('a server in Python knows the buyer', { skip: noPython }, async () => {
      await knows(bought.py, python, join(root, 'e2e/services/shop.py'));
    });

    /** Starts a shop, and buys a cat that it has to hear of and to know. */
    async function knows(hook, program, script) {
      const { stdout } = await run(purrwall, ['webhook', 'secret', hook, '--secret-file', store.secret]);
      const settings = { SECRET: stdout.trim(), PAYEE: payee, STORE: store.url, KEY: key, PORT: new URL(hook).port };
      const environment = Object.entries({ ...settings, PYTHONPATH: join(dir, 'python') });
      const variables = environment.map(([name, value]) => `${name}=${value}`);
      const shop = await startServer('shop', 'env', [...variables, program, script], /listening on/);
      try {
        await isTold(hook);
        await isShown(hook);
      } finally {
        await shop.stop();
      }
    }

    async function post(hook, path, body, headers = {}) {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const answer = await fetch(new URL(path, hook), { method: 'POST', body: text, headers });
      return { status: answer.status, told: await answer.json() };
    }

    /** Buys, and waits until the shop has heard of it; a webhook that was made up is refused. */
    async function isTold(hook) {
      const out = join(dir, `cat-${new URL(hook).port}`);
      await mkdir(out);
      const buy = ['buy', new URL('goods/cat', store.url).href, '--out', join(out, 'cat')];
      await run(purrwall, [...buy, '--lightning-rpc', network.alice.socket, '--max-sat', '100']);
      receipt = JSON.parse(await readFile(join(out, 'cat.receipt.json'), 'utf8'));
      const hash = module.decodeInvoice(receipt.bolt11).paymentHash;
      const heard = async () => (await post(hook, '/events', '')).told.find(({ id }) => id === hash);
      await until('the shop to hear of the sale', async () => (await heard()) !== undefined);
      const event = await heard();
      assert.equal(event.type, 'invoice.paid');
      assert.deepEqual([event.data.item, event.data.amount_msat], ['cat', 100_000]);
      receipt.paid_at = event.data.paid_at;

      const now = Math.floor(Date.now() / 1000);
      const forged = { 'webhook-id': hash, 'webhook-timestamp': `${now}`, 'webhook-signature': 'v1,AAAA' };
      const refused = await post(hook, '/purrwall', JSON.stringify(event), forged);
      assert.deepEqual([refused.status, refused.told.code], [401, 'webhook-signature']);
    }

    /** The shop is shown the receipt and the claim, genuine and changed. */
    async function isShown(hook) {
      const { paid_at, ...shown } = receipt;
      const { items } = await (await fetch(new URL('api/v1/store', store.url))).json();
      const { status, told } = await post(hook, '/receipt', shown);
      assert.equal(status, 200);
      const proof = snakeCase(told);
      assert.deepEqual([proof.payee, proof.amount_msat], [payee, 100_000]);
      assert.equal(proof.sha256, items.find(({ id }) => id === 'cat').sha256);

      const verdict = (await post(hook, '/verify', { receipt: shown })).told;
      assert.equal(verdict.good, true);
      assert.deepEqual([verdict.item, verdict.amount_msat, verdict.paid_at], ['cat', 100_000, paid_at]);
      const forged = { ...shown, preimage: '00'.repeat(32) };
      assert.equal((await post(hook, '/receipt', forged)).told.code, 'preimage');
      const refused = (await post(hook, '/verify', { receipt: forged })).told;
      assert.deepEqual([refused.good, refused.reason], [false, 'other_preimage']);

      const invoices = new URL('api/v1/items/two-cats/invoices', store.url);
      const { told: created } = await post(invoices, '', purchase(), { 'content-type': 'application/json' });
      const ask = async () => (await post(hook, '/verify', { claim: created.claim })).told;
      assert.equal((await ask()).reason, 'unpaid');
      await network.alice.pay(created.invoice.bolt11);
      await until('the claim to be good', async () => (await ask()).good);
      assert.equal((await ask()).item, 'two-cats');
    }

    const purchase = () => ({ purchase_id: crypto.randomUUID().replaceAll('-', '') });
  });
});

/** An object with its names as Python and Rust write them. */
function snakeCase(object) {
  const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [snake(name), value]));
}
