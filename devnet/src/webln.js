// A WebLN provider whose wallet is a node of the devnet, and a switch that chooses the node. For
// development only: everyone who loads the page spends the node's coins, which are worth nothing.
//
// <script src="http://127.0.0.1:PORT/webln.js?node=alice"></script>
//
// Sets window.webln (https://www.webln.guide) and window.weblnDevnet: `node` is the name of the node
// that pays, `use("bob")` changes it. Each wall that shows an invoice gets the switch above it.
(() => {
  "use strict";
  const source = new URL(document.currentScript.src);
  const devnet = {
    node: source.searchParams.get("node") || "alice",
    use(node) {
      devnet.node = node;
      document.querySelectorAll(SWITCH).forEach((element) => element.show());
    },
  };

  async function ask(method, path, body) {
    const answer = await fetch(new URL(path, source.origin), {
      method,
      headers: body && { "content-type": "application/json" },
      body: body && JSON.stringify(body),
    });
    const content = await answer.json();
    if (!answer.ok) throw new Error(content.message);
    return content;
  }

  const here = (resource) => `/${resource}/${encodeURIComponent(devnet.node)}`;
  const lacks = (what) => async () => {
    throw new Error(`the devnet's wallet has no ${what}`);
  };
  let enabled = false;

  window.weblnDevnet = devnet;
  window.webln = {
    get enabled() {
      return enabled;
    },
    async isEnabled() {
      return enabled;
    },
    async enable() {
      enabled = true;
      return { enabled };
    },
    async getInfo() {
      return ask("GET", here("info"));
    },
    async sendPayment(bolt11) {
      if (!enabled) throw new Error("call webln.enable() first");
      return ask("POST", here("pay"), { bolt11 });
    },
    keysend: lacks("keysend"),
    makeInvoice: lacks("makeInvoice"),
    signMessage: lacks("signMessage"),
    verifyMessage: lacks("verifyMessage"),
  };

  // ---- The switch ----

  const SWITCH = "devnet-payer";
  const BUYERS = ["alice", "bob"];
  /** A wall that shows an invoice, by the names that style sheets use. */
  const PAYABLE = '[part~="wall"]:has([part~="invoice"])';

  // The store's policy allows no style elements, but it allows sheets that scripts make.
  const looks = new CSSStyleSheet();
  looks.replaceSync(`
    :host {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      justify-content: center;
      gap: 0.5rem;
      margin: 0 1.5rem;
      padding: 1rem 0;
      border-bottom: 2px dashed var(--purr-line);
      color: var(--purr-soft);
      font: 0.9rem/1.4 var(--purr-text);
    }
    button {
      min-width: 4.5rem;
      min-height: 2.5rem;
      padding: 0 1rem;
      border: 2px solid var(--purr-line);
      border-radius: 999px;
      background: none;
      color: inherit;
      font: inherit;
      cursor: pointer;
    }
    button:hover { border-color: currentColor; }
    button:focus-visible { outline: 3px solid var(--purr-accent); outline-offset: 3px; }
    button[aria-pressed="true"] { border-color: var(--purr-accent); color: var(--purr-ink); font-weight: 700; }
    @media (forced-colors: active) {
      button[aria-pressed="true"] { outline: 2px solid Highlight; }
    }
  `);

  class Payer extends HTMLElement {
    #buttons = BUYERS.map((name) => {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", textContent: name, onclick: () => devnet.use(name) });
      button.dataset.test = `devnet-${name}`;
      return button;
    });

    constructor() {
      super();
      const root = this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [looks];
      root.append("Demo: pay as", ...this.#buttons);
    }

    connectedCallback() {
      this.role = "group";
      this.ariaLabel = "Demo: who pays";
      this.show();
    }

    /** Shows who pays now. */
    show() {
      for (const button of this.#buttons) button.ariaPressed = button.textContent === devnet.node;
    }
  }
  customElements.define(SWITCH, Payer);

  function placeSwitches() {
    for (const element of document.querySelectorAll(SWITCH)) {
      if (!element.nextElementSibling?.matches(PAYABLE)) element.remove();
    }
    for (const wall of document.querySelectorAll(PAYABLE)) {
      if (!wall.previousElementSibling?.matches(SWITCH)) wall.before(document.createElement(SWITCH));
    }
  }
  new MutationObserver(placeSwitches).observe(document, { childList: true, subtree: true });
})();
