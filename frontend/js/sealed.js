// Sealed goods in the browser (docs/sealed.md): fetched, checked and opened. The program loads this for
// who buys such goods, and for nobody else. Its functions take the goods as one object:
//
// - ct, size, chunk: what the ciphertext is, as the catalogue has it; or `manifest`, the text that has this and the key;
// - places: where it may lie; store: what the store's own addresses of ciphertexts begin with;
// - on(value): called with the number of bytes that are checked, or with each piece of plaintext; after the last
//   one with nothing, and then `right` says whether they are the promised goods;
// - signal, later: end it, the second one what is checked before paying, once header and hashes are right;
// - token_id, preimage: what opens it, in hex digits.
//
// What is checked is kept in the browser's private file system, a file for each chunk, and what is opened in one
// file, in which players can seek. So it survives its connection and its page, and no more than a chunk is in memory at
// a time. A failure rejects with a word:
// `lie` if the last place gives another ciphertext, `key` if the key does not open it, `room` if the
// browser does not keep it. Any other failure is the network's.

const { subtle } = crypto;

const HEADER = 24;
const LEAF = 32;
const TAG = 16;
/** More is not read: one chunk and the hashes of all are in memory. */
const MAX_CHUNK = 2 ** 24;
const MAX_CHUNKS = 2 ** 20;
/** How long a connection may stand still, in milliseconds. */
const PATIENCE = 20_000;
/** The file of the header and the hashes; those of the chunks are called by their numbers. */
const HEAD = 'head';
/** The file of the goods, once they are open. */
const PLAIN = 'plain';

/** Fetches what is missing, and checks it: header and hashes first, for which it calls `on(0)`. */
export const check = (offered) =>
  using(offered, async (sealed) => {
    await sealed.leaves();
    const { goods } = sealed;
    const { later } = goods;
    goods.on(0);
    sealed.later = later;
    try {
      for (let index = 0; index < sealed.count && !later.aborted; index += 1) {
        await sealed.chunk(index);
        goods.on(Math.min((index + 1) * goods.chunk, goods.size));
      }
    } catch (error) {
      if (!later.aborted) throw error;
    }
  });

/** Decrypts the goods; gives their file, alone in a list. What is missing is fetched. */
export const open = (sold) =>
  using(sold, async (sealed) => {
    const { goods } = sealed;
    const { size, chunk } = goods;
    let file = await sealed.kept(PLAIN, size);
    if (file) {
      for (let at = 0; at < size; at += chunk) goods.on(await bytesOf(file.slice(at, at + chunk)));
    } else {
      const key = await unwrap(goods);
      file = await sealed.keep(PLAIN, async (write) => {
        for (let index = 0; index < sealed.count; index += 1) {
          const iv = new Uint8Array(12);
          new DataView(iv.buffer).setUint32(7, index);
          iv[11] = index + 1 === sealed.count;
          const bytes = await bytesOf(await sealed.chunk(index, true));
          const opened = subtle.decrypt({ name: 'AES-GCM', iv }, key, bytes);
          const plain = new Uint8Array(await opened.catch(() => fail('key')));
          goods.on(plain);
          await write(plain);
        }
      });
    }
    goods.on();
    if (!sold.right) {
      await sealed.remove(PLAIN);
      fail('key');
    }
    for (let index = 0; index < sealed.count; index += 1) await sealed.remove(String(index));
    await sealed.remove(HEAD);
    return [file];
  });

/** Saves the ciphertext as a file, by which everyone can judge the store. */
export const save = (goods) =>
  using({ on() {}, signal: new AbortController().signal, ...goods }, async (sealed) => {
    const parts = [await sealed.head()];
    for (let index = 0; index < sealed.count; index += 1) parts.push(await sealed.chunk(index));
    // Of another type, browsers would add an ending to its name.
    const href = URL.createObjectURL(new Blob(parts, { type: 'application/octet-stream' }));
    Object.assign(document.createElement('a'), { href, download: sealed.goods.ct }).click();
    // Some browsers have only just begun to read it.
    setTimeout(() => URL.revokeObjectURL(href), 60_000);
  }).catch(() => {});

/** Two of a browser's pages do not work on the same goods at a time: a file that is written again is another one. */
async function using(given, use) {
  const goods = { ...given, ...JSON.parse(given.manifest ?? '{}') };
  const { ct, signal } = goods;
  return navigator.locks.request(`purrwall ${ct}`, { signal }, async () => {
    const sealed = new Sealed(goods);
    try {
      sealed.folder = await folder(ct);
      return await use(sealed);
    } finally {
      sealed.source?.end();
    }
  });
}

async function folder(ct) {
  try {
    const root = await navigator.storage.getDirectory();
    const all = await root.getDirectoryHandle('purrwall', { create: true });
    return await all.getDirectoryHandle(ct, { create: true });
  } catch {
    fail('room');
  }
}

class Sealed {
  constructor(goods) {
    const { size, chunk } = goods;
    this.goods = goods;
    this.count = Math.max(1, Math.ceil(size / chunk));
    if (!(chunk > 0 && chunk <= MAX_CHUNK && this.count <= MAX_CHUNKS)) fail('lie');
    this.headLength = HEADER + LEAF * this.count;
    /** Which of the places is asked. */
    this.at = 0;
  }

  /** How many bytes a chunk has. */
  length(index) {
    const { size, chunk } = this.goods;
    return Math.min(chunk, size - index * chunk) + TAG;
  }

  async leaves() {
    await this.head();
    return this.known;
  }

  /** Header and hashes, right ones. */
  async head() {
    const isRight = async (bytes) => {
      const view = new DataView(bytes.buffer);
      const { ct, size, chunk } = this.goods;
      const begins = hex(`707572727365616c00000001${digits(chunk, 8)}${digits(size, 16)}`);
      const leaves = [];
      for (let at = HEADER; at < view.byteLength; at += LEAF) leaves.push(bytes.subarray(at, at + LEAF));
      this.known = leaves;
      return isSame(begins, bytes.subarray(0, HEADER)) && isSame(await root(leaves), hex(ct));
    };
    return this.right(HEAD, 0, this.headLength, isRight, !this.known);
  }

  /** A chunk's file; looked into only if it has to be right `now`. */
  async chunk(index, now) {
    const leaves = this.known ?? (await this.leaves());
    const isRight = async (bytes) => isSame(await sha256([0], bytes), leaves[index]);
    const start = this.headLength + index * (this.goods.chunk + TAG);
    return this.right(String(index), start, this.length(index), isRight, now);
  }

  /** The file of a part, which is fetched if it is not there, or is there, looked into and wrong. */
  async right(name, start, length, isRight, look) {
    const file = await this.kept(name, length);
    if (file && (!look || (await isRight(await bytesOf(file))))) return file;
    const bytes = await this.fetch(start, length, isRight);
    return this.keep(name, (write) => write(bytes));
  }

  /** A part of the ciphertext, from the first place that has it right. */
  async fetch(start, length, isRight) {
    const { ct, places, store, signal } = this.goods;
    // The catalogue may name the places of another ciphertext by now.
    const urls = [...places.filter((place) => place.endsWith(ct)), store + ct];
    for (;;) {
      let known = this.source;
      try {
        if (known?.position !== start) {
          known?.end();
          known = undefined;
          this.source = await connect(urls[this.at], start, [signal, this.later]);
        }
        const bytes = await this.source.take(length);
        if (await isRight(bytes)) return bytes;
        fail('lie');
      } catch (error) {
        this.source?.end();
        this.source = undefined;
        if (signal.aborted || this.later?.aborted) throw error;
        // A connection that got on before it broke may get on again.
        if (!known || error === 'lie') this.at += 1;
        if (this.at >= urls.length) throw error;
      }
    }
  }

  /** A file that is there with all of its bytes. */
  async kept(name, length) {
    try {
      const file = await (await this.folder.getFileHandle(name)).getFile();
      return file.size === length ? file : undefined;
    } catch {
      return undefined;
    }
  }

  /** Writes a file, which is there once all of it is. */
  async keep(name, fill) {
    const room = (work) => work.catch(() => fail('room'));
    const file = await room(this.folder.getFileHandle(name, { create: true }));
    const writable = await room(file.createWritable());
    try {
      await fill((bytes) => room(writable.write(bytes)));
    } catch (error) {
      await writable.abort().catch(() => {});
      throw error;
    }
    await room(writable.close());
    return room(file.getFile());
  }

  remove(name) {
    return this.folder.removeEntry(name).catch(() => {});
  }
}

/** The file at an address, from one of its bytes on. */
async function connect(url, position, signals) {
  const controller = new AbortController();
  const end = () => controller.abort();
  const patiently = async (answer) => {
    const timer = setTimeout(end, PATIENCE);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  };
  for (const signal of signals) signal?.addEventListener('abort', end);
  const headers = position ? { range: `bytes=${position}-` } : {};
  const options = { headers, signal: controller.signal, cache: 'no-store', credentials: 'omit' };
  const answer = await patiently(fetch(url, options));
  if (!answer.ok) throw new Error(answer.status);
  const reader = answer.body.getReader();
  let rest = new Uint8Array();
  /** The next bytes of the answer, each of which `use` gets with its place. */
  const read = async (length, use) => {
    for (let at = 0; at < length; ) {
      if (!rest.length) {
        const { value, done } = await patiently(reader.read());
        if (done) throw new Error('cut');
        rest = value;
      }
      const part = rest.subarray(0, length - at);
      use(part, at);
      at += part.length;
      rest = rest.subarray(part.length);
    }
  };
  // A host without ranges sends all of it.
  if (answer.status !== 206) await read(position, () => {});
  const source = {
    position,
    end,
    async take(length) {
      const bytes = new Uint8Array(length);
      await read(length, (part, at) => bytes.set(part, at));
      source.position += length;
      return bytes;
    },
  };
  return source;
}

/** The key of the goods, by the payment's preimage, whose hash names the payment, and the claim. */
async function unwrap({ key, token_id, preimage }) {
  const secret = await subtle.importKey('raw', hex(preimage), 'HKDF', false, ['deriveBits']);
  const algorithm = { name: 'HKDF', hash: 'SHA-256', salt: hex(token_id), info: await sha256(hex(preimage)) };
  const pad = new Uint8Array(await subtle.deriveBits(algorithm, secret, 256));
  return subtle.importKey('raw', hex(key).map((byte, at) => byte ^ pad[at]), 'AES-GCM', false, ['decrypt']);
}

/** The Merkle root, as RFC 9162 makes it. */
async function root(leaves) {
  if (leaves.length === 1) return leaves[0];
  const half = 2 ** Math.ceil(Math.log2(leaves.length) - 1);
  return sha256([1], await root(leaves.slice(0, half)), await root(leaves.slice(half)));
}

async function sha256(...parts) {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await subtle.digest('SHA-256', all));
}

const bytesOf = async (blob) => new Uint8Array(await blob.arrayBuffer());
const hex = (text) => Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));
const digits = (number, length) => number.toString(16).padStart(length, '0');
const isSame = (one, other) => one.every((byte, at) => byte === other[at]);

function fail(why) {
  throw why;
}
