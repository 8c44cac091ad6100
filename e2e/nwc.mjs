// A wallet that pays over Nostr Wallet Connect (NIP-47), and the relay between it and a buyer's page.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { NWCWalletService, NWCWalletServiceKeyPair } from '@getalby/sdk/nwc';
import { matchFilters } from 'nostr-tools/filter';
import { getPublicKey } from 'nostr-tools/pure';
import { WebSocket, WebSocketServer } from 'ws';

// Not every version of Node.js has one of its own, which the wallet's library needs.
globalThis.WebSocket ??= WebSocket;

/** Opens a wallet that pays from `node`, with a relay of its own. */
export async function openNwcWallet(node) {
  const relay = await openRelay();
  const secret = randomBytes(32).toString('hex');
  const service = new NWCWalletService({ relayUrls: [relay.url] });
  const methods = ['get_info', 'pay_invoice'];
  await service.publishWalletServiceInfoEvent(secret, methods, []);
  const wallet = {
    relayUrl: relay.url,
    walletPubkey: getPublicKey(Buffer.from(secret, 'hex')),
    /** The invoices that it paid. */
    paid: [],
    /** Lets the program with this public key pay. */
    allow: (pubkey) =>
      service.subscribe(new NWCWalletServiceKeyPair(secret, pubkey), {
        getInfo: async () => ({ result: { alias: 'alice', network: 'regtest', methods } }),
        async payInvoice({ invoice }) {
          const { payment_preimage } = await node.call('pay', { bolt11: invoice });
          wallet.paid.push(invoice);
          return { result: { preimage: payment_preimage, fees_paid: 0 } };
        },
      }),
    /** A connection, as an owner of the wallet copies it to where it is to pay. */
    async connection() {
      const connectionSecret = randomBytes(32);
      await wallet.allow(getPublicKey(connectionSecret));
      const query = new URLSearchParams({ relay: relay.url, secret: connectionSecret.toString('hex') });
      return `nostr+walletconnect://${wallet.walletPubkey}?${query}`;
    },
    async stop() {
      service.close();
      await relay.stop();
    },
  };
  return wallet;
}

/** A relay, as NIP-01 has it: keeps what is published, and tells whoever subscribed to it. */
async function openRelay() {
  const events = [];
  const subscriptions = new Set();
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  server.on('connection', (socket) => {
    const tell = (...message) => socket.send(JSON.stringify(message));
    const end = (holds) => {
      for (const one of subscriptions) if (holds(one)) subscriptions.delete(one);
    };
    const answers = {
      EVENT(event) {
        events.push(event);
        tell('OK', event.id, true, '');
        for (const { filters, send } of subscriptions) if (matchFilters(filters, event)) send(event);
      },
      REQ(id, ...filters) {
        const send = (event) => tell('EVENT', id, event);
        subscriptions.add({ socket, id, filters, send });
        events.filter((event) => matchFilters(filters, event)).forEach(send);
        tell('EOSE', id);
      },
      CLOSE: (id) => end((one) => one.socket === socket && one.id === id),
    };
    socket.on('message', (text) => {
      const [kind, ...rest] = JSON.parse(text);
      answers[kind](...rest);
    });
    socket.on('close', () => end((one) => one.socket === socket));
  });
  return {
    url: `ws://127.0.0.1:${server.address().port}`,
    async stop() {
      for (const socket of server.clients) socket.terminate();
      server.close();
      await once(server, 'close');
    },
  };
}
