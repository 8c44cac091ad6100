// The offer, drawn before the program is here: most visitors look and do not buy, and for them the
// program would be bytes for nothing. The elements are those that the program draws in their place
// (frontend/src/wall/offer.rs and frontend/src/widget/view.rs), so that nothing moves when it takes
// over; e2e/tests/early.test.mjs compares them.
//
// What the store says becomes text and attributes. All markup is in this file, which has a hash.

/** The drawings of shared/looks. `cargo xtask build` writes them in. */
const BOLT = 'the-drawing-of-the-bolt';
const BOX = 'the-drawing-of-the-box';

/** English, and the languages that have a file in frontend/words. */
export const LANGUAGES = ['en', 'ar', 'de', 'es', 'fr', 'ja'];

/** The attributes that the program understands. What is wrong with others, it says itself. */
const VALID = {
  item: /^[a-z0-9-]{1,48}$/,
  gateway: /^https?:\/\/[^\s?#@\\/][^\s?#@\\]*$/,
  payee: /^([0-9a-f]{66}[\s,]*)+$/i,
  maxSat: /^\d{1,12}$/,
  theme: /^(auto|light|dark)$/,
  mode: /^(inline|dialog)$/,
};
const NEEDED = ['item', 'gateway'];

/** What people read of a span of time, in seconds. */
const UNITS = [[86400, 'day'], [3600, 'hour'], [60, 'minute'], [1, 'second']];

/** The most bytes that an answer may have. */
const MOST_JSON = 4 << 20;

/** What each store sells, by its address: asked for once a page. */
const stores = new Map();

/** A store's address, without a slash at the end. */
const trimmed = (gateway) => gateway?.trim().replace(/\/+$/, '');

/** The name under which the browser keeps the purchase of an element's item. */
export function slot({ gateway, item }) {
  return ['purrwall', trimmed(gateway), item].join(':');
}

/** Whether the browser keeps a purchase of it, which the program goes on with. */
export function isBegun(config) {
  try {
    return localStorage.getItem(slot(config)) !== null;
  } catch {
    return false;
  }
}

/**
 * Makes the element of an offer; `onBuy` is called when its button is pressed. Fails where there is
 * anything else to show than an offer.
 */
export async function offer(config, onBuy) {
  for (const [name, form] of Object.entries(VALID)) {
    const value = config[name];
    if (value == null ? NEEDED.includes(name) : !form.test(value.trim())) throw new Error(name);
  }
  const gateway = trimmed(config.gateway);
  const language = chosenLanguage([config.lang, ...navigator.languages]);
  const [store, words] = await Promise.all([
    once(stores, gateway, () => json(`${gateway}/api/v1/store`)),
    messages(language, config.words),
  ]);
  const item = store.items.find(({ id }) => id === config.item.trim());
  const draw = new Drawing(item, gateway, language, words);
  const inside = config.mode?.trim() === 'dialog' ? draw.opener(onBuy) : draw.wall(onBuy);
  return element(
    'div',
    {
      class: 'widget',
      part: 'widget',
      lang: language,
      dir: direction(language),
      'data-theme': config.theme?.trim() ?? 'auto',
    },
    inside,
  );
}

/** The first language of tags such as `de-AT` that there are words in; else English. */
export function chosenLanguage(tags) {
  const wanted = tags.map((tag) => tag?.split('-')[0].toLowerCase());
  return wanted.find((tag) => LANGUAGES.includes(tag)) ?? 'en';
}

/** Where lines of a language begin, as the attribute `dir` has it. */
export function direction(language) {
  return /^(ar|fa|he|ur)$/.test(language) ? 'rtl' : 'ltr';
}

/** A language's words, by the English ones; `words` gives the address of its file. */
export async function messages(language, words) {
  return language === 'en' ? {} : json(words(language));
}

/** Draws an item's offer. */
export class Drawing {
  constructor(item, gateway, language, messages) {
    Object.assign(this, { item, gateway, language, messages });
  }

  /** The button of a dialog. */
  opener(onBuy) {
    const open = element(
      'button',
      { class: 'main opener', type: 'button', part: 'button open', 'data-test': 'open', 'aria-haspopup': 'dialog' },
      `${this.item.title} – ${this.price()}`,
    );
    open.addEventListener('click', onBuy);
    return element('div', {}, element('slot', { name: 'locked' }, open));
  }

  wall(onBuy) {
    const { item } = this;
    return element(
      'div',
      { class: 'wall', part: 'wall', role: 'group', 'data-scene': 'offer', 'aria-label': item.title },
      element('slot', { name: 'locked' }, ...this.scene(), this.about(onBuy)),
    );
  }

  /** What stands before the item: a box in the dark, a small picture, or nothing. */
  scene() {
    const { id, scene, sha256 } = this.item;
    if (scene === 'box') {
      const box = element('div', { class: boxClasses(sha256) }, markup(BOX));
      return [element('div', { class: 'stage' }, box)];
    }
    if (scene !== 'preview') return [];
    const src = `${this.gateway}/api/v1/items/${id}/preview`;
    return [element('img', { class: 'preview', src, alt: '' })];
  }

  about(onBuy) {
    const { title, teaser, valid_for_secs: secs } = this.item;
    const price = this.price();
    const said = this.word();
    const buy = element(
      'button',
      {
        class: 'main',
        type: 'button',
        part: 'button buy',
        'data-test': 'buy',
        'aria-disabled': 'false',
        'aria-label': `${said}: ${title}, ${price}`,
      },
      said,
    );
    buy.addEventListener('click', () => {
      const asking = this.say('Asking…');
      buy.setAttribute('aria-disabled', 'true');
      buy.setAttribute('aria-label', `${asking}: ${title}, ${price}`);
      buy.textContent = asking;
      onBuy();
    });
    const time = [];
    if (secs != null) {
      const yours = this.say('Yours for {0}, counted from the end of the time to pay.', this.span(secs));
      time.push(element('p', { class: 'quiet' }, yours));
    }
    return element(
      'div',
      { class: 'about' },
      element('h2', { part: 'title', dir: 'auto' }, title),
      element('p', { class: 'teaser', part: 'teaser', dir: 'auto' }, teaser),
      ...time,
      element(
        'div',
        { class: 'buy-row' },
        element('p', { class: 'price', part: 'price' }, markup(BOLT), price),
        buy,
      ),
    );
  }

  /** The owner's word for the button, or what buyers do with the goods. */
  word() {
    const { button = [], scene, content_type: type } = this.item;
    const own = (tag) => button.find(({ language }) => language === tag)?.text;
    const kind = type.split('/')[0];
    const deed =
      scene === 'box' ? 'Open the box'
      : kind === 'text' || /^application\/(pdf|epub)/.test(type) ? 'Read'
      : { audio: 'Listen', video: 'Watch' }[kind] ?? 'Buy';
    return own(this.language) ?? own('en') ?? this.say(deed);
  }

  price() {
    const { price_msat: msat, fiat_price: fiat } = this.item;
    const rounded = msat < 10000 ? msat : Math.ceil(msat / 1000) * 1000;
    const amount = `${this.number(rounded / 1000)} sat`;
    if (!fiat) return amount;
    const money = this.number(parseFloat(fiat.amount), { style: 'currency', currency: fiat.currency });
    // The space keeps sign and amount on one line.
    return `${money} ≈\u00a0${amount}`;
  }

  span(secs) {
    const [length, unit] = UNITS.find(([length]) => secs >= 2 * length || secs === length) ?? UNITS[3];
    return this.number(Math.floor(secs / length), { style: 'unit', unit, unitDisplay: 'long' });
  }

  number(number, options) {
    // The first number that a browser formats costs a slow phone 50 ms.
    if (!options && number < 1000 && Number.isInteger(number) && this.language !== 'ar') return `${number}`;
    return number.toLocaleString(this.language, options);
  }

  say(english, ...values) {
    const text = this.messages[english] ?? english;
    return text.replace(/\{(\d)\}/g, (_, index) => values[index]);
  }
}

/** The classes of the box of the goods with this hash, as shared/src/drawings.rs chooses them. */
function boxClasses(sha256) {
  const [tail, blink, eyes] = [58, 60, 62].map((at) => parseInt(sha256.slice(at, at + 2), 16));
  return [
    'box',
    ['eyes-amber', 'eyes-green', 'eyes-blue', 'eyes-copper'][eyes % 4],
    ['blink-1', 'blink-2', 'blink-3'][blink % 3],
    ['tail-left', 'tail-right'][tail % 2],
  ].join(' ');
}

export function element(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function markup(drawing) {
  const template = document.createElement('template');
  template.innerHTML = drawing;
  return template.content;
}

/** Makes a promise once for each key, and again if it fails. */
function once(made, key, make) {
  if (!made.has(key)) {
    made.set(key, make());
    made.get(key).catch(() => made.delete(key));
  }
  return made.get(key);
}

async function json(url) {
  return read(await fetch(url));
}

/** Reads an answer in JSON that is no longer than the program takes it. */
export async function read(answer) {
  if (!answer.ok) throw new Error(answer.url);
  const stream = answer.body.getReader();
  const pieces = [];
  let size = 0;
  for (let piece = await stream.read(); !piece.done; piece = await stream.read()) {
    size += piece.value.length;
    if (size > MOST_JSON) {
      stream.cancel();
      throw new Error(answer.url);
    }
    pieces.push(piece.value);
  }
  return JSON.parse(await new Blob(pieces).text());
}
