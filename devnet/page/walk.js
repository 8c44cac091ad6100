// A payment as steps: what its payer's map showed, and each move of its walk.

const sats = new Intl.NumberFormat('en', { maximumFractionDigits: 3 });

/** An amount as people read it; the millisatoshi after the point. */
export const money = (msat) => `${sats.format(msat / 1000)} sat`;

/**
 * The steps of a payment, in order. A step may have a `move`, over a channel of the map: out, where
 * money is locked for the next node, or back, where it is taken or set free.
 *
 * @returns {{ key: string, part: 'map' | 'walk', text: string, tone?: string,
 *   move?: { channel: string, from: string, to: string, freed: boolean, key?: boolean } }[]}
 */
export function steps(payment, nodes) {
  const known = nodes.find(({ name }) => name === payment.payer)?.knows.length ?? 0;
  const list = payment.attempts.flatMap((attempt, tries) => [
    chosen(payment, attempt, tries, known),
    ...walked(payment, attempt, tries, tries === payment.attempts.length - 1),
  ]);
  if (payment.status === 'failed') list.push(failed(payment, known));
  return list;
}

/**
 * Who can open sealed goods once they are paid for. Their key is made of the preimage, which comes back over the
 * whole way, and of the token_id, which never leaves the buyer's claim. None for other goods.
 *
 * @returns {{ name: string, preimage: boolean, token: boolean, text: string }[]}
 */
export function keys({ payer, payee, sealed, status, attempts }) {
  if (!sealed || status !== 'complete') return [];
  const routed = (attempts.at(-1)?.hops ?? []).slice(0, -1).map(({ to }) => ({
    name: to,
    preimage: true,
    token: false,
    text: 'has the preimage alone, which opens nothing.',
  }));
  const buyer = 'has the preimage now, and the token_id in the claim: the two make the key.';
  return [
    { name: payer, preimage: true, token: true, text: buyer },
    ...routed,
    { name: payee ?? 'the payee', preimage: true, token: true, text: 'has both: it sealed the goods.' },
  ];
}

/** What became of a payment, in one sentence. */
export function summary({ payer, payee, amount_msat, status, attempts }) {
  const to = payee ?? 'somebody else';
  const hops = attempts.at(-1)?.hops ?? [];
  const through = hops.slice(0, -1).map(({ to }) => to);
  const way = through.length > 0 ? ` through ${through.join(', ')}` : '';
  const amount = money(amount_msat);
  switch (status) {
    case 'complete':
      return `${payer} paid ${amount} to ${to}${way}, for a fee of ${money(attempts.at(-1)?.fee_msat ?? 0)}.`;
    case 'failed':
      return `${payer} could not pay ${amount} to ${to}.`;
    default:
      return `${payer}’s payment of ${amount} to ${to} is on its way${way}.`;
  }
}

function chosen({ payer }, { hops, fee_msat }, tries, known) {
  const way = [payer, ...hops.map(({ to }) => to)].join(' → ');
  const looks = tries === 0 ? `${payer} looks at a map of ${plural(known, 'channel')}` : `${payer} looks for another way`;
  return { key: `${tries} map`, part: 'map', text: `${looks} and picks ${way}, for a fee of ${money(fee_msat)}.` };
}

function walked(payment, attempt, tries, isLast) {
  const { hops, failed_at } = attempt;
  const passed = attempt.failed ? hops.slice(0, failed_at ?? hops.length) : hops;
  const key = (what, index) => `${tries} ${what} ${index}`;
  const out = passed.map((hop, index) => ({
    key: key('out', index),
    part: 'walk',
    text: `${hop.from} locks ${money(hop.amount_msat)} for ${hop.to}.`,
    move: { channel: hop.short_channel_id, from: hop.from, to: hop.to, freed: false },
  }));
  const back = (index, text, tone) => {
    const { short_channel_id: channel, from, to } = passed[index];
    const move = { channel, from: to, to: from, freed: true, key: payment.sealed && tone === 'good' };
    return { key: key(tone, index), part: 'walk', text, tone, move };
  };
  const backwards = passed.map((_, index) => index).reverse();
  if (attempt.failed) {
    const stop = hops[failed_at] ?? hops.at(-1);
    const text =
      failed_at === undefined
        ? `${stop.to} sends it back.`
        : `${stop.from} cannot pass it on to ${stop.to}.`;
    const turn = { key: key('stop', 0), part: 'walk', text, tone: 'bad' };
    const freed = ({ from, amount_msat }) => `${money(amount_msat)} are ${from}’s again.`;
    return [...out, turn, ...backwards.map((index) => back(index, freed(passed[index]), 'bad'))];
  }
  if (isLast && payment.status === 'pending') {
    const text = `${passed.at(-1)?.to ?? 'the payee'} has not taken it yet: the money is locked in ${plural(passed.length, 'channel')}, and nobody else can move it.`;
    return [...out, { key: key('stuck', 0), part: 'walk', text, tone: 'wait' }];
  }
  if (isLast && payment.status === 'complete') {
    const isPayee = (index) => index === passed.length - 1;
    const told = (index) => taken(passed[index], isPayee(index), payment.sealed);
    return [...out, ...backwards.map((index) => back(index, told(index), 'good'))];
  }
  return out;
}

function taken({ from, to, amount_msat, fee_msat }, isPayee, sealed) {
  const what = sealed ? 'the preimage, a half of the goods’ key' : 'the preimage';
  const shows = isPayee ? `knows ${what}, shows it` : 'shows it';
  const kept = isPayee ? '' : ` ${money(fee_msat)} of it stay with ${to}.`;
  return `${to} ${shows} to ${from} and takes ${money(amount_msat)}.${kept}`;
}

function failed({ payer, payee, attempts, reason }, known) {
  const to = payee ?? 'the payee';
  const text =
    attempts.length === 0
      ? `${payer} looks at a map of ${plural(known, 'channel')} and finds no way to ${to} that is open. Nothing was paid.`
      : `${payer} gives up. Nothing was paid.`;
  return { key: 'end', part: attempts.length === 0 ? 'map' : 'walk', text, tone: 'bad', detail: reason };
}

const plural = (count, thing) => `${count} ${thing}${count === 1 ? '' : 's'}`;
