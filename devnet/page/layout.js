// Where the nodes of a network stand on the map: as far from each other as there are channels
// between them (stress majorization, Gansner, Koren and North 2004).

const ROUNDS = 400;

/**
 * Places nodes in a picture of a size, the same for the same network.
 *
 * @param {string[]} names
 * @param {[string, string][]} edges pairs of names
 * @param {{ width: number, height: number, margin: number }} picture in pixels
 * @returns {Map<string, { x: number, y: number }>}
 */
export function place(names, edges, picture) {
  const index = new Map(names.map((name, position) => [name, position]));
  const pairs = edges.map((ends) => ends.map((name) => index.get(name)));
  const points = turn(relax(circle(names.length), distances(names.length, pairs)), picture);
  return new Map(fit(points, picture).map((point, position) => [names[position], point]));
}

/** How many channels are between each two nodes; those that are not connected stand far apart. */
function distances(count, pairs) {
  const far = Math.max(2, Math.sqrt(count));
  const steps = Array.from({ length: count }, (_, a) =>
    Array.from({ length: count }, (_, b) => (a === b ? 0 : Infinity)),
  );
  for (const [a, b] of pairs) steps[a][b] = steps[b][a] = 1;
  for (let via = 0; via < count; via += 1) {
    for (let a = 0; a < count; a += 1) {
      for (let b = 0; b < count; b += 1) {
        steps[a][b] = Math.min(steps[a][b], steps[a][via] + steps[via][b]);
      }
    }
  }
  return steps.map((row) => row.map((step) => (step === Infinity ? far : step)));
}

function circle(count) {
  return Array.from({ length: count }, (_, position) => {
    const angle = (2 * Math.PI * position) / count;
    // Not quite round: a symmetric start can stay symmetric where it should not.
    return { x: Math.cos(angle) * (1 + position / 50), y: Math.sin(angle) };
  });
}

/** Moves each node to where the others would have it, again and again. */
function relax(points, wanted) {
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [a, point] of points.entries()) {
      const sum = { x: 0, y: 0, weight: 0 };
      for (const [b, other] of points.entries()) {
        if (a === b) continue;
        const [dx, dy] = [point.x - other.x, point.y - other.y];
        const weight = 1 / wanted[a][b] ** 2;
        const stretch = wanted[a][b] / Math.max(Math.hypot(dx, dy), 1e-6);
        sum.x += weight * (other.x + dx * stretch);
        sum.y += weight * (other.y + dy * stretch);
        sum.weight += weight;
      }
      if (sum.weight > 0) [point.x, point.y] = [sum.x / sum.weight, sum.y / sum.weight];
    }
  }
  return points;
}

/** Turns the network so that its length lies along the picture's, and its last third, to the right
 * or below, holds the first node: payments run in the direction of reading. */
function turn(points, { width, height }) {
  const mean = (of) => points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [cx, cy] = [mean((point) => point.x), mean((point) => point.y)];
  const moved = points.map(({ x, y }) => ({ x: x - cx, y: y - cy }));
  const sum = (of) => moved.reduce((total, point) => total + of(point), 0);
  const longest = Math.atan2(2 * sum(({ x, y }) => x * y), sum(({ x, y }) => x * x - y * y)) / 2;
  const angle = (width >= height ? 0 : Math.PI / 2) - longest;
  const turned = moved.map(({ x, y }) => ({
    x: x * Math.cos(angle) - y * Math.sin(angle),
    y: x * Math.sin(angle) + y * Math.cos(angle),
  }));
  const along = width >= height ? 'x' : 'y';
  const flip = turned[0][along] < 0 ? -1 : 1;
  return turned.map(({ x, y }) => ({ x: x * flip, y: y * flip }));
}

/** Stretches the network to the picture; a line of nodes stays in the middle. */
function fit(points, { width, height, margin }) {
  const scale = (of, size) => {
    const values = points.map(of);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const room = size - 2 * margin;
    const factor = high - low > 0.2 ? room / (high - low) : 0;
    return (value) => size / 2 + (value - (low + high) / 2) * factor;
  };
  const [toX, toY] = [scale(({ x }) => x, width), scale(({ y }) => y, height)];
  return points.map(({ x, y }) => ({ x: toX(x), y: toY(y) }));
}
