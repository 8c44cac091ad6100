// The format of sealed goods by WebCrypto alone, on the vectors of the Rust code: what docs/sealed.md says is
// all that another implementation needs.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { root } from '../server.mjs';

const { subtle } = globalThis.crypto;
const hex = (text) => Uint8Array.from(Buffer.from(text, 'hex'));
const toHex = (bytes) => Buffer.from(bytes).toString('hex');
const concat = (...parts) => Uint8Array.from(Buffer.concat(parts.map((part) => Uint8Array.from(part))));
const sha256 = async (...parts) => new Uint8Array(await subtle.digest('SHA-256', concat(...parts)));
const ascii = (text) => new TextEncoder().encode(text);
const uint32 = (number) => [number >>> 24, number >>> 16, number >>> 8, number].map((byte) => byte & 255);

async function hmac(key, ...parts) {
  const imported = await subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return new Uint8Array(await subtle.sign('HMAC', imported, concat(...parts)));
}

async function merkleRoot(leaves) {
  if (leaves.length === 1) return leaves[0];
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  return sha256([1], await merkleRoot(leaves.slice(0, half)), await merkleRoot(leaves.slice(half)));
}

/** The goods in a file, by the manifest, the claim and the payment. */
async function open(file, manifest, { token_id, preimage, payment_hash }) {
  const count = Math.max(1, Math.ceil(manifest.size / manifest.chunk));
  const head = 24 + 32 * count;
  const header = concat(ascii('purrseal'), uint32(1), uint32(manifest.chunk), uint32(0), uint32(manifest.size));
  assert.equal(toHex(file.subarray(0, 24)), toHex(header));
  const leaves = Array.from({ length: count }, (_, at) => file.subarray(24 + 32 * at, 56 + 32 * at));
  assert.equal(toHex(await merkleRoot(leaves)), manifest.ct);

  const imported = await subtle.importKey('raw', hex(preimage), 'HKDF', false, ['deriveBits']);
  const algorithm = { name: 'HKDF', hash: 'SHA-256', salt: hex(token_id), info: hex(payment_hash) };
  const pad = new Uint8Array(await subtle.deriveBits(algorithm, imported, 256));
  const content = hex(manifest.key).map((byte, at) => byte ^ pad[at]);
  const key = await subtle.importKey('raw', content, 'AES-GCM', false, ['decrypt']);

  // From the last one to the first, as a player seeks.
  const chunks = [];
  for (let at = count - 1; at >= 0; at -= 1) {
    const start = head + at * (manifest.chunk + 16);
    const chunk = file.subarray(start, start + manifest.chunk + 16);
    assert.equal(toHex(await sha256([0], chunk)), toHex(leaves[at]));
    const iv = concat(new Uint8Array(7), uint32(at), [at === count - 1 ? 1 : 0]);
    chunks.unshift(new Uint8Array(await subtle.decrypt({ name: 'AES-GCM', iv }, key, chunk)));
  }
  return { key: content, plaintext: concat(...chunks) };
}

suite('sealed goods', () => {
  let vectors;
  before(async () => {
    vectors = JSON.parse(await readFile(join(root, 'shared/tests/vectors/sealed.json'), 'utf8'));
  });

  test('are opened by WebCrypto alone', async () => {
    for (const goods of vectors.goods) {
      const opened = await open(hex(goods.file), goods.manifest, vectors);
      assert.equal(toHex(opened.plaintext), goods.plaintext, goods.name);
      assert.equal(toHex(opened.key), goods.content_key);
      assert.equal(toHex(await sha256(opened.plaintext)), goods.sha256);
    }
  });

  test('are sold by a manifest that the invoice commits to', async () => {
    for (const { manifest_json, manifest, description } of vectors.goods) {
      assert.deepEqual(JSON.parse(manifest_json), manifest);
      const hash = toHex(await sha256(ascii(manifest_json)));
      assert.match(description, new RegExp(` manifest:${hash} nonce:${vectors.nonce} sha256:`));
      assert.equal(toHex(await sha256(hex(vectors.token_id))), manifest.token);
    }
  });

  test('have keys that follow from the secret', async () => {
    const secret = hex(vectors.seal_secret);
    for (const { sha256: hash, manifest, content_key } of vectors.goods) {
      const parts = [ascii('purrwall seal\0'), uint32(1), uint32(manifest.chunk), hex(hash)];
      assert.equal(toHex(await hmac(secret, ...parts)), content_key);
    }
    const preimage = [ascii('purrwall preimage\0'), hex(vectors.token_id), hex(vectors.nonce)];
    assert.equal(toHex(await hmac(secret, ...preimage)), vectors.preimage);
    assert.equal(toHex(await sha256(hex(vectors.preimage))), vectors.payment_hash);
  });
});
