// The store itself: is this receipt or claim good?

import { PurrwallError } from './error.js';

export class Store {
  #url;
  #key;
  #fetch;

  constructor(url, key, { fetch = globalThis.fetch } = {}) {
    this.#url = `${url}`.replace(/\/*$/, '/api/v1/verify');
    if (!URL.canParse(this.#url)) throw new PurrwallError('store', `${url} is not a store's address: https://STORE`);
    if (typeof key !== 'string' || key.trim() === '') {
      throw new PurrwallError('invalid-key', 'there is no key; it is in the file that verify_key_file names');
    }
    this.#key = key.trim();
    this.#fetch = fetch;
  }

  async verify(question, { signal } = {}) {
    const names = ['claim', 'receipt'].filter((name) => question?.[name] !== undefined);
    if (names.length !== 1) throw new PurrwallError('invalid-request', 'ask about { claim } or { receipt }');
    const { claim, receipt } = question;
    const body = claim === undefined ? { receipt: typeof receipt === 'string' ? parsed(receipt) : receipt } : { claim };
    const answer = await this.#ask(body, signal);
    const told = await answer.json().catch(() => undefined);
    if (answer.ok && typeof told?.good === 'boolean') return told;
    const why = told?.detail ?? 'its answer is not that of a store';
    throw new PurrwallError(told?.code ?? 'store', `the store answered ${answer.status}: ${why}`);
  }

  async #ask(body, signal) {
    try {
      return await this.#fetch(this.#url, {
        method: 'POST',
        headers: { authorization: `Bearer ${this.#key}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        redirect: 'error',
        signal,
      });
    } catch (cause) {
      throw new PurrwallError('store', `the store does not answer at ${this.#url}`, { cause });
    }
  }
}

function parsed(receipt) {
  try {
    return JSON.parse(receipt);
  } catch {
    throw new PurrwallError('malformed-receipt', 'it is no receipt: it is no JSON');
  }
}
