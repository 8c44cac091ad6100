import 'purrwall-widget';
import type { PurrWallState, PurrWallWallet, Receipt } from 'purrwall-widget';

const wall = document.querySelector('purr-wall')!;
const state: PurrWallState = wall.state;
wall.maxSat = 100;
wall.dataset.first = state;

wall.addEventListener('purr-wall:paid', ({ detail }) => {
  const receipt: Receipt | null = detail.receipt;
  document.querySelector('#thanks')!.textContent = receipt && `Paid for ${receipt.item}`;
});
document.addEventListener('purr-wall:content', ({ detail }) => {
  const size: number = detail.blob.size;
  wall.dataset.size = String(size);
});

/** Never called: what a site may give its buyers to pay with. */
export function gives(wallet: PurrWallWallet) {
  wall.wallet = wallet;
  wall.wallet = async () => wallet;
  wall.wallet = null;
  document.addEventListener('purr-wall:wallet', ({ detail }) => detail.provide(wallet));
  wall.addEventListener('purrwallwallet', ({ detail }) => detail.provide(() => wallet));
}

/** Never called: tsc alone has to find what is wrong. */
export function wrong() {
  // @ts-expect-error the state cannot be set
  wall.state = 'paid';
  // @ts-expect-error a wallet can pay
  wall.wallet = { enable: async () => {} };
  // @ts-expect-error there is no such detail
  wall.addEventListener('purr-wall:paid', ({ detail }) => detail.nothing);
}
