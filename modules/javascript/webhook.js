// Webhooks in the form of the Standard Webhooks specification. https://www.standardwebhooks.com

import { createHmac, timingSafeEqual } from 'node:crypto';
import { PurrwallError } from './error.js';

const TOLERANCE_SECS = 300;

export function verifyWebhook(secrets, headers, body, { toleranceSecs = TOLERANCE_SECS, now = Date.now() } = {}) {
  const keys = [secrets].flat().map(readSecret);
  if (keys.length === 0) throw new PurrwallError('secret', 'there is no secret to verify with');
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) {
    throw new PurrwallError('malformed-webhook', 'the body has to be the bytes that came, or their text, not parsed');
  }
  const [id, timestamp, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) =>
    header(headers, name),
  );
  const at = /^\d{1,15}$/.test(timestamp) ? Number(timestamp) : NaN;
  if (Number.isNaN(at)) throw new PurrwallError('malformed-webhook', 'webhook-timestamp is no UNIX time in seconds');
  const signed = keys.map((key) => createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest());
  const given = signatures.split(' ').map(readSignature);
  if (!signed.some((expected) => given.some((one) => one.length === 32 && timingSafeEqual(one, expected)))) {
    throw new PurrwallError('webhook-signature', 'none of the signatures is of a secret that is known here');
  }
  if (!(Math.abs(now / 1000 - at) <= toleranceSecs)) {
    throw new PurrwallError('webhook-time', `the webhook was sent at ${at}, which is not within ${toleranceSecs} s of now`);
  }
  let event;
  try {
    event = JSON.parse(typeof body === 'string' ? body : Buffer.from(body).toString());
  } catch {
    throw new PurrwallError('malformed-webhook', 'the body is no JSON');
  }
  if (typeof event !== 'object' || event === null || Array.isArray(event)) {
    throw new PurrwallError('malformed-webhook', 'the body is no object');
  }
  return { ...event, id };
}

/** The key in a secret as `purrwall webhook secret` prints it. */
function readSecret(secret) {
  const [, base64] = (typeof secret === 'string' && /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret.trim())) || [];
  if (base64 === undefined) {
    throw new PurrwallError('secret', 'the secret has to be whsec_…, as `purrwall webhook secret` prints it');
  }
  return Buffer.from(base64, 'base64');
}

/** The bytes of a signature of version 1; nothing of any other. */
function readSignature(text) {
  return Buffer.from(text.startsWith('v1,') ? text.slice(3) : '', 'base64');
}

/** A header, of `Headers` or of an object whose names are in any case. */
function header(headers, name) {
  const found =
    typeof headers?.get === 'function'
      ? headers.get(name)
      : Object.entries(headers ?? {}).find(([key]) => key.toLowerCase() === name)?.[1];
  const value = Array.isArray(found) ? found[0] : found;
  if (typeof value !== 'string') throw new PurrwallError('malformed-webhook', `there is no header ${name}`);
  return value;
}
