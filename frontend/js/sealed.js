// Sealed goods in the browser (docs/sealed.md): fetched, checked and opened. The program loads this for
// who buys such goods, and for nobody else. Its functions take the goods as one object:
//
// - ct, size, chunk: what the ciphertext is, as the catalogue has it; or `manifest`, the text that has this and the key;
// - places: where it may lie; store: what the store's own addresses of ciphertexts begin with;
// - type: the media type of goods that are played;
// - on(value): called with the number of bytes that are checked, or with each piece of plaintext; after the last
//   one with nothing, and then `right` says whether they are the promised goods;
// - signal, later: end it, the second one what is checked before paying, once header and hashes are right;
// - life: aborted when the page no longer needs what is open;
// - token_id, preimage: what opens it, in hex digits.
//
// What is checked is kept in the browser's private file system, a file for each chunk. So it survives its
// connection and its page, and no more than a chunk is in memory at a time. A failure rejects with a word:
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
/** The folder of opened copies. */
const PLAIN = 'plain';
/** Goods of fewer bytes are opened in memory. */
const LARGE = 2 ** 24;
/** How long nothing is tried after all places have failed, in milliseconds. */
const PAUSE = 3_000;

/** Fetches what is missing, and checks it: header and hashes first, for which it calls `on(0)`. */
export const check = (offered) =>
  using(offered, async (sealed) => {
    const { goods } = sealed;
    const { later } = goods;
    // The store may be gone when they are paid for.
    const ready = goods.type && worker();
    await sealed.leaves();
    goods.on(0);
    sealed.later = later;
    // The connection that has brought them would go on.
    later.addEventListener('abort', () => sealed.end());
    try {
      for (let index = 0; index < sealed.count && !later.aborted; index += 1) {
        await sealed.chunk(index);
        goods.on(Math.min((index + 1) * goods.chunk, goods.size));
      }
    } catch (error) {
      if (!later.aborted) throw error;
    }
    await ready;
  });

/** Opens the goods; gives the address where a player finds them, or their parts. What is missing is fetched. */
export const open = (sold) =>
  using(sold, async (sealed) => {
    const { goods } = sealed;
    sealed.key = await unwrap(goods);
    if (goods.type && (await worker())) {
      // A false key opens nothing.
      await sealed.plain(0);
      return play(sealed);
    }
    const fill = async (write) => {
      for (let index = 0; index < sealed.count; index += 1) {
        const plain = await sealed.plain(index);
        goods.on(plain);
        await write(plain);
      }
      goods.on();
      if (!sold.right) fail('key');
    };
    if (goods.size >= LARGE) return [await copy(goods.life, fill)];
    const parts = [];
    await fill((part) => parts.push(part));
    return parts;
  });

/** Rejects with `key` if what is played turns out not to open. */
export const played = async ({ manifest }) => films.get(JSON.parse(manifest).ct)?.broken;

/** Saves the ciphertext as a file, by which everyone can judge the store. */
export const save = (goods) =>
  using(goods, async (sealed) => {
    const parts = [await sealed.head()];
    for (let index = 0; index < sealed.count; index += 1) parts.push(await sealed.chunk(index));
    // Of another type, browsers would add an ending to its name.
    const href = URL.createObjectURL(new Blob(parts, { type: 'application/octet-stream' }));
    Object.assign(document.createElement('a'), { href, download: sealed.goods.ct }).click();
    // Some browsers have only just begun to read it.
    setTimeout(() => URL.revokeObjectURL(href), 60_000);
  }).catch(() => {});

async function using(given, use) {
  const goods = { signal: given.life, ...given, ...JSON.parse(given.manifest ?? '{}') };
  const sealed = new Sealed(goods, await folder(goods.ct));
  try {
    return await use(sealed);
  } finally {
    sealed.end();
  }
}

async function folder(name) {
  try {
    const root = await navigator.storage.getDirectory();
    const all = await root.getDirectoryHandle('purrwall', { create: true });
    return await all.getDirectoryHandle(name, { create: true });
  } catch {
    fail('room');
  }
}

/** Two of a browser's pages do not write a file at a time: a file that is written again is another one. */
const locked = (name, signal, use) => navigator.locks.request(`purrwall ${name}`, { signal }, use);

// Opened copies.

/** A file of what `fill` writes, which lasts until `life` ends, or the page. */
async function copy(life, fill) {
  const all = await folder(PLAIN);
  const name = crypto.randomUUID();
  const remove = () => all.removeEntry(name).catch(() => {});
  // As long as the lock is held, no page removes the file.
  await new Promise((held) => locked(name, undefined, () => new Promise((end) => {
    held();
    life.addEventListener('abort', () => end(remove()));
  })));
  addEventListener('pagehide', ({ persisted }) => persisted || remove());
  try {
    return await keep(all, name, fill);
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Removes what pages that are gone have left. */
async function sweep() {
  const all = await folder(PLAIN);
  const { held } = await navigator.locks.query();
  for await (const name of all.keys()) {
    if (!held.some((lock) => lock.name.endsWith(name))) await all.removeEntry(name).catch(() => {});
  }
}
sweep().catch(() => {});

// What is played while it is sealed: a worker (player.js) passes on what a player asks for.

/** The films that are played, by their ciphertexts. */
const films = new Map();

/** Whether the worker answers this page. There is none but on the store's own page. */
const worker = () => (starting ??= start().catch(() => {}));
let starting;

async function start() {
  const { serviceWorker } = navigator;
  const { href } = new URL(document.querySelector('link[rel="sealed"]').dataset.worker, location);
  const registration = await serviceWorker.register(href);
  const limit = performance.now() + PATIENCE;
  const isThere = () => serviceWorker.controller?.scriptURL === href;
  while (!isThere() && performance.now() < limit) {
    // It may be there, and not for a page that was loaded past it.
    registration.active?.postMessage('');
    await pause(100);
  }
  serviceWorker.onmessage = answer;
  return isThere();
}

async function answer({ data: { film: ct, range }, ports: [port] }) {
  const reply = (status, headers, body = null) => port.postMessage([body, { status, headers }]);
  const film = films.get(ct);
  if (!film) return reply(404);
  const { size, chunk, type } = film.goods;
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(range) ?? [];
  const [start, index] = [Number(from), Math.floor(from / chunk)];
  if (!(start < size)) return reply(416, { 'content-range': `bytes */${size}` });
  try {
    const plain = await film.plain(index);
    // No more than one chunk: the player asks for the next one then.
    const body = plain.slice(start % chunk, to ? to - index * chunk + 1 : undefined);
    const range = `bytes ${start}-${start + body.length - 1}/${size}`;
    reply(206, { 'content-range': range, 'content-type': type, 'cache-control': 'no-store' }, body);
  } catch {
    reply(502);
  }
}

/** Lets the goods be played; gives the address for the player. */
function play({ goods, folder, key, known }) {
  const { ct, life } = goods;
  const another = () => Object.assign(new Sealed({ ...goods, signal: life }, folder), { key, known });
  let idle;
  const film = {
    goods,
    /** A chunk's plaintext, once it can be had. */
    async plain(index) {
      for (;;) {
        const sealed = idle ?? another();
        idle = undefined;
        try {
          const plain = await sealed.plain(index);
          // The player may have asked for other parts meanwhile. The connection of the last one goes on.
          idle?.end();
          idle = sealed;
          return plain;
        } catch (error) {
          sealed.end();
          if (error === 'key') film.fail(error);
          if (error === 'key' || life.aborted) throw error;
        }
        await pause(PAUSE);
      }
    },
  };
  film.broken = new Promise((end, fail) => {
    film.fail = fail;
    life.addEventListener('abort', end);
  });
  life.addEventListener('abort', () => {
    films.delete(ct);
    idle?.end();
  });
  films.set(ct, film);
  return `/opened/${ct}`;
}

class Sealed {
  constructor(goods, folder) {
    const { size, chunk } = goods;
    this.goods = goods;
    this.folder = folder;
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

  end() {
    this.source?.end();
    this.source = undefined;
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

  /** A chunk's plaintext. */
  async plain(index) {
    const iv = new Uint8Array(12);
    new DataView(iv.buffer).setUint32(7, index);
    iv[11] = index + 1 === this.count;
    const bytes = await bytesOf(await this.chunk(index, true));
    const opened = subtle.decrypt({ name: 'AES-GCM', iv }, this.key, bytes);
    return new Uint8Array(await opened.catch(() => fail('key')));
  }

  /** The file of a part, which is fetched if it is not there, or is there, looked into and wrong. */
  async right(name, start, length, isRight, look) {
    const { ct, signal } = this.goods;
    return locked(ct + name, signal, async () => {
      const file = await this.kept(name, length);
      if (file && (!look || (await isRight(await bytesOf(file))))) return file;
      const bytes = await this.fetch(start, length, isRight);
      return keep(this.folder, name, (write) => write(bytes));
    });
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
          this.end();
          known = undefined;
          this.source = await connect(urls[this.at], start, [signal, this.later]);
        }
        const bytes = await this.source.take(length);
        if (await isRight(bytes)) return bytes;
        fail('lie');
      } catch (error) {
        this.end();
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
}

/** Writes a file, which is there once all of it is. */
async function keep(folder, name, fill) {
  const room = (work) => work.catch(() => fail('room'));
  const file = await room(folder.getFileHandle(name, { create: true }));
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

const pause = (time) => new Promise((end) => setTimeout(end, time));
const bytesOf = async (blob) => new Uint8Array(await blob.arrayBuffer());
const hex = (text) => Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));
const digits = (number, length) => number.toString(16).padStart(length, '0');
const isSame = (one, other) => one.every((byte, at) => byte === other[at]);

function fail(why) {
  throw why;
}
