// The story as a moving picture: alice buys two cats, then bob, who has no channel to the store, buys
// two through alice. Each pays with one click, and the network's page shows the payment walk.

import { setTimeout as sleep } from 'node:timers/promises';
import { newVisitor } from './browser.mjs';
import { putBesideEachOther, record } from './recording.mjs';
import { buy, seesTheGoods } from './story.mjs';

/** What they buy. */
export const ITEM = 'two-cats';

const LEFT = { width: 430, height: 660 };
const RIGHT = { width: 690, height: 660 };
const MOVING = { reducedMotion: 'no-preference' };
/** How long one looks at a thing before something else happens, in ms. */
const LOOK = { short: 1200, long: 2600 };

/**
 * Tells the story and records it: the buyers' pages on the left, one after the other; the network's
 * beside. The store has to offer the devnet's wallet. With less `effort` the file is larger and sooner there.
 *
 * @returns {Promise<{ seconds: number }>} how long it is
 */
export async function recordStory({ network, store, browser }, file, { effort = 6 } = {}) {
  const map = await newVisitor(browser, { viewport: RIGHT, ...MOVING });
  await map.goto(network.page);
  await map.getByTestId('payer-bob').waitFor();
  // The part of the page that shows a payment, under a caption of the story.
  await map.addStyleTag({
    content: `body { padding: 1rem; } header p, .pay, .acts, .table { display: none !important; }
      header { padding-bottom: 0.75rem; } h1 { font-size: 1.9rem; margin: 0; } .street { padding-block: 0.75rem; }
      main { gap: 0.75rem; } .street { flex: none; } #map { flex: none; height: 11.5rem; min-height: 0 !important; } .walk { padding-block: 0.75rem; gap: 0.4rem; }
      .legend, #again { display: none; }`,
  });
  const caption = (text) => map.evaluate((words) => (document.querySelector('h1').textContent = words), text);
  await caption('A box waits in the store.');

  const right = await record(map);
  const left = [];
  for (const [buyer, said] of [['alice', 'Alice has a channel to the store.'], ['bob', 'Bob has none: he pays through Alice.']]) {
    const page = await newVisitor(browser, { viewport: LEFT, ...MOVING });
    await page.goto(store.url);
    await page.getByTestId(`item-${ITEM}`).waitFor();
    left.push(await record(page));
    await caption(said);
    await map.getByTestId(`payer-${buyer}`).evaluate((radio) => radio.click());
    await sleep(LOOK.short);
    const card = page.getByTestId(`item-${ITEM}`);
    await card.evaluate((node) => node.scrollIntoView({ block: 'center', behavior: 'smooth' }));
    await sleep(LOOK.short);
    await buy(page, ITEM);
    await card.evaluate((node) => node.scrollIntoView({ block: 'start' }));
    await page.getByRole('button', { name: buyer, exact: true }).click();
    await sleep(LOOK.long);
    await page.getByTestId('pay-webln').click();
    await seesTheGoods(page, store, ITEM);
    await page.getByTestId('content').evaluate((node) => node.scrollIntoView({ block: 'center' }));
    await map.getByTestId('summary').filter({ hasText: `${buyer} paid` }).waitFor();
    await map.getByTestId('again').waitFor({ state: 'attached' });
    await map.waitForFunction(() => !document.querySelector('[data-test="again"]').hidden);
    await caption(buyer === 'alice' ? 'Paid: two cats for Alice.' : 'Two for Bob, and a fee for Alice.');
    await sleep(LOOK.long);
    await left.at(-1).stop();
  }
  await right.stop();
  return putBesideEachOther([left, LEFT], [[right], RIGHT], file, effort);
}
