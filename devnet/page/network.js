// The network's page: asks how the network is, again and again, and draws it; tells it what to do.

import { NetworkMap, colorAt, describeChannel } from './map.js';
import { keys, money, steps, summary } from './walk.js';

const LOOK_EVERY_MS = 400;
/** How long money takes from one node to the next. In truth it is a few milliseconds. */
const MOVE_MS = 650;

const $ = (id) => document.getElementById(id);
const stillness = matchMedia('(prefers-reduced-motion: reduce)');

const map = new NetworkMap($('map'), choosePayer);
let picture;
let payer = 'bob';
/** The payment that is shown: its steps, and how many of them were walked already. */
let walk = { id: undefined, steps: [], keys: [], walked: 0, running: false };

// ---- What there is to see ----

async function look() {
  try {
    const next = await ask('GET', '/network');
    $('away').hidden = true;
    const first = picture === undefined;
    picture = next;
    if (first) prepare();
    show();
    follow(first);
  } catch {
    $('away').hidden = false;
  }
}

async function keepLooking() {
  if (!document.hidden) await look();
  setTimeout(keepLooking, LOOK_EVERY_MS);
}

/** What depends on which nodes there are; they stay the same for as long as the network runs. */
function prepare() {
  const names = picture.nodes.map(({ name }) => name);
  $('payers').replaceChildren(...names.map(chip));
  for (const id of ['payee', 'from', 'to']) $(id).replaceChildren(...names.map((name) => new Option(name)));
  [$('payee').value, $('from').value, $('to').value] = ['store', 'bob', 'store'];
  $('nodes').replaceChildren(...names.map(nodeRow));
  document.body.classList.toggle('large', names.length > 5);
  choosePayer(payer);
  // Only now do the forms know whom they speak of.
  $('main').inert = false;
}

function show() {
  const { nodes, channels, payment } = picture;
  $('height').textContent = picture.height;
  for (const node of nodes) showNode(node);
  $('channels').replaceChildren(...channels.map(channelRow));
  const attempt = payment?.attempts.at(-1);
  map.show(picture, payer, attempt?.hops.map(({ short_channel_id: id }) => id) ?? []);
  const words = channels.map((channel) => describeChannel(channel)).join('. ');
  $('map').setAttribute('aria-label', `${nodes.length} nodes, ${channels.length} channels. ${words}`);
}

function choosePayer(name) {
  payer = name;
  $('payer-name').textContent = name;
  $('map-owner').textContent = name;
  for (const radio of $('payers').querySelectorAll('input')) radio.checked = radio.value === name;
  if (picture) show();
}

function chip(name, index) {
  const label = make('label', { style: `--of: ${colorAt(index)}` });
  const radio = make('input', { type: 'radio', name: 'payer', value: name, 'data-test': `payer-${name}` });
  radio.addEventListener('change', () => choosePayer(name));
  label.append(radio, make('span', {}, name));
  return label;
}

function nodeRow(name, index) {
  const row = make('li', { id: `node-${name}`, style: `--of: ${colorAt(index)}` });
  const toggle = (what, read) => {
    const button = make('button', { type: 'button', 'data-test': `${what}-${name}` });
    button.addEventListener('click', () => act('PATCH', `/nodes/${name}`, { [what]: !read() }));
    return button;
  };
  const now = () => picture.nodes[index];
  row.append(
    make('span', { class: 'who' }, name),
    make('span', { class: 'has' }),
    toggle('online', () => now().online),
    toggle('holding', () => now().holding),
  );
  return row;
}

function showNode(node) {
  const row = $(`node-${node.name}`);
  const [, has, online, holding] = row.children;
  row.classList.toggle('offline', !node.online);
  const earned = node.earned_msat > 0 ? `, earned ${money(node.earned_msat)}` : '';
  has.textContent = `${money(node.channels_msat)}${earned}`;
  online.textContent = node.online ? 'Take offline' : 'Bring back';
  holding.textContent = node.holding ? 'Wake' : 'Keep still';
  online.setAttribute('aria-label', `${online.textContent}: ${node.name}`);
  holding.setAttribute('aria-label', `${holding.textContent}: ${node.name}`);
}

function channelRow(channel) {
  const row = make('tr', {});
  const state = (channel.opening && 'waits for a block') || (channel.usable ? 'ready' : 'an end is offline');
  const money_ = `${money(channel.from_msat)} | ${money(channel.to_msat)}`;
  const locked = channel.locked_msat > 0 ? `, ${money(channel.locked_msat)} locked` : '';
  const cells = [channel.short_channel_id ?? '…', `${channel.from} – ${channel.to}`, money_, state + locked];
  row.append(...cells.map((text) => make('td', {}, text)));
  return row;
}

// ---- The walk of the last payment ----

/** Shows what is new about the last payment; what was there before the page is not walked again. */
function follow(isOld) {
  const { payment } = picture;
  if (!payment) return;
  const list = steps(payment, picture.nodes);
  const same = walk.id === payment.id && walk.steps.every((step, index) => step.key === list[index]?.key || step.tone === 'wait');
  const kept = walk.steps.findIndex((step, index) => step.key !== list[index]?.key);
  const walked = same ? Math.min(walk.walked, kept < 0 ? list.length : kept) : 0;
  walk = { ...walk, id: payment.id, steps: list, keys: keys(payment), walked: isOld ? list.length : walked };
  setText($('summary'), summary(payment));
  if (isOld || stillness.matches) walk.walked = list.length;
  drawSteps();
  go();
}

async function go() {
  if (walk.running) return;
  walk.running = true;
  while (walk.walked < walk.steps.length) {
    const { id } = walk;
    const step = walk.steps[walk.walked];
    drawSteps();
    await (step.move ? carry(step.move) : pause(MOVE_MS));
    if (walk.id === id && walk.steps[walk.walked]?.key === step.key) walk.walked += 1;
  }
  walk.running = false;
  if (walk.steps.at(-1)?.tone !== 'wait') map.rest();
  drawSteps();
}

function carry(move) {
  return new Promise((resolve) => {
    const start = performance.now();
    const frame = (now) => {
      const part = Math.min(1, Math.max(0, (now - start) / MOVE_MS));
      map.carry(move, part * part * (3 - 2 * part));
      if (part < 1 && !stillness.matches) requestAnimationFrame(frame);
      else resolve();
    };
    requestAnimationFrame(frame);
  });
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, stillness.matches ? 0 : ms));

let drawn = '';

function drawSteps() {
  const state = JSON.stringify([walk.steps, walk.keys, walk.walked]);
  if (state === drawn) return;
  drawn = state;
  const done = walk.walked >= walk.steps.length;
  for (const [id, part] of [['found', 'map'], ['walked', 'walk']]) {
    const items = walk.steps.flatMap((step, index) => {
      if (step.part !== part || index > walk.walked) return [];
      const now = index === walk.walked ? 'now' : '';
      const item = make('li', { class: `${step.tone ?? ''} ${now}`.trim() }, step.text);
      if (step.detail) item.append(make('small', {}, step.detail));
      return [item];
    });
    $(id).replaceChildren(...items);
    $(id).previousElementSibling.hidden = items.length === 0;
  }
  const owners = done ? walk.keys.map(keyRow) : [];
  $('keys').replaceChildren(...owners);
  $('keys').previousElementSibling.hidden = owners.length === 0;
  $('again').hidden = !done || !walk.steps.some((step) => step.move) || stillness.matches;
}

/** What a node has of the key, as a drawing and in words. */
function keyRow({ name, preimage, token, text }) {
  const row = make('li', { 'data-test': `key-${name}` });
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '-10 -10 20 20');
  svg.setAttribute('aria-hidden', 'true');
  for (const [has, half] of [[preimage, 'M-1 -8a8 8 0 0 0 0 16z'], [token, 'M1 -8a8 8 0 0 1 0 16z']]) {
    const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    path.setAttribute('d', half);
    path.setAttribute('class', has ? 'has' : '');
    svg.append(path);
  }
  row.append(svg, make('span', {}, `${name} ${text}`));
  return row;
}

$('again').addEventListener('click', () => {
  walk.walked = 0;
  go();
});

// ---- What one can do ----

$('bolt11').addEventListener('input', read);

$('pay').addEventListener('submit', async (event) => {
  event.preventDefault();
  const [who, bolt11] = [payer, $('bolt11').value.trim()];
  tell('outcome', `${who} pays…`);
  try {
    // A payment that is stuck is answered late; meanwhile others can be made.
    await act('POST', `/pay/${who}`, { bolt11 }, 'outcome');
    tell('outcome', `Paid. ${who} has the proof of payment.`, 'good');
  } catch {
    // It was told already.
  }
});

$('ask').addEventListener('submit', async (event) => {
  event.preventDefault();
  const sats = Number($('amount').value);
  const wish = { amount_msat: sats * 1000, description: `${sats} sat for ${$('payee').value}` };
  const { bolt11 } = await act('POST', `/invoice/${$('payee').value}`, wish, 'outcome');
  receive(bolt11);
});

$('open').addEventListener('submit', async (event) => {
  event.preventDefault();
  const wish = { from: $('from').value, to: $('to').value, sats: Number($('size').value) };
  await act('POST', '/channels', wish, 'opened');
  tell('opened', 'Its funding waits for a block. Mine one.', 'good');
});

for (const button of document.querySelectorAll('[data-mine]')) {
  button.addEventListener('click', () => act('POST', `/mine?blocks=${button.dataset.mine}`));
}

$('register').addEventListener('click', () => {
  try {
    navigator.registerProtocolHandler('lightning', `${location.origin}/#%s`);
    $('registered').textContent = 'If your browser asks, allow it; then links to pay open here.';
  } catch {
    $('registered').textContent =
      'This browser keeps lightning: links for installed wallets. Copy the link, or drop it on the field above.';
  }
});

/** An invoice came, from a link or from a node of ours. */
function receive(text) {
  $('bolt11').value = text;
  tell('outcome', '');
  read();
  document.querySelector('[data-test="pay"]').focus({ preventScroll: true });
}

function receiveLink() {
  const text = decodeURIComponent(location.hash.slice(1));
  if (text) receive(text);
}

let reading = 0;

/** Says what the invoice asks for, before anybody pays. */
async function read() {
  reading += 1;
  const [turn, bolt11] = [reading, $('bolt11').value.trim()];
  const say = (text, tone) => turn === reading && tell('asked', text, tone);
  if (!bolt11) return say('');
  try {
    const { amount_msat, description, payee } = await ask('POST', '/decode', { bolt11 });
    const amount = amount_msat === null ? 'any amount' : money(amount_msat);
    say(`${payee ?? 'Somebody outside of this network'} asks for ${amount}: “${description}”`);
  } catch (error) {
    say(error.message, 'bad');
  }
}

/** Asks the network to do something, and looks at once at what became of it. */
async function act(method, path, body, place = 'opened') {
  try {
    return await ask(method, path, body);
  } catch (error) {
    tell(place, error.message, 'bad');
    throw error;
  } finally {
    await look();
  }
}

async function ask(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: body && { 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.message);
  return content;
}

function tell(id, text, tone = '') {
  setText($(id), text);
  $(id).dataset.tone = tone;
}

/** Live regions speak whenever they are written, so what is the same stays untouched. */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function make(name, attributes, text) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

addEventListener('hashchange', receiveLink);
receiveLink();
keepLooking();
