// Two published L402 clients, neither of them ours, read the store's challenge and buy cats.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { suite, test } from 'node:test';
import { fetchWithL402, parseL402 } from '@getalby/lightning-tools/402/l402';
import axios from 'axios';
import { MemoryTokenStore, setupL402Interceptor } from 'l402';
import { setUp } from '../world.mjs';

suite('programs that speak L402', () => {
  let network, store, goods;

  setUp(async (world) => {
    network = await world.network();
    store = await world.store(network);
    goods = new URL('api/v1/items/two-cats/content', store.url).href;
  });

  /** The hash that the store advertises for the goods. */
  async function advertised() {
    const answer = await fetch(new URL('api/v1/store', store.url));
    const { items } = await answer.json();
    return items.find(({ id }) => id === 'two-cats').sha256;
  }

  const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

  test("Alby's lightning-tools reads the challenge", async () => {
    const answer = await fetch(goods);
    assert.equal(answer.status, 402);
    const { token, macaroon, invoice, version } = parseL402(answer.headers.get('www-authenticate'));
    assert.equal(token, macaroon);
    assert.equal(version, '0');
    const { payment_hash } = await network.alice.call('decode', { string: invoice });
    // L402's identifier: version, payment hash, token id; after the macaroon's own five bytes.
    const identifier = Buffer.from(token, 'base64').subarray(3);
    assert.equal(identifier.readUInt16BE(0), 0);
    assert.equal(identifier.subarray(2, 34).toString('hex'), payment_hash);
  });

  test("Alby's lightning-tools buys two cats", async () => {
    const paid = [];
    const wallet = {
      async payInvoice({ invoice }) {
        paid.push(invoice);
        return { preimage: await network.alice.pay(invoice) };
      },
    };
    const answer = await fetchWithL402(goods, {}, { wallet });
    assert.equal(answer.status, 200);
    const cats = Buffer.from(await answer.arrayBuffer());
    assert.equal(sha256(cats), await advertised());
    assert.equal(paid.length, 1);

    // Its credential is good for as long as the store is there.
    const { credentials } = answer.payment;
    const again = await fetchWithL402(goods, {}, { wallet, credentials });
    assert.deepEqual(Buffer.from(await again.arrayBuffer()), cats);
    assert.equal(paid.length, 1);
  });

  test('the package l402 buys two cats, and again for the same payment', async () => {
    const paid = [];
    const wallet = {
      async payInvoice(invoice) {
        paid.push(invoice);
        return { preimage: await network.bob.pay(invoice), success: true };
      },
    };
    const client = axios.create({ responseType: 'arraybuffer' });
    setupL402Interceptor(client, wallet, new MemoryTokenStore());
    for (let time = 0; time < 2; time++) {
      const { status, data } = await client.get(goods);
      assert.equal(status, 200);
      assert.equal(sha256(Buffer.from(data)), await advertised());
    }
    assert.equal(paid.length, 1);
  });

  test('a client that cannot pay gets nothing', async () => {
    const wallet = {
      payInvoice: () => ({ preimage: '00'.repeat(32), success: true }),
    };
    const client = axios.create();
    setupL402Interceptor(client, wallet, new MemoryTokenStore());
    await assert.rejects(client.get(goods), /401/);
  });
});
