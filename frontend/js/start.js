// Opens the store. What it sells is drawn at once, by the same code that draws the widget's offers
// (offer.js), because most visitors look and do not buy. The program comes when a visitor shows an
// interest, and takes over without a jump. Whoever has bought here before, or comes with a purchase's
// link, needs the program, so it comes at once.
//
// The names of the files have hashes; the page's head says them.

/** What visitors do before they buy. */
const INTEREST = ['pointerover', 'touchstart', 'focusin'];

/** What the program keeps: purchases under names that begin with the first, and a language. */
const PURCHASES = 'purrwall:';
const LANGUAGE = 'purrwall-language';

const NETWORKS = {
  bitcoin: 'Bitcoin',
  testnet: 'Testnet: its coins have no value',
  signet: 'Signet: its coins have no value',
  regtest: 'Regtest: play money',
};

const root = document.getElementById('purrwall-store');
const languages = document.getElementById('language');

/** What was done before the program was there: the item that was bought, the language that was chosen. */
let bought;
let chosen;

/** Whether the program's drawing is there. */
let isShown = false;

/** Whether the answer that the page's head asked for is taken. */
let isAsked = false;

let starting;
/** Starts the program, once. */
function start() {
  starting ??= load().catch((error) => {
    starting = undefined;
    console.error(error);
    // Where the program does not run, the plain page sells.
    if (bought) location.assign(`/buy/${bought}`);
  });
}

async function load() {
  // Ask the store again if its first answer is taken; the program then takes this one.
  if (isAsked) document.head.append(document.querySelector('link[rel="preload"]').cloneNode());
  const { href: glue, dataset } = document.head.querySelector('link[rel="program"]');
  const [{ default: init, sealed }, wasm] = await Promise.all([import(glue), fetch(dataset.wasm)]);
  await init({ module_or_path: wasm });
  sealed(() => import(document.head.querySelector('link[rel="sealed"]').href));
}

/** Puts what the program has drawn in place of what was there. */
async function takeOver({ target: drawn }) {
  await released;
  const focused = marks(document.activeElement);
  const offered = price(bought);
  languages.querySelector('select:has(+ select)')?.remove();
  drawn.hidden = false;
  root.replaceChildren(drawn);
  if (focused) document.querySelector(focused)?.focus();
  isShown = true;
  // Whoever pressed the button has agreed to the price that stood beside it.
  if (bought && price(bought) === offered) buy(bought);
  if (chosen !== undefined) {
    const select = languages.querySelector('select');
    select.value = chosen;
    select.dispatchEvent(new Event('change', { bubbles: true }));
  }
}

/** What an item is offered for, in words. */
function price(item) {
  return root.querySelector(`[data-test="item-${item}"] .price`)?.textContent;
}

/** Buys with the program, once it is there. */
function buy(item) {
  bought = item;
  if (isShown) root.querySelector(`[data-test="item-${item}"] [data-test="buy"]`).click();
  else start();
}

/** A selector of an element by its marks and those around it, so that it is found in another drawing. */
function marks(element) {
  const outer = [];
  const next = (inner) => inner?.closest('[data-test]');
  for (let at = next(element); at; at = next(at.parentElement)) {
    outer.unshift(`[data-test="${at.dataset.test}"]`);
  }
  return outer.join(' ');
}

/** Done when the visitor presses nothing: a press that begins on a button has to end on it. */
let released;
addEventListener('pointerdown', () => {
  released = new Promise((done) => {
    const release = () => setTimeout(done);
    for (const end of ['pointerup', 'pointercancel']) addEventListener(end, release, { once: true });
  });
});

async function drawEarly() {
  isAsked = true;
  const [answer, offers] = await Promise.all([
    fetch('/api/v1/store'),
    import(document.head.querySelector('link[rel="modulepreload"]').href),
  ]);
  const store = await offers.read(answer);
  const { element } = offers;
  const kept = storage()?.getItem(LANGUAGE);
  const language = offers.chosenLanguage([kept, ...navigator.languages]);
  const messages = await offers.messages(language, (tag) => `/words/${tag}.json`);
  if (starting) return;
  const draw = (item) => new offers.Drawing(item, location.origin, language, messages);
  const say = (english) => draw().say(english);

  const card = (item) => {
    const mark = `item-${item.id}`;
    const wall = draw(item).wall(() => buy(item.id));
    return element('article', { id: mark, class: 'card', tabindex: '-1', 'data-test': mark }, wall);
  };
  const empty = element('p', { class: 'loading' }, say('The shelves are empty. Come back later.'));
  const shelf = store.items.length > 0 ? store.items.map(card) : [empty];
  const facts = [
    ['Network', say(NETWORKS[store.network])],
    ['Store’s node', element('code', {}, store.node_id)],
  ];
  const told = facts.flatMap(([name, fact]) => [element('dt', {}, say(name)), element('dd', {}, fact)]);
  const drawn = [
    element('div', { class: 'shelf' }, ...shelf),
    element('dl', { class: 'facts' }, ...told),
  ];

  translateFrame(language, offers.direction(language), messages);
  languages.replaceChildren(chooser(offers, kept, say));
  root.replaceChildren(element('div', {}, element('div', {}, ...drawn)));
  for (const interest of INTEREST) root.addEventListener(interest, start, { passive: true });
}

/** Puts the texts of the page's frame into another language; what they say in English stays beside them. */
function translateFrame(language, direction, messages) {
  const { documentElement } = document;
  documentElement.lang = language;
  documentElement.dir = direction;
  for (const text of document.querySelectorAll('[data-say]')) {
    const english = text.textContent;
    text.dataset.say = english;
    text.textContent = messages[english] ?? english;
  }
}

/** The choice of a language, each in its own words. */
function chooser({ element, LANGUAGES }, kept, say) {
  const named = (tag) => [tag, new Intl.DisplayNames(tag, { type: 'language' }).of(tag)];
  const options = [['', say('Automatic')], ...LANGUAGES.map(named)].map(([value, name]) =>
    element('option', { value, ...(value === (kept ?? '') && { selected: '' }) }, name),
  );
  const attributes = { 'data-test': 'language', 'aria-label': say('Language'), autocomplete: 'off' };
  const select = element('select', attributes, ...options);
  select.addEventListener('change', () => {
    chosen = select.value;
    start();
  });
  return select;
}

/** What the browser keeps; nothing where it keeps nothing. */
function storage() {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}

root.addEventListener('ready', takeOver, { once: true });
// A link that is put into the address bar later, and a purchase in another tab.
addEventListener('hashchange', start);
addEventListener('storage', start);

const isKnown = Object.keys(storage() ?? {}).some((key) => key.startsWith(PURCHASES));
if (location.hash || isKnown) start();
// The program says why there is nothing to draw.
else drawEarly().catch(start);
