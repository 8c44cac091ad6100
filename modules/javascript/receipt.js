// Receipts: what was promised, and that it was paid, without asking anyone.

import { createHash } from 'node:crypto';
import { decodeInvoice } from './bolt11.js';
import { PurrwallError } from './error.js';

const KEY = /^0[23][0-9a-f]{64}$/i;
const HASH = /^[0-9a-f]{64}$/i;

export function verifyReceipt(receipt, { payee, content } = {}) {
  if (typeof payee !== 'string' || !KEY.test(payee)) {
    throw new PurrwallError(
      'payee',
      "the store's node has to be named, by its public key of 66 hex digits: { payee: '03…' }. Without it " +
        'anyone can make a receipt with a node of their own',
    );
  }
  const { bolt11, preimage, item, sha256, size, metadata } = read(receipt);
  const invoice = decodeInvoice(bolt11);
  if (invoice.payee !== payee.toLowerCase()) {
    throw new PurrwallError('payee', `the invoice is of the node ${invoice.payee}, not of ${payee}`);
  }
  const { paymentHash, descriptionHash } = invoice;
  if (hash(Buffer.from(preimage, 'hex')) !== paymentHash) {
    throw new PurrwallError('preimage', `the preimage does not prove the payment ${paymentHash}`);
  }
  const isCode = descriptionHash !== null;
  if (isCode && (metadata == null || descriptionHash !== hash(metadata))) {
    const which = metadata == null ? 'has no metadata' : 'has metadata with another one';
    throw new PurrwallError(
      'metadata',
      `the invoice carries the hash ${descriptionHash} of its metadata, but the receipt ${which}`,
    );
  }
  const description = isCode ? described(metadata) : invoice.description;
  const [, promised] = / sha256:([0-9a-f]{64})$/.exec(description ?? '') ?? [];
  if (promised !== sha256.toLowerCase()) {
    throw new PurrwallError(
      'commitment',
      `the receipt is for content ${sha256}, but the invoice promises ${promised ?? 'none'}`,
    );
  }
  if (content !== undefined) {
    const found = hash(content);
    if (found !== promised) {
      throw new PurrwallError('content', `the content's SHA-256 is ${found}, but ${promised} was promised`);
    }
  }
  const { network, amountMsat, createdAt } = invoice;
  return { payee: invoice.payee, network, amountMsat, paymentHash, description, createdAt, sha256: promised, item, size };
}

/** The description in the metadata of a code, if they are written as the store writes them. */
function described(metadata) {
  const [, text] = /^\[\["text\/plain","((?:[^"\\]|\\["\\])*)"/.exec(metadata) ?? [];
  return text?.replace(/\\(.)/g, '$1') ?? null;
}

/** The parts of a receipt, each of the right form. */
function read(receipt) {
  const malformed = (why) => new PurrwallError('malformed-receipt', `it is no receipt: ${why}`);
  let parts = receipt;
  if (typeof receipt === 'string') {
    try {
      parts = JSON.parse(receipt);
    } catch {
      throw malformed('it is no JSON');
    }
  }
  if (typeof parts !== 'object' || parts === null) throw malformed('it is no object');
  const isText = (value) => typeof value === 'string';
  const forms = {
    bolt11: ['a BOLT11 string', isText],
    preimage: ['64 hex digits', (value) => isText(value) && HASH.test(value)],
    item: ["an item's id", (value) => isText(value) && /^[a-z0-9-]{1,48}$/.test(value)],
    sha256: ['64 hex digits', (value) => isText(value) && HASH.test(value)],
    size: ['a number of bytes', (value) => Number.isSafeInteger(value) && value >= 0],
    metadata: ['a text, if it is there', (value) => value == null || isText(value)],
  };
  for (const [name, [form, fits]] of Object.entries(forms)) {
    if (!fits(parts[name])) throw malformed(`${name} has to be ${form}`);
  }
  return parts;
}

const hash = (bytes) => createHash('sha256').update(bytes).digest('hex');
