// <purr-wall>: a Lightning paywall on any page, from one script.
//
// This loader defines the element. The WebAssembly behind it comes when an element is near the
// viewport or is used, once for all elements of a page. Until it is here, and where it cannot
// come, an element shows its own content: a link to the store's plain page, say.
//
// `cargo xtask build` puts served.js before this, and `cargo xtask widget` packaged.js: they say where
// the program is. Both define HOME (the store that is asked unless an element names another one),
// words() (the address of a language's words) and load().

/** How far below the viewport an element may be when the WebAssembly is fetched for it. */
const NEAR = '600px';

/** What the attributes of every element begin with, and those that frameworks add. */
const OTHERS = /^(id|class|style|slot|part|role|hidden|title|dir|tabindex|_|data-|aria-|ng-|on)/;

const REM = /(-?[\d.]+)rem\b/g;
const HOST_STYLE = sheet(':host{display:block!important}:host([hidden]){display:none!important}');

class PurrWall extends HTMLElement {
  static observedAttributes = ['item', 'gateway', 'payee', 'max-sat', 'theme', 'lang', 'mode'];

  static #near = new IntersectionObserver(
    (entries) => entries.forEach(({ isIntersecting, target }) => isIntersecting && target.#load()),
    { rootMargin: NEAR },
  );

  #root = this.attachShadow({ mode: 'open' });
  /** What the WebAssembly has mounted here. */
  #wall;
  /** What `state` says while there is no wall. */
  #state = 'unloaded';
  /** Bought before there was a wall. */
  #wanted = false;

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [HOST_STYLE];
    this.#fallBack('unloaded');
    this.addEventListener('focusin', () => this.#load());
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
    this.#wall?.update(this.#config());
  }

  get state() {
    return this.#wall?.state() ?? this.#state;
  }

  buy() {
    this.#wanted = true;
    this.#load();
  }

  reset() {
    this.#wanted = false;
    this.#wall?.reset();
  }

  async #load() {
    PurrWall.#near.unobserve(this);
    if (!this.#wall && this.#state !== 'loading') {
      this.#state = 'loading';
      try {
        const { mount, style } = await program();
        // Meanwhile it may have gone, or gone, come back, and loaded.
        if (!this.isConnected) this.#state = 'unloaded';
        else if (!this.#wall) {
          this.#root.adoptedStyleSheets = [HOST_STYLE, style];
          this.#wall = mount(this.#root, this, this.#config());
        }
      } catch (error) {
        this.#fallBack('unavailable');
        const message = `the wall cannot be loaded: ${error.message}`;
        if (error.isRefusal) {
          // Beside the element's own content: whoever makes the site has to see it.
          this.#root.append(message);
          console.error(message);
        }
        const detail = { code: 'load-failed', message };
        const options = { detail, bubbles: true, composed: true };
        for (const name of ['purr-wall:error', 'purrwallerror']) {
          this.dispatchEvent(new CustomEvent(name, options));
        }
      }
    }
    if (this.#wall && this.#wanted) {
      this.#wanted = false;
      this.#wall.buy();
    }
  }

  #fallBack(state) {
    this.#state = state;
    this.#root.replaceChildren(document.createElement('slot'));
  }

  #config() {
    const { item, payee, maxSat, theme, mode } = this;
    const gateway = this.gateway ?? HOME;
    // Without a word from the site, the visitor's browser chooses.
    const lang = this.closest('[lang]')?.lang;
    return { item, gateway, payee, maxSat, theme, mode, lang, words };
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

let loading;

/** The WebAssembly, started once: two starts at a time would spoil each other's memory. */
function program() {
  loading ??= start().catch((error) => {
    // The network may be back when the next element asks.
    loading = undefined;
    throw error;
  });
  return loading;
}

async function start() {
  const { mount, css } = await load();
  // The site's rem is not ours.
  return { mount, style: sheet(css.replace(REM, 'calc($1*var(--purr-unit))')) };
}

function sheet(css) {
  const style = new CSSStyleSheet();
  style.replaceSync(css);
  return style;
}

// A page may load this script twice.
if (!customElements.get('purr-wall')) customElements.define('purr-wall', PurrWall);
