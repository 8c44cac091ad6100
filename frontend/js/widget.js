// <purr-wall>: a Lightning paywall on any page, from one script.
//
// This loader defines the element. An element near the viewport shows its offer, which a small script draws.
// The WebAssembly behind it comes when a visitor shows an interest in it, is started once for all
// elements of a page, and takes over. Where the offer cannot be drawn, the WebAssembly comes at once and
// says why; where it cannot come, an element shows its own content: a link to the store's plain page,
// say.
//
// `cargo xtask build` puts served.js before this, and `cargo xtask widget` packaged.js: they say where
// the parts are. Both define HOME (the store that is asked unless an element names another one),
// words() (the address of a language's words), loadStyle(), loadOffer() and loadProgram().

/** How far below the viewport an element may be when its offer is drawn. */
const NEAR = '600px';

/** What visitors do before they buy. */
const INTEREST = ['pointerover', 'touchstart', 'focusin'];

/** What the attributes of every element begin with, and those that frameworks add. */
const OTHERS = /^(id|class|style|slot|part|role|hidden|title|dir|tabindex|_|data-|aria-|ng-|on)/;

const REM = /(-?[\d.]+)rem\b/g;
const HOST_STYLE = sheet(':host{display:block!important}:host([hidden]){display:none!important}');

class PurrWall extends HTMLElement {
  static observedAttributes = ['item', 'gateway', 'payee', 'max-sat', 'theme', 'lang', 'mode', 'load'];

  static #near = new IntersectionObserver(
    (entries) => entries.forEach(({ isIntersecting, target }) => isIntersecting && target.#arrive()),
    { rootMargin: NEAR },
  );

  /** Those that do without the WebAssembly. */
  static #early = new Set();

  static {
    // Another tab may have begun a purchase.
    addEventListener('storage', async ({ key }) => {
      if (!this.#early.size) return;
      const { slot } = await offers();
      for (const wall of this.#early) if (slot(wall.#config()) === key) wall.#load();
    });
  }

  #root = this.attachShadow({ mode: 'open' });
  /** What the WebAssembly has mounted here. */
  #wall;
  /** Whether the wall is to be seen. */
  #isShown = false;
  /** Whether the WebAssembly is on its way for this element. */
  #isLoading = false;
  /** What `state` says while there is no wall. */
  #state = 'unloaded';
  /** Bought before there was a wall. */
  #wanted = false;

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [HOST_STYLE];
    this.#fallBack('unloaded');
    for (const interest of INTEREST) {
      this.addEventListener(interest, () => this.#load(), { passive: true });
    }
    this.addEventListener('click', ({ target }) => {
      if (target.closest?.('[data-purr-buy]')) this.buy();
    });
  }

  connectedCallback() {
    // Properties that were set before this script came hide the accessors.
    for (const name of Object.keys(PROPERTIES)) {
      if (Object.hasOwn(this, name)) {
        const value = this[name];
        delete this[name];
        this[name] = value;
      }
    }
    const known = PurrWall.observedAttributes;
    for (const { name } of this.attributes) {
      if (!known.includes(name) && !OTHERS.test(name)) {
        console.warn(`purr-wall has no attribute ${name}, but ${known}`);
      }
    }
    if (this.#wanted) this.#load();
    else if (!this.#wall) PurrWall.#near.observe(this);
  }

  // With this, a move by `moveBefore` calls neither of the other two.
  connectedMoveCallback() {}

  disconnectedCallback() {
    // A moved element is back at once, and goes on as if nothing had happened.
    setTimeout(() => {
      if (this.isConnected) return;
      PurrWall.#near.unobserve(this);
      this.#wall?.destroy();
      this.#wall = undefined;
      this.#fallBack('unloaded');
    });
  }

  attributeChangedCallback() {
    if (this.#wall) this.#wall.update(this.#config());
    else if (PurrWall.#early.has(this)) this.#arrive();
  }

  get state() {
    const state = this.#wall?.state();
    // Until the wall has looked at the store, the offer that is shown is the newest that is known.
    return state && (this.#isShown || state !== 'loading') ? state : this.#state;
  }

  buy() {
    this.#wanted = true;
    this.#load();
  }

  reset() {
    this.#wanted = false;
    this.#wall?.reset();
  }

  /** Draws the offer, or leaves it to the WebAssembly to say why there is none. */
  async #arrive() {
    PurrWall.#near.unobserve(this);
    if (this.#wall || this.#isLoading) return;
    if (this.load === 'eager' || isStarted) return this.#load();
    const config = this.#config();
    if (!asked.has(config.gateway)) ask(config);
    PurrWall.#early.add(this);
    this.#state = 'loading';
    try {
      const [{ isBegun, offer }, sheet] = await Promise.all([offers(), style()]);
      if (isBegun(config)) return this.#load();
      const drawn = await offer(config, () => this.buy());
      // Meanwhile it may have gone, other attributes may ask for something else, and the WebAssembly
      // may have come.
      if (!PurrWall.#early.has(this) || !isSame(config, this.#config())) return;
      this.#root.adoptedStyleSheets = [HOST_STYLE, sheet];
      this.#root.replaceChildren(drawn);
      this.#state = 'idle';
    } catch {
      this.#load();
    }
  }

  async #load() {
    PurrWall.#near.unobserve(this);
    PurrWall.#early.delete(this);
    if (this.#wall || this.#isLoading) return this.#buyIfWanted();
    this.#isLoading = true;
    if (this.#state !== 'idle') this.#state = 'loading';
    if (!isStarted) ask(this.#config());
    try {
      const [{ mount }, sheet] = await Promise.all([program(), style()]);
      // Meanwhile it may have gone.
      if (this.isConnected) {
        this.#root.adoptedStyleSheets = [HOST_STYLE, sheet];
        this.#wall = mount(this, { ...this.#config(), ready: () => this.#show() });
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#isLoading = false;
    // To the others it costs nothing now.
    if (isStarted) for (const wall of PurrWall.#early) wall.#load();
  }

  /** Puts what the WebAssembly has drawn in place of what was there. */
  async #show() {
    // A press that begins on a button has to end on it.
    await released;
    if (!this.#wall || this.#isShown) return;
    const focused = this.#root.activeElement?.dataset.test;
    const offered = this.#price();
    this.#isShown = true;
    this.#root.replaceChildren(this.#wall.container());
    // Whoever pressed the button has agreed to the price that stood beside it.
    if (offered && this.#price() !== offered) this.#wanted = false;
    if (focused) this.#root.querySelector(`[data-test="${focused}"]`)?.focus();
    this.#buyIfWanted();
  }

  /** What the item is offered for, in words. */
  #price() {
    return this.#root.querySelector('.price, .opener')?.textContent;
  }

  #buyIfWanted() {
    if (!this.#isShown || !this.#wanted) return;
    this.#wanted = false;
    this.#wall.buy();
  }

  #fail(error) {
    this.#fallBack('unavailable');
    const message = `the wall cannot be loaded: ${error.message}`;
    if (error.isRefusal) {
      // Beside the element's own content: whoever makes the site has to see it.
      this.#root.append(message);
      console.error(message);
    }
    this.#tell('error', { code: 'load-failed', message });
  }

  #tell(name, detail) {
    for (const prefix of ['purr-wall:', 'purrwall']) {
      this.dispatchEvent(new CustomEvent(prefix + name, { detail, bubbles: true, composed: true }));
    }
  }

  /** What the site has for its buyers: a wallet, a function that connects one, or nothing. */
  #wallet = () => {
    let given = this.wallet;
    if (!given) this.#tell('wallet', { provide: (wallet) => (given = wallet) });
    return given;
  };

  #fallBack(state) {
    PurrWall.#early.delete(this);
    this.#isShown = false;
    this.#state = state;
    this.#root.replaceChildren(document.createElement('slot'));
  }

  #config() {
    const { item, payee, maxSat, theme, mode } = this;
    const gateway = this.gateway ?? HOME;
    // Without a word from the site, the visitor's browser chooses.
    const lang = this.closest('[lang]')?.lang;
    return { item, gateway, payee, maxSat, theme, mode, lang, words, wallet: this.#wallet };
  }
}

/** The properties that reflect attributes; `lang` is every element's own. */
const PROPERTIES = {
  item: 'item',
  gateway: 'gateway',
  payee: 'payee',
  maxSat: 'max-sat',
  theme: 'theme',
  mode: 'mode',
  load: 'load',
};

for (const [property, attribute] of Object.entries(PROPERTIES)) {
  Object.defineProperty(PurrWall.prototype, property, {
    get() {
      return this.getAttribute(attribute);
    },
    set(value) {
      if (value == null) this.removeAttribute(attribute);
      else this.setAttribute(attribute, value);
    },
    enumerable: true,
    configurable: true,
  });
}

// Not a field of the class: that would take the place of a wallet that was set before this script came.
PurrWall.prototype.wallet = undefined;

/** Whether the WebAssembly has been started. */
let isStarted = false;

/** Started once: two starts at a time would spoil each other's memory. */
const program = once(async () => {
  const started = await loadProgram();
  isStarted = true;
  return started;
});
const offers = once(loadOffer);
const style = once(async () => {
  const css = await (await loadStyle()).text();
  // The site's rem is not ours.
  return sheet(css.replace(REM, 'calc($1*var(--purr-unit))'));
});

/** Done when the visitor presses nothing. */
let released;
addEventListener('pointerdown', () => {
  released = new Promise((done) => {
    const release = () => setTimeout(done);
    for (const end of ['pointerup', 'pointercancel']) addEventListener(end, release, { once: true });
  });
});

/** The stores that were asked. */
const asked = new Set();

/** Asks a store while the script comes that takes its answer. */
function ask({ gateway }) {
  asked.add(gateway);
  const href = gateway.replace(/\/*$/, '/api/v1/store');
  const link = document.createElement('link');
  Object.assign(link, { rel: 'preload', href, as: 'fetch', crossOrigin: 'anonymous' });
  if (URL.canParse(href)) document.head.append(link);
}

/** Makes it once; where that fails, the network may be back the next time. */
function once(make) {
  let made;
  return () => {
    made ??= make().catch((error) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}

const isSame = (one, other) => Object.keys(one).every((name) => one[name] === other[name]);

function sheet(css) {
  const style = new CSSStyleSheet();
  style.replaceSync(css);
  return style;
}

// A page may load this script twice.
if (!customElements.get('purr-wall')) customElements.define('purr-wall', PurrWall);
