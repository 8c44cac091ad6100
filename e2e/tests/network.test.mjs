// The network's own page: payments are made and watched, and the network is broken and mended.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertAccessible } from '../axe.mjs';
import { newVisitor, takePictures } from '../browser.mjs';
import { startDevnet } from '../network.mjs';
import { setUp } from '../world.mjs';

describe('the network’s page', () => {
  let network, browser;

  setUp(async (world) => {
    [network, browser] = await Promise.all([world.network(), world.browser()]);
  });

  /** Nothing moves for those who do not want it, so that a payment's steps are there at once. */
  const open = async (path = '') => {
    const page = await newVisitor(browser);
    await page.goto(network.page + path);
    await page.getByTestId('payer-bob').waitFor();
    return page;
  };

  test('bob pays from a link, and his payment’s way and fee are to be seen', async () => {
    const bolt11 = await network.store.invoice(100_000, 'two cats');
    const page = await open(`#lightning:${bolt11}`);
    await says(page, 'asked', /^store asks for 100 sat: “two cats”$/);
    await page.getByTestId('payer-bob').check();
    await page.getByTestId('pay').click();
    await says(page, 'outcome', /^Paid\./);
    await says(page, 'summary', /^bob paid 100 sat to store through alice, for a fee of 0\.002 sat\.$/);
    await says(page, 'found', /a map of 2 channels and picks bob → alice → store/);
    assert.deepEqual(await page.getByTestId('walked').locator('li').allTextContents(), [
      'bob locks 100.002 sat for alice.',
      'alice locks 100 sat for store.',
      'store knows the preimage, shows it to alice and takes 100 sat.',
      'alice shows it to bob and takes 100.002 sat. 0.002 sat of it stay with alice.',
    ]);
    await assertAccessible(page);
    await takePictures(page, 'network-paid');
  });

  test('the key of sealed goods travels with the payment, and only its payer can make it', async () => {
    const bolt11 = await network.store.invoice(100_000, `two cats manifest:${'0a'.repeat(32)} nonce:${'0b'.repeat(8)}`);
    const page = await open(`#lightning:${bolt11}`);
    await page.getByTestId('payer-bob').check();
    await page.getByTestId('pay').click();
    await says(page, 'walked', /store knows the preimage, a half of the goods’ key, shows it to alice and takes 100 sat\./);
    await says(page, 'walked', /alice shows it to bob/);
    assert.deepEqual(await page.getByTestId('keys').locator('li').allTextContents(), [
      'bob has the preimage now, and the token_id in the claim: the two make the key.',
      'alice has the preimage alone, which opens nothing.',
      'store has both: it sealed the goods.',
    ]);
    const halves = (name) => page.getByTestId(`key-${name}`).locator('path.has').count();
    assert.deepEqual([await halves('bob'), await halves('alice')], [2, 1]);
    await assertAccessible(page);
    await takePictures(page, 'network-sealed');

    // Other goods have no key.
    await makeInvoice(page);
    await page.getByTestId('asked').filter({ hasNotText: 'manifest:' }).waitFor();
    await page.getByTestId('pay').click();
    await says(page, 'outcome', /^Paid\./);
    await says(page, 'walked', /store knows the preimage, shows it to alice/);
    assert.equal(await page.getByTestId('keys').locator('li').count(), 0);
  });

  test('the walk is walked before one’s eyes', async () => {
    const page = await newVisitor(browser, { reducedMotion: 'no-preference' });
    await page.goto(network.page);
    await makeInvoice(page);
    await page.getByTestId('payer-alice').check();
    await page.getByTestId('pay').click();
    await page.locator('#map .purse').waitFor();
    await says(page, 'walked', /store knows the preimage/);
    await page.getByTestId('again').waitFor();
    assert.equal(await page.locator('#map .purse').count(), 0, 'the money has arrived');
  });

  test('without alice bob finds no route, and with her he does again', async () => {
    const page = await open();
    await page.getByTestId('online-alice').click();
    await button(page, 'online-alice', 'Bring back: alice');
    await drawn(page, '.channel.down', 2);
    await makeInvoice(page);
    await page.getByTestId('pay').click();
    await says(page, 'outcome', /could not find a usable set of paths/);
    await says(page, 'summary', /^bob could not pay 100 sat to store\.$/);
    await says(page, 'found', /finds no way to store that is open\. Nothing was paid\./);
    await assertAccessible(page);
    await takePictures(page, 'network-no-route');

    await page.getByTestId('online-alice').click();
    await drawn(page, '.channel.down', 0);
    await page.getByTestId('pay').click();
    await says(page, 'outcome', /^Paid\./);
    await says(page, 'summary', /through alice/);
  });

  test('a payment is stuck while the store keeps still', async () => {
    const page = await open();
    await page.getByTestId('holding-store').click();
    await button(page, 'holding-store', 'Wake: store');
    await makeInvoice(page);
    await page.getByTestId('pay').click();
    await says(page, 'walked', /store has not taken it yet: the money is locked in 2 channels/);
    await drawn(page, '.locked', 2);
    await assertAccessible(page);
    await takePictures(page, 'network-stuck');

    await page.getByTestId('holding-store').click();
    await says(page, 'outcome', /^Paid\./);
    await drawn(page, '.locked', 0);
  });

  test('a channel of bob’s own makes his way shorter', async () => {
    const page = await open();
    const before = Number(await page.getByTestId('height').textContent());
    await page.getByTestId('open').click();
    await drawn(page, '.channel.opening', 1);
    await page.getByTestId('mine-6').click();
    await says(page, 'height', new RegExp(`^${before + 6}$`));
    await drawn(page, '.channel.opening', 0);
    await makeInvoice(page);
    await page.getByTestId('pay').click();
    await says(page, 'summary', /^bob paid 100 sat to store, for a fee of 0 sat\.$/);
  });

  test('what is no invoice is refused in words, with the keyboard alone', async () => {
    const page = await open();
    await page.getByTestId('bolt11').focus();
    await page.keyboard.type('lnbcrt1nonsense');
    await says(page, 'asked', /^Bad bech32 string$/);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await says(page, 'outcome', /^Invalid bolt11: Bad bech32 string$/);
  });

  test('a browser that keeps lightning: links for wallets says what to do instead', async () => {
    const page = await open();
    await page.getByTestId('register').click();
    await page.getByText('Copy the link, or drop it on the field above.').waitFor();
  });
});

describe('the page of a random network', () => {
  let network, browser;

  setUp(async (world) => {
    const starting = world.network(() => startDevnet('--nodes', '12', '--seed', '7'));
    [network, browser] = await Promise.all([starting, world.browser()]);
  });

  test('shows all nodes apart from each other, and bob’s way through them', async () => {
    const page = await newVisitor(browser);
    await page.goto(network.page);
    await makeInvoice(page);
    await page.getByTestId('pay').click();
    await says(page, 'summary', /^bob paid 100 sat to store through \w+/);
    await assertAccessible(page);
    await takePictures(page, 'network-random');
    for (const size of [{ width: 1280, height: 800 }, { width: 390, height: 844 }]) {
      await page.setViewportSize(size);
      const boxes = await catsOnTheMap(page);
      assert.equal(boxes.length, 12);
      for (const [index, one] of boxes.entries()) {
        for (const other of boxes.slice(index + 1)) {
          const distance = Math.hypot(one.x - other.x, one.y - other.y);
          assert.ok(distance > one.width * 1.2, `two cats are ${distance} px apart at ${size.width}`);
        }
      }
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      assert.equal(overflow, 0, 'nothing is wider than the window');
    }
  });
});

/** Where the cats are in the window, once the map has taken the window's size. */
async function catsOnTheMap(page) {
  await page.waitForFunction(() => {
    const map = document.querySelector('#map');
    return map.viewBox.baseVal.width === map.getBoundingClientRect().width;
  });
  return page.evaluate(() =>
    [...document.querySelectorAll('#map .node > g')].map((cat) => {
      const { x, y, width, height } = cat.getBoundingClientRect();
      return { x: x + width / 2, y: y + height / 2, width };
    }),
  );
}

async function makeInvoice(page) {
  await page.getByTestId('ask').click();
  await says(page, 'asked', /^store asks for 100 sat/);
}

/** Waits until the map shows so many of them; a level line has no height, so it is never "visible". */
function drawn(page, selector, count) {
  return page.waitForFunction(
    ([selector, count]) => document.querySelectorAll(`#map ${selector}`).length === count,
    [selector, count],
  );
}

/** Waits until an element of the page says it. */
function says(page, name, text) {
  return page.getByTestId(name).filter({ hasText: text }).waitFor();
}

function button(page, name, label) {
  return page.getByTestId(name).and(page.getByRole('button', { name: label })).waitFor();
}
