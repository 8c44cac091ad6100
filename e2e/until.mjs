// Waiting for conditions.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

/** How long tests wait for what should happen soon, in ms: the machine may be busy with other things. */
export const PATIENCE_MS = 60_000;

/** Waits until a condition holds. */
export async function until(what, holds) {
  const limit = performance.now() + PATIENCE_MS;
  while (performance.now() < limit) {
    if (await holds()) return;
    await sleep(100);
  }
  assert.fail(`waited in vain for ${what}`);
}
