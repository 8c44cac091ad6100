// BOLT 11: an invoice read, and its signature verified.
// https://github.com/lightning/bolts/blob/master/11-payment-encoding.md

import { createHash } from 'node:crypto';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { PurrwallError } from './error.js';

const LETTERS = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const NETWORKS = new Map([
  ['bc', 'bitcoin'],
  ['tb', 'testnet'],
  ['tbs', 'signet'],
  ['bcrt', 'regtest'],
]);
/** Picobitcoin in a unit of the amount. A millisatoshi is ten of them. */
const UNITS = { '': 10n ** 12n, m: 10n ** 9n, u: 10n ** 6n, n: 10n ** 3n, p: 1n };
/** The longest code of BOLT 11's checksum. */
const MAX_LETTERS = 7089;
const CHECKSUM_LETTERS = 6;
const SIGNATURE_LETTERS = 104;
const TIMESTAMP_LETTERS = 7;
const DEFAULT_EXPIRY_SECS = 3600;

/** The fields that are read, by their number, and their length in letters where that is fixed. */
const FIELDS = {
  1: ['paymentHash', 52],
  3: ['route'],
  5: ['features'],
  6: ['expiry'],
  13: ['description'],
  16: ['secret', 52],
  19: ['payee', 53],
  23: ['descriptionHash', 52],
};
/** The features that a payer may be required to know, by BOLT 9. */
const FEATURES = new Set([8, 14, 16, 24, 36, 48, 56]);
/** A step of a route hint, in bytes; it begins with a public key. */
const HOP = 51;

const malformed = (why) => new PurrwallError('malformed-invoice', `the invoice is not BOLT11: ${why}`);

export function decodeInvoice(bolt11) {
  if (typeof bolt11 !== 'string') throw malformed('it is no text');
  const { prefix, letters } = readBech32(bolt11);
  const { network, amountMsat } = readPrefix(prefix);
  const data = letters.slice(0, -SIGNATURE_LETTERS);
  if (data.length < TIMESTAMP_LETTERS || letters.length < SIGNATURE_LETTERS) throw malformed('it is too short');
  const signature = toBytes(letters.slice(-SIGNATURE_LETTERS));
  const fields = readFields(data.slice(TIMESTAMP_LETTERS));
  const named = fields.payee.map(toBytes)[0];
  const hash = sha256(Buffer.from(prefix, 'ascii'), toBytes(data, true));
  const payee = named === undefined ? recovered(signature, hash) : checked(signature, hash, named);
  const only = (name) => {
    if (fields[name].length !== 1) throw malformed(`it has ${fields[name].length} fields ${name}`);
    return fields[name][0];
  };
  const descriptions = fields.description.map((letters) => toText(toBytes(letters)));
  fields.route.forEach(checkRoute);
  fields.features.forEach(checkFeatures);
  if (descriptions.length + fields.descriptionHash.length !== 1) {
    throw malformed('it does not have one description');
  }
  only('secret');
  const createdAt = toNumber(data.slice(0, TIMESTAMP_LETTERS));
  const expiry = fields.expiry.length > 0 ? toNumber(fields.expiry[0]) : DEFAULT_EXPIRY_SECS;
  return {
    bolt11,
    network,
    amountMsat,
    payee: hex(payee),
    paymentHash: hex(toBytes(only('paymentHash'))),
    description: descriptions[0] ?? null,
    descriptionHash: fields.descriptionHash.map((letters) => hex(toBytes(letters)))[0] ?? null,
    createdAt,
    expiresAt: createdAt + expiry,
  };
}

function readBech32(text) {
  if (text.length > MAX_LETTERS) throw malformed('it is too long');
  const lower = text.toLowerCase();
  if (text !== lower && text !== text.toUpperCase()) throw malformed('it mixes upper and lower case');
  const separator = lower.lastIndexOf('1');
  if (separator < 1) throw malformed('it has no separator');
  const prefix = lower.slice(0, separator);
  const letters = Array.from(lower.slice(separator + 1), (letter) => LETTERS.indexOf(letter));
  if (letters.includes(-1)) throw malformed('it has a letter that bech32 does not have');
  const codes = Array.from(prefix, (letter) => letter.charCodeAt(0));
  if (codes.some((code) => code < 33 || code > 126)) throw malformed('its prefix is not ASCII');
  const spread = [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
  if (letters.length < CHECKSUM_LETTERS || polymod([...spread, ...letters]) !== 1) {
    throw malformed('its checksum is wrong');
  }
  return { prefix, letters: letters.slice(0, -CHECKSUM_LETTERS) };
}

function polymod(values) {
  const generator = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
  let sum = 1;
  for (const value of values) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ value;
    generator.forEach((part, bit) => {
      if ((top >>> bit) & 1) sum ^= part;
    });
  }
  return sum >>> 0;
}

function readPrefix(prefix) {
  const [, currency, digits, unit = ''] = /^ln([a-z]+?)(?:(\d+)([munp]?))?$/.exec(prefix) ?? [];
  if (currency === undefined) throw malformed('its amount cannot be read');
  const network = NETWORKS.get(currency);
  if (network === undefined) {
    throw new PurrwallError('unknown-network', `the invoice is for an unknown network, ln${currency}`);
  }
  if (digits === undefined) return { network, amountMsat: null };
  const pico = BigInt(digits) * UNITS[unit];
  if (pico % 10n !== 0n) throw malformed('its amount is a part of a millisatoshi');
  const amountMsat = Number(pico / 10n);
  if (!Number.isSafeInteger(amountMsat)) throw malformed('its amount is more than there is');
  return { network, amountMsat };
}

/** The letters of each field, by its name. What is not read, or has another length, is skipped. */
function readFields(letters) {
  const fields = Object.fromEntries(Object.values(FIELDS).map(([name]) => [name, []]));
  let at = 0;
  while (at < letters.length) {
    const length = letters[at + 1] * 32 + letters[at + 2];
    const end = at + 3 + length;
    if (!(end <= letters.length)) throw malformed('a field is cut off');
    const [name, fixed] = FIELDS[letters[at]] ?? [];
    if (name !== undefined && (fixed ?? length) === length) fields[name].push(letters.slice(at + 3, end));
    at = end;
  }
  return fields;
}

/** The bytes of letters of five bits. The rest of the last letter is left out, or filled up with zeros. */
function toBytes(letters, isFilled = false) {
  const bytes = [];
  let bits = 0;
  let count = 0;
  for (const letter of letters) {
    bits = ((bits << 5) | letter) & 0xfff;
    count += 5;
    if (count >= 8) bytes.push((bits >> (count -= 8)) & 0xff);
  }
  if (isFilled && count > 0) bytes.push((bits << (8 - count)) & 0xff);
  return Uint8Array.from(bytes);
}

function toNumber(letters) {
  const number = letters.reduce((sum, letter) => sum * 32 + letter, 0);
  if (!Number.isSafeInteger(number)) throw malformed('a number in it is too large');
  return number;
}

function toText(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw malformed('its description is not UTF-8');
  }
}

function checkRoute(letters) {
  const bytes = toBytes(letters);
  for (let at = 0; at + HOP <= bytes.length; at += HOP) {
    try {
      secp256k1.Point.fromBytes(bytes.slice(at, at + 33));
    } catch {
      throw malformed('a route hint names no public key');
    }
  }
}

/** An even feature has to be known to whoever pays; the last letter has the lowest bits. */
function checkFeatures(letters) {
  letters.toReversed().forEach((letter, at) => {
    for (let bit = 0; bit < 5; bit += 1) {
      const number = at * 5 + bit;
      const isRequired = (letter >> bit) & 1 && number % 2 === 0;
      if (isRequired && !FEATURES.has(number)) {
        throw new PurrwallError('unknown-feature', `the invoice requires the unknown feature ${number}`);
      }
    }
  });
}

const unsigned = () => new PurrwallError('signature', "the invoice's signature is not valid");

/** The key that made the signature. */
function recovered(signature, hash) {
  const recoverable = Uint8Array.from([signature[64], ...signature.slice(0, 64)]);
  try {
    return secp256k1.recoverPublicKey(recoverable, hash, { prehash: false });
  } catch {
    throw unsigned();
  }
}

/** The key that the invoice names, if it made the signature, in the one form that BOLT 11 then allows. */
function checked(signature, hash, payee) {
  let isValid = false;
  try {
    isValid = secp256k1.verify(signature.slice(0, 64), hash, payee, { prehash: false, lowS: true });
  } catch {
    // Not a key, or not a signature.
  }
  if (!isValid) throw unsigned();
  return payee;
}

const hex = (bytes) => Buffer.from(bytes).toString('hex');

function sha256(...parts) {
  const hash = createHash('sha256');
  parts.forEach((part) => hash.update(part));
  return Uint8Array.from(hash.digest());
}
