// Published clients, none of them ours, each with one instance: it buys a cat, then two cats, then asks
// for both again. Payments are counted at the node.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { suite, test } from 'node:test';
import { fetchWithL402 } from '@getalby/lightning-tools/402/l402';
import { fetchWithMpp } from '@getalby/lightning-tools/402/mpp';
import axios from 'axios';
import { MemoryTokenStore, setupL402Interceptor } from 'l402';
import { root } from '../server.mjs';
import { setUp } from '../world.mjs';

const python = join(root, '.tools/python/bin/python');
const ORDERS = ['cat', 'two-cats', 'two-cats', 'cat'];

suite('programs that are not ours', () => {
  let network, store;

  setUp(async (world) => {
    network = await world.network();
    store = await world.store(network);
  });

  const goods = (item) => new URL(`goods/${item}`, store.url).href;
  const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

  /** The hashes that the store advertises, by item. */
  async function advertised() {
    const { items } = await (await fetch(new URL('api/v1/store', store.url))).json();
    return Object.fromEntries(items.map(({ id, sha256 }) => [id, sha256]));
  }

  /** How many invoices of the store's node are paid. */
  async function payments() {
    const { invoices } = await network.store.call('listinvoices');
    return invoices.filter(({ status }) => status === 'paid').length;
  }

  /** Orders with `buy`, which gives status and bytes' hash, and counts what is paid for them. */
  async function orders(buy, counted) {
    const hashes = await advertised();
    const before = await payments();
    const paid = [];
    for (const item of ORDERS) {
      const answer = await buy(goods(item));
      assert.deepEqual(answer, { status: 200, sha256: hashes[item] }, item);
      paid.push((await payments()) - before);
    }
    assert.deepEqual(paid, counted);
  }

  const wallet = () => ({
    payInvoice: async (asked) => {
      const preimage = await network.alice.pay(asked.invoice ?? asked);
      return { preimage, success: true };
    },
  });

  async function answered(answer) {
    return { status: answer.status, sha256: sha256(Buffer.from(await answer.arrayBuffer())) };
  }

  /** Orders with one of lightning-tools' functions, which leave it to their caller to keep credentials. */
  async function ordersWith(fetchWith) {
    const kept = new Map();
    await orders(async (url) => {
      const options = { wallet: wallet(), credentials: kept.get(url) };
      const answer = await fetchWith(url, {}, options);
      if (answer.payment) kept.set(url, answer.payment.credentials);
      return answered(answer);
    }, [1, 2, 2, 2]);
  }

  test("lightning-tools' fetchWithL402: two payments", () => ordersWith(fetchWithL402));

  // fetch() joins the lines of a header, and this client looks at the beginning of what it gets.
  test("lightning-tools' fetchWithMpp pays nothing where L402 is spoken, too", async () => {
    const before = await payments();
    const answer = await fetchWithMpp(goods('cat'), {}, { wallet: wallet() });
    assert.equal(answer.status, 402);
    assert.equal(await payments(), before);
  });

  test("lightning-tools' fetchWithMpp, shown the scheme's own line: two payments", async () => {
    await withPaymentAlone(() => ordersWith(fetchWithMpp));
  });

  function interceptor(store) {
    const client = axios.create({ responseType: 'arraybuffer' });
    setupL402Interceptor(client, wallet(), store);
    return async (url) => {
      const { status, data } = await client.get(url);
      return { status, sha256: sha256(Buffer.from(data)) };
    };
  }

  test("npm's l402: two payments", async () => {
    await orders(interceptor(new MemoryTokenStore()), [1, 2, 2, 2]);
  });

  // One credential for the host: the newest, which is for the other item when the first is asked for again.
  test("npm's l402 with one credential for a host: a payment for each change of the item", async () => {
    await orders(interceptor(new MemoryTokenStore({ keyMode: 'hostname-only' })), [1, 2, 2, 3]);
  });

  for (const [client, counted] of [
    ['l402-requests', [1, 2, 2, 2]],
    ['pyl402', [1, 2, 2, 2]],
    ['bolt402', [1, 2, 2, 2]],
    ['l402sdk', [1, 2, 2, 2]],
  ]) {
    const skip = !existsSync(python) && 'there is no Python environment; `cargo xtask setup` makes it';
    test(`PyPI's ${client}: two payments`, { skip }, async () => {
      const rest = await nodeOverRest(network.alice);
      const program = new PythonClient(client, network.alice.socket, rest.url);
      try {
        await orders((url) => program.get(url), counted);
      } finally {
        program.end();
        rest.end();
      }
    });
  }

  test('the gateway is killed after a payment, and nothing is lost', async () => {
    const paying = wallet();
    const killing = {
      payInvoice: async (asked) => {
        const paid = await paying.payInvoice(asked);
        await store.killed();
        return paid;
      },
    };
    const buyOnce = async (fetchWith) => {
      const { cat } = await advertised();
      const before = await payments();
      const answer = await fetchWith(goods('cat'), {}, { wallet: killing });
      assert.deepEqual(await answered(answer), { status: 200, sha256: cat });
      assert.equal((await payments()) - before, 1);
    };
    await buyOnce(fetchWithL402);
    await withPaymentAlone(() => buyOnce(fetchWithMpp));
  });
});

/** While `use` runs, answers have no challenge but that of the scheme `Payment`. */
async function withPaymentAlone(use) {
  const whole = globalThis.fetch;
  globalThis.fetch = async (...request) => {
    const answer = await whole(...request);
    const headers = new Headers(answer.headers);
    const challenges = headers.get('www-authenticate');
    const at = challenges?.indexOf('Payment ') ?? -1;
    if (at > 0) headers.set('www-authenticate', challenges.slice(at));
    return new Response(answer.body, { status: answer.status, headers });
  };
  try {
    await use();
  } finally {
    globalThis.fetch = whole;
  }
}

/** The node as clients of Core Lightning's REST plugin see it. */
async function nodeOverRest(node) {
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    const [method] = request.url.split('/').slice(-1);
    const answer = await node.call(method, body ? JSON.parse(body) : {}).then(
      (result) => [201, result],
      (error) => [500, { message: error.message }],
    );
    response.writeHead(answer[0], { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer[1]));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    end() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** A client of Python's in a process of its own. */
class PythonClient {
  #process;
  #lines;

  constructor(name, socket, rest) {
    const script = join(root, 'e2e/clients/buy.py');
    const stdio = ['pipe', 'pipe', 'inherit'];
    this.#process = spawn(python, [script, name, socket, rest], { stdio });
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  async get(url) {
    this.#process.stdin.write(`${url}\n`);
    const { value, done } = await this.#lines.next();
    assert.ok(!done, 'it ended');
    return JSON.parse(value);
  }

  end() {
    this.#process.kill('SIGKILL');
  }
}
