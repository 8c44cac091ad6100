// What a store would do that sells sealed goods of the test's own making, honestly or not: the page gets its answers
// in the place of those of a real store, and the network's store node signs them.

import { createCipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';

const sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const CHUNK = 2 ** 20;

/** The key of all that is sealed here. */
const KEY = createHmac('sha256', 'a test').update('of the browser').digest();

/**
 * Seals goods of `size` bytes, whose bytes from `start` to `end` are `plain(start, end)`; nothing is kept but the hashes.
 *
 * @returns what the offer says of them, their hash, and `bytes(start)`, which makes the ciphertext's file anew
 */
export function seal(size, plain) {
  const count = Math.max(1, Math.ceil(size / CHUNK));
  const chunk = (index) => {
    const iv = Buffer.alloc(12);
    iv.writeUInt32BE(index, 7);
    iv[11] = index + 1 === count ? 1 : 0;
    const cipher = createCipheriv('aes-256-gcm', KEY, iv);
    const sealed = cipher.update(plain(index * CHUNK, Math.min(size, (index + 1) * CHUNK)));
    return Buffer.concat([sealed, cipher.final(), cipher.getAuthTag()]);
  };
  const goods = createHash('sha256');
  const leaves = [];
  for (let index = 0; index < count; index += 1) {
    goods.update(plain(index * CHUNK, Math.min(size, (index + 1) * CHUNK)));
    leaves.push(sha256(Buffer.of(0), chunk(index)));
  }
  const header = Buffer.alloc(24);
  header.write('purrseal');
  header.writeUInt32BE(1, 8);
  header.writeUInt32BE(CHUNK, 12);
  header.writeBigUInt64BE(BigInt(size), 16);
  const head = Buffer.concat([header, ...leaves]);
  return {
    sealed: { ct: root(leaves).toString('hex'), chunk: CHUNK },
    size,
    sha256: goods.digest('hex'),
    length: head.length + size + 16 * count,
    *bytes(start) {
      if (start < head.length) yield head.subarray(start);
      const first = Math.max(0, Math.floor((start - head.length) / (CHUNK + 16)));
      for (let index = first; index < count; index += 1) {
        yield chunk(index).subarray(Math.max(0, start - head.length - index * (CHUNK + 16)));
      }
    },
  };
}

function root(leaves) {
  if (leaves.length === 1) return leaves[0];
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  return sha256(Buffer.of(1), root(leaves.slice(0, half)), root(leaves.slice(half)));
}

/**
 * Another sale in the place of a real one: `change` gets the manifest and may change it, and may give the hash of other
 * goods. The claim is a real one, for another payment; its signature, which only the store can check, is wrong.
 */
export async function resold(network, answer, change) {
  const { claim, invoice, sealed } = answer;
  const preimage = randomBytes(32);
  const payment_hash = sha256(preimage);
  const ticket = Buffer.from(claim, 'base64url');
  const at = ticket.indexOf(Buffer.from(invoice.payment_hash, 'hex'));
  payment_hash.copy(ticket, at);
  const token_id = ticket.subarray(at + 32, at + 64);
  const { manifest } = sealed;
  const pad = Buffer.from(hkdfSync('sha256', preimage, token_id, payment_hash, 32));
  manifest.key = KEY.map((byte, index) => byte ^ pad[index]).toString('hex');
  const goods = change(manifest);
  const hash = sha256(JSON.stringify(manifest)).toString('hex');
  let description = invoice.description.replace(/manifest:\w+/, `manifest:${hash}`);
  if (goods) description = description.replace(/sha256:\w+/, `sha256:${goods}`);
  const { bolt11 } = await network.store.call('invoice', {
    amount_msat: invoice.amount_msat,
    label: `e2e/${crypto.randomUUID()}`,
    description,
    preimage: preimage.toString('hex'),
    expiry: 600,
  });
  return {
    ...answer,
    claim: ticket.toString('base64url'),
    invoice: { ...invoice, bolt11, payment_hash: payment_hash.toString('hex'), description },
  };
}
