// The network as a drawing: nodes as cats, channels as tubes that hold both ends' money.

import { place } from './layout.js';
import { money } from './walk.js';

const SVG = 'http://www.w3.org/2000/svg';
const TUBE = 9;
/** With more channels than this, balances stand only beside those that matter now. */
const CHANNELS_WITH_LABELS = 6;
/** Where there are many, a tube shorter than this has no room for two balances, in pixels. */
const LENGTH_FOR_LABELS = 200;

// The cats have the store's face.
const LOGO = await (await fetch('/logo.svg')).text();
const [FACE, BOLT, EYES, NOSE] = ['face', 'bolt', 'eyes', 'line'].map(
  (part) => LOGO.match(`class="logo-${part}" d="([^"]*)"`)[1],
);
/** The half of a key that comes back with a payment for sealed goods. */
const HALF = 'M0 -8a8 8 0 0 0 0 16z';
const ASLEEP = 'M11.5 28c2 2 5 2 7 0m11 0c2 2 5 2 7 0';

export class NetworkMap {
  #svg;
  #onNode;
  #places = new Map();
  #shape = '';
  #seen = '';
  #picture;
  #payer;
  #route = [];

  /** @param {(name: string) => void} onNode is told which node was clicked */
  constructor(svg, onNode) {
    this.#svg = svg;
    this.#onNode = onNode;
    new ResizeObserver(() => this.#draw()).observe(svg);
  }

  /** Draws the network as the payer's map has it; `route` are the channels of the last payment. */
  show(picture, payer, route) {
    // What stays the same is not drawn again: nobody could click on what is always new.
    const seen = JSON.stringify([picture.nodes, picture.channels, payer, route]);
    if (seen === this.#seen) return;
    this.#seen = seen;
    [this.#picture, this.#payer, this.#route] = [picture, payer, route];
    this.#draw();
  }

  /** Where money is while it goes from one node to another; `part` runs from 0 to 1. */
  carry(move, part) {
    const channel = this.#picture?.channels.find(({ short_channel_id: id }) => id === move.channel);
    const [from, to] = [this.#places.get(move.from), this.#places.get(move.to)];
    if (!channel || !from || !to) return;
    const { x, y } = shifted(from, to, this.#bend(channel, move.from), part);
    const purse = this.#svg.querySelector('.purse') ?? this.#svg.appendChild(drawPurse());
    purse.setAttribute('transform', `translate(${x} ${y})`);
    purse.classList.toggle('freed', move.freed);
    purse.classList.toggle('half', Boolean(move.key));
  }

  /** The walk is over, or not begun. */
  rest() {
    this.#svg.querySelector('.purse')?.remove();
  }

  #draw() {
    const { width, height } = this.#svg.getBoundingClientRect();
    if (!this.#picture || width === 0) return;
    this.#arrange(width, height);
    const { nodes, channels } = this.#picture;
    const purse = this.#svg.querySelector('.purse');
    this.#svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    this.#svg.replaceChildren(
      ...channels.map((channel) => this.#channel(channel)),
      ...nodes.map((node, index) => this.#node(node, index)),
      ...channels.flatMap((channel) => this.#labels(channel)),
      ...(purse ? [purse] : []),
    );
  }

  /** The map keeps its shape for as long as the nodes are the same: channels come without a jump. */
  #arrange(width, height) {
    const { nodes, channels } = this.#picture;
    const names = nodes.map(({ name }) => name);
    const shape = JSON.stringify([names, Math.round(width), Math.round(height)]);
    if (shape === this.#shape) return;
    this.#shape = shape;
    const margin = nodes.length > 5 ? 2.2 * this.#rim() : Math.min(90, width / 5);
    const edges = channels.map(({ from, to }) => [from, to]);
    this.#places = place(names, edges, { width, height, margin });
  }

  #channel(channel) {
    const [from, to] = [this.#places.get(channel.from), this.#places.get(channel.to)];
    const bend = this.#bend(channel, channel.from);
    const at = (part) => shifted(from, to, bend, part);
    const rim = this.#rim() / Math.max(Math.hypot(to.x - from.x, to.y - from.y), 1);
    const [start, end] = [rim, 1 - rim];
    const share = (msat) => start + ((end - start) * msat) / channel.capacity_msat;
    const locked = Math.max(channel.locked_msat, channel.capacity_msat - channel.from_msat - channel.to_msat);
    const [first, second] = [share(channel.from_msat), share(channel.from_msat + locked)];
    const tube = element('g', { class: ['channel', ...this.#states(channel)].join(' ') });
    const line = (from, to, kind, color) =>
      element('line', { x1: at(from).x, y1: at(from).y, x2: at(to).x, y2: at(to).y, class: kind, style: `--of: ${color}` });
    tube.append(line(start, end, 'edge', 'none'), line(start, end, 'tube', 'none'));
    tube.append(line(start, Math.max(first, start), 'money', colorOf(this.#picture, channel.from)));
    tube.append(line(Math.min(second, end), end, 'money', colorOf(this.#picture, channel.to)));
    if (channel.locked_msat > 0) tube.append(line(first - 0.03, second + 0.03, 'locked', 'none'));
    tube.append(element('title', {}, describeChannel(channel)));
    return tube;
  }

  #states(channel) {
    const payer = this.#picture.nodes.find(({ name }) => name === this.#payer);
    const known = payer?.knows.includes(channel.short_channel_id);
    const own = [channel.from, channel.to].includes(this.#payer);
    return [
      channel.opening && 'opening',
      !channel.opening && !channel.usable && 'down',
      !known && !own && 'unknown',
      this.#route.includes(channel.short_channel_id) && 'route',
    ].filter(Boolean);
  }

  #labels(channel) {
    const { channels } = this.#picture;
    const matters = this.#route.includes(channel.short_channel_id);
    const [from, to] = [this.#places.get(channel.from), this.#places.get(channel.to)];
    const bend = this.#bend(channel, channel.from);
    const length = Math.max(Math.hypot(to.x - from.x, to.y - from.y), 1);
    const crowded = channels.length > CHANNELS_WITH_LABELS;
    if (crowded && (!matters || length < LENGTH_FOR_LABELS)) return [];
    const flat = Math.abs(to.x - from.x) > Math.abs(to.y - from.y);
    // Above the tube, or to its right where it stands upright; there the upper end's name is in the
    // way, unless it stands beside its node.
    const beside = { x: flat ? 0 : 10, y: flat ? -12 : 4 };
    const nameBelow = this.#namesStandBeside() ? 0 : 22;
    const label = (end, other, part, msat) => {
      const room = flat ? 6 : 14 + (end.y < other.y ? nameBelow : 0);
      const near = Math.min(0.38, (this.#rim() + room) / length);
      const { x, y } = shifted(from, to, bend, part(near));
      const anchor = !flat || end.x < other.x ? 'start' : 'end';
      const attributes = { x: x + beside.x, y: y + beside.y, class: `balance ${anchor}` };
      return element('text', attributes, money(Math.floor(msat / 1000) * 1000));
    };
    return [
      label(from, to, (near) => near, channel.from_msat),
      label(to, from, (near) => 1 - near, channel.to_msat),
    ];
  }

  #node(node, index) {
    const { x, y } = this.#places.get(node.name);
    const scale = this.#rim() / 24;
    const asleep = !node.online || node.holding;
    const state = [node.name === this.#payer && 'payer', !node.online && 'offline', node.holding && 'holding'];
    const group = element('g', {
      class: ['node', ...state.filter(Boolean)].join(' '),
      transform: `translate(${x} ${y})`,
      style: `--of: ${colorAt(index)}`,
    });
    const cat = element('g', { transform: `scale(${scale}) translate(-24 -25)` });
    cat.append(
      element('path', { d: FACE, class: 'face' }),
      ...(index === 0 ? [element('path', { d: BOLT, class: 'bolt' })] : []),
      element('path', { d: asleep ? ASLEEP : EYES, class: asleep ? 'whisker' : 'eyes' }),
      element('path', { d: NOSE, class: 'whisker' }),
    );
    const spot = this.#namesStandBeside()
      ? { x: -this.#rim() - 10, y: 0, class: 'name beside' }
      : { x: 0, y: this.#rim() + 17, class: 'name' };
    group.append(cat, element('text', spot, node.name));
    const note = (!node.online && 'offline') || (node.holding && 'keeps still');
    const noteSpot = { ...spot, y: spot.y + 15, class: spot.class.replace('name', 'note') };
    if (note) group.append(element('text', noteSpot, note));
    group.append(element('title', {}, describeNode(node)));
    group.addEventListener('click', () => this.#onNode(node.name));
    return group;
  }

  #rim() {
    if (this.#picture.nodes.length <= 5) return 36;
    return this.#svg.getBoundingClientRect().width < 500 ? 16 : 21;
  }

  /** In a column of few nodes, the tubes are where names would be. */
  #namesStandBeside() {
    const { width, height } = this.#svg.getBoundingClientRect();
    return this.#picture.nodes.length <= 5 && height > width;
  }

  /** Channels between the same two nodes lie side by side: by how much this one is moved. */
  #bend(channel, seenFrom) {
    const same = this.#picture.channels.filter(
      ({ from, to }) => [from, to].includes(channel.from) && [from, to].includes(channel.to),
    );
    const place = same.findIndex(({ id }) => id === channel.id) - (same.length - 1) / 2;
    const [one] = [channel.from, channel.to].sort();
    return place * 2.4 * TUBE * (seenFrom === one ? 1 : -1);
  }
}

/** The colours of nodes, all as light as each other and far apart for neighbours in the list. */
export const colorAt = (index) => (index === 0 ? '#e08a00' : `oklch(0.62 0.14 ${(index * 222.5 + 69.5) % 360})`);

const colorOf = ({ nodes }, name) => colorAt(nodes.findIndex((node) => node.name === name));

export function describeChannel({ from, to, from_msat, to_msat, locked_msat, short_channel_id: id, opening, usable }) {
  const state = (opening && 'waits for a block') || (!usable && 'an end is offline') || 'ready';
  const locked = locked_msat > 0 ? `, ${money(locked_msat)} locked` : '';
  return `${from} ${money(from_msat)}, ${to} ${money(to_msat)}${locked}; ${state}${id ? `, ${id}` : ''}`;
}

function describeNode(node) {
  const fees = `${money(node.fee_base_msat)} and ${node.fee_proportional_millionths} millionths for forwarding`;
  return `${node.name}: ${money(node.channels_msat)} in channels; asks ${fees}, earned ${money(node.earned_msat)}`;
}

/** A point between two nodes, moved sideways by `bend`. */
function shifted(from, to, bend, part) {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.max(Math.hypot(dx, dy), 1);
  return { x: from.x + dx * part - (dy / length) * bend, y: from.y + dy * part + (dx / length) * bend };
}

function drawPurse() {
  const purse = element('g', { class: 'purse' });
  purse.append(
    element('circle', { r: 13 }),
    element('path', { d: BOLT, class: 'bolt', transform: 'translate(-24.3 -19)' }),
    element('path', { d: HALF, class: 'half-key' }),
  );
  return purse;
}

function element(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}
