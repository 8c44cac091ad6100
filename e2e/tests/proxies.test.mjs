// Services behind a proxy that asks the store whether a request may pass: the configurations in packaging/,
// in Debian's nginx, Caddy and HAProxy.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { fetchWithL402 } from '@getalby/lightning-tools/402/l402';
import { newVisitor } from '../browser.mjs';
import { freePort, root, startServer } from '../server.mjs';
import { until } from '../until.mjs';
import { setUp } from '../world.mjs';

const KEY = '0123456789abcdef0123456789abcdef';

const PROXIES = [
  {
    name: 'nginx',
    example: 'nginx/forward-auth.conf',
    site: (text, { port }) =>
      text
        .replace('    listen [::]:443 ssl http2;\n', '')
        .replace('listen 443 ssl http2', `listen 127.0.0.1:${port}`)
        .replaceAll(/ +ssl_.*\n/g, ''),
    async start(program, dir, site) {
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
      const paths = temporary.map((kind) => `${kind}_temp_path ${join(dir, kind)};`);
      const main = join(dir, 'nginx.conf');
      await writeFile(
        main,
        `daemon off; pid ${join(dir, 'pid')}; error_log stderr; events {}\n` +
          `http { access_log off; ${paths.join(' ')} include ${site}; }\n`,
      );
      return [program, '-e', 'stderr', '-p', dir, '-c', main];
    },
  },
  {
    name: 'Caddy',
    program: 'caddy',
    example: 'caddy/forward-auth.Caddyfile',
    site: (text, { port }) => `{\n\tadmin off\n}\n${text.replace('forecast.example {', `http://127.0.0.1:${port} {`)}`,
    // It keeps its own files in its user's home.
    start: async (program, dir, site) => [
      'env',
      `HOME=${dir}`,
      program,
      ...['run', '--adapter', 'caddyfile', '--config', site],
    ],
  },
  {
    name: 'HAProxy',
    program: 'haproxy',
    example: 'haproxy/forward-auth.cfg',
    site: (text, { port }) =>
      text
        .replace(/bind :443 .*/, `bind 127.0.0.1:${port}`)
        .replace('X-Forwarded-Proto https', 'X-Forwarded-Proto http')
        .replace('/etc/haproxy/purrwall.lua', join(root, 'packaging/haproxy/purrwall.lua')),
    start: async (program, dir, site) => [program, '-db', '-f', site],
  },
];

suite('a proxy asks before it lets a request pass', () => {
  let network, browser, dir, service, store;

  setUp(async (world) => {
    [network, browser, dir] = await Promise.all([world.network(), world.browser(), world.folder()]);
    service = await startServer(
      'service',
      process.execPath,
      [join(root, 'e2e/services/echo.mjs')],
      /listening/,
    );
    const file = join(dir, 'purrwall.toml');
    await writeFile(
      file,
      'trusted_proxies = "127.0.0.1"\n' +
        '[[route]]\npath = "/forecast/*"\nprice = "10 sat"\nforward_auth = true\n' +
        `title = "The forecast"\nfree = ["/forecast/about"]\nsigning_key = "${KEY}"\n`,
    );
    store = await world.store(network, '--config', file);
  });

  for (const proxy of PROXIES) {
    const program = find(proxy.program ?? proxy.name);
    const skip = !program && `there is no ${proxy.name}; \`cargo xtask setup\` installs it`;
    suite(proxy.name, { skip }, () => {
      let port, url, running;

      before(async () => {
        port = await freePort();
        url = `http://127.0.0.1:${port}`;
        const places = {
          '127.0.0.1:8080': new URL(store.url).host,
          '127.0.0.1:3000': `127.0.0.1:${service.lines.at(-1).match(/\d+$/)[0]}`,
        };
        let site = await readFile(join(root, 'packaging', proxy.example), 'utf8');
        for (const [example, here] of Object.entries(places)) site = site.replaceAll(example, here);
        const path = join(dir, `${proxy.name}.site`);
        await writeFile(path, proxy.site(site, { port }));
        const command = await proxy.start(program, dir, path);
        const started = 'echo started; exec "$@"';
        running = await startServer(proxy.name, 'sh', ['-c', started, 'sh', ...command], /started/);
        await until(`${proxy.name} listens`, () => accepts(port));
      });
      after(() => running?.stop());

      test('programs pay, and the claim goes no further than the proxy', () => sellsToPrograms(url));
      test('nobody slips through to the service', () => letsNobodySlipThrough(url, port));
      test('people pay on a page and come back', () => sellsToPeople(url));
    });
  }

  const wallet = () => ({
    paid: 0,
    async payInvoice({ invoice }) {
      this.paid += 1;
      return { preimage: await network.alice.pay(invoice) };
    },
  });

  async function sellsToPrograms(url) {
    const today = `${url}/forecast/today?day=1`;
    const unpaid = await fetch(today);
    assert.equal(unpaid.status, 402);
    const challenges = unpaid.headers.get('www-authenticate');
    assert.match(challenges, /^L402 macaroon="/);
    assert.match(challenges, /, Payment id="/);
    assert.equal((await unpaid.json()).code, 'payment-required');

    const paying = wallet();
    const body = { method: 'POST', body: 'a question', headers: { 'x-purrwall-item': 'route:other' } };
    const answer = await fetchWithL402(today, body, { wallet: paying });
    assert.equal(answer.status, 200);
    const told = await answer.json();
    assert.deepEqual([told.method, told.url, told.body], ['POST', '/forecast/today?day=1', 'a question']);
    assert.equal(told.headers['x-purrwall-item'], 'route:forecast');
    assert.equal(told.headers.authorization ?? '', '', 'the claim reaches the service');
    const hash = told.headers['x-purrwall-payment-hash'];
    const timestamp = told.headers['x-purrwall-timestamp'];
    const signed = [timestamp, 'POST', '/forecast/today?day=1', hash, 'route:forecast'].join('\n');
    const expected = createHmac('sha256', KEY).update(signed).digest('hex');
    assert.equal(told.headers['x-purrwall-signature'], expected);

    const credentials = answer.payment.credentials;
    const again = await fetchWithL402(`${url}/forecast/tomorrow`, {}, { wallet: paying, credentials });
    assert.equal((await again.json()).headers['x-purrwall-payment-hash'], hash);
    assert.equal(paying.paid, 1);
    assert.ok(!again.headers.has('payment-receipt'));

    const authorization = await paysCharge(challenges);
    const charged = await fetch(today, { headers: { authorization } });
    assert.equal((await charged.json()).headers.authorization ?? '', '', 'the charge reaches the service');
    assert.equal(decode(charged.headers.get('payment-receipt')).status, 'success');
  }

  /** Pays the challenge of the scheme `Payment`; gives what opens the service. */
  async function paysCharge(challenges) {
    const line = challenges.slice(challenges.indexOf('Payment '));
    const challenge = Object.fromEntries([...line.matchAll(/(\w+)="([^"]*)"/g)].map(([, ...pair]) => pair));
    const preimage = await network.alice.pay(decode(challenge.request).methodDetails.invoice);
    const credential = JSON.stringify({ challenge, payload: { preimage } });
    return `Payment ${Buffer.from(credential).toString('base64url')}`;
  }

  async function letsNobodySlipThrough(url, port) {
    const forged = { 'x-purrwall-item': 'route:forecast', 'x-purrwall-payment-hash': '00' };
    const free = await fetch(`${url}/forecast/about`, { headers: forged });
    const told = await free.json();
    for (const name of Object.keys(forged)) assert.ok(!told.headers[name], `${name} was forged`);

    for (const header of ['x-forwarded-uri: /forecast/about', 'x-original-uri: /forecast/about', 'x-a: b']) {
      const answer = await answerTo(port, '/forecast/today', header);
      assert.match(answer, /^HTTP\/1.1 40[02] /, header);
    }
    for (const path of [
      '/forecast/about/../today',
      '/forecast/about/%2e%2e/today',
      '/forecast/about%2f..%2ftoday',
      '//forecast/today',
      '/./forecast/today',
      '/forecast//today',
      '/%66orecast/today',
      '/auth/forecast',
      '/auth/forecast/pay',
    ]) {
      const answer = await answerTo(port, path, 'x-forwarded-method: GET\r\nx-forwarded-uri: /forecast/about');
      // Caddy answers with nothing where nothing is.
      assert.match(answer, /^HTTP\/1.1 (40[034] |200 OK\r\n(?=[^]*\r\nContent-Length: 0\r\n))/, path);
      assert.ok(!answer.includes('"headers":'), `${path} reached the service`);
    }
  }

  async function sellsToPeople(url) {
    const page = await newVisitor(browser, { javaScriptEnabled: false });
    const shown = await page.goto(`${url}/forecast/today?day=2`);
    assert.equal(shown.status(), 402);
    await page.getByTestId('buy').click();
    const bolt11 = await page.getByTestId('bolt11').getAttribute('data-bolt11');
    await network.alice.pay(bolt11);
    const told = page.getByText('"x-purrwall-item":"route:forecast"');
    await told.waitFor();
    const text = await told.textContent();
    assert.ok(text.includes('"url":"/forecast/today?day=2"'), text);
    assert.ok(!text.includes('purrwall-route.forecast'), 'the claim reaches the service');
    // The cookie that came with the service's answer holds the proof.
    const [cookie] = await page.context().cookies();
    assert.equal(cookie.path, '/');
    assert.match(cookie.value, /:[0-9a-f]{64}$/);
  }

  test('a stranger who asks the store itself is refused', async () => {
    const headers = { 'x-forwarded-method': 'GET', 'x-forwarded-uri': '/forecast/about' };
    for (const [localAddress, expected] of [['127.0.0.1', 204], ['127.0.0.2', 404]]) {
      const answer = await new Promise((resolve, reject) => {
        get(new URL('auth/forecast', store.url), { localAddress, headers }, resolve).on('error', reject);
      });
      answer.resume();
      assert.equal(answer.statusCode, expected, localAddress);
    }
  });
});

function decode(text) {
  return JSON.parse(Buffer.from(text, 'base64url'));
}

/** The answer to a request that is sent as it is written. */
function answerTo(port, path, header) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${header}\r\nConnection: close\r\n\r\n`);
    });
    let answer = '';
    socket.setEncoding('utf8');
    socket.on('data', (text) => (answer += text));
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  });
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/** Where a program is. Debian has servers where only root's PATH leads. */
function find(name) {
  const folders = [...process.env.PATH.split(delimiter), '/usr/sbin'];
  return folders.map((folder) => join(folder, name)).find(existsSync);
}
