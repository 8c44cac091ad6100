// A WebLN provider whose wallet is a node of the devnet. Development only: whoever loads this
// page spends the node's coins, which are worth nothing.
//
// <script src="http://127.0.0.1:PORT/webln.js?node=alice"></script>
//
// Sets window.webln (https://www.webln.guide) and window.weblnDevnet, with which a demo page
// chooses who pays: weblnDevnet.node is the name, weblnDevnet.use("bob") changes it.
(() => {
  "use strict";
  const source = new URL(document.currentScript.src);
  const devnet = {
    node: source.searchParams.get("node") || "alice",
    use(node) {
      devnet.node = node;
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
})();
