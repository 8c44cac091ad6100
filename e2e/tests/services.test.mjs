// Services in other languages that know nothing of payments, each sold by three lines of the store's file.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { fetchWithL402 } from '@getalby/lightning-tools/402/l402';
import { openStore } from '../store.mjs';
import { freePort, root, startServer } from '../server.mjs';
import { setUp } from '../world.mjs';

const python = join(root, '.tools/python/bin/python');
const service = (file) => join(root, 'e2e/services', file);
const listening = /listening on (\d+)/;

const php = program('php');

/** What each needs, and how it is started; `port` is for one that takes no port of its own. */
const SERVICES = [
  ['Express', process.execPath, () => [process.execPath, service('forecast.mjs')]],
  ['Flask', python, () => [python, service('forecast.py')]],
  // It says that it has started among its errors.
  [
    'PHP',
    php,
    (port) => ['sh', '-c', 'exec "$@" 2>&1', 'sh', php, '-S', `127.0.0.1:${port}`, service('forecast.php')],
  ],
];

suite('services that know nothing of payments', () => {
  let network, dir;

  setUp(async (world) => {
    network = await world.network();
    dir = await world.folder();
  });

  for (const [name, needed, line] of SERVICES) {
    const skip = !existsSync(needed) && `there is no ${name}; \`cargo xtask setup\` installs it`;
    test(`${name}: three lines sell it`, { skip }, async () => {
      const port = await freePort();
      const ready = name === 'PHP' ? /started/ : listening;
      const [command, ...args] = line(port);
      const running = await startServer(name, command, args, ready);
      const place = running.lines.at(-1).match(listening)?.[1] ?? port;
      const file = join(dir, `${name}.toml`);
      await writeFile(
        file,
        `[[route]]\npath = "/forecast/*"\nprice = "10 sat"\nupstream = "http://127.0.0.1:${place}"\n` +
          'free = ["/forecast/about"]\n',
      );
      const store = await openStore(network, '--config', file);
      try {
        await sells(store);
        await running.stop();
        await tellsThatItIsAway(store);
      } finally {
        await store.stop();
        await running.stop();
      }
    });
  }

  const today = (store) => new URL('forecast/today', store.url).href;
  const wallet = () => ({
    paid: 0,
    async payInvoice({ invoice }) {
      this.paid += 1;
      return { preimage: await network.alice.pay(invoice) };
    },
  });
  let kept;

  async function sells(store) {
    const { items } = await (await fetch(new URL('api/v1/store', store.url))).json();
    assert.deepEqual(items, [], 'a store of services has no cats');
    const about = await fetch(new URL('forecast/about', store.url));
    assert.equal(await about.text(), 'Rain or shine');
    assert.equal((await fetch(today(store))).status, 402);

    const paying = wallet();
    const answer = await fetchWithL402(today(store), {}, { wallet: paying });
    assert.deepEqual([answer.status, await answer.json()], [200, { day: 'today', sky: 'sun' }]);
    kept = answer.payment.credentials;
    const tomorrow = new URL('forecast/tomorrow', store.url).href;
    const again = await fetchWithL402(tomorrow, {}, { wallet: paying, credentials: kept });
    assert.deepEqual(await again.json(), { day: 'tomorrow', sky: 'sun' });
    assert.equal(paying.paid, 1);
  }

  async function tellsThatItIsAway(store) {
    const paying = wallet();
    const answer = await fetchWithL402(today(store), {}, { wallet: paying, credentials: kept });
    assert.equal(answer.status, 502);
    assert.equal((await answer.json()).code, 'upstream-unavailable');
    assert.equal(paying.paid, 0);
  }
});

/** Where a program is, or a path where there is none. */
function program(name) {
  try {
    return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
  } catch {
    return `/nonexistent/${name}`;
  }
}
