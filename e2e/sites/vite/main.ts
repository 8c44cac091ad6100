import 'purrwall-widget';
import type { PurrWallState, Receipt } from 'purrwall-widget';

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

/** Never called: tsc alone has to find what is wrong. */
export function wrong() {
  // @ts-expect-error the state cannot be set
  wall.state = 'paid';
  // @ts-expect-error there is no such detail
  wall.addEventListener('purr-wall:paid', ({ detail }) => detail.nothing);
}
