// Feature maps as the instrument draws them: bytes on a scale, as resnet_lib.explorers.tiles makes them.

/** {signed, limit}: whether there are negatives, and the largest magnitude, but at most four root mean squares. */
export function scale(parts) {
  // From 0 on, which changes nothing of the largest magnitude, and is several times as fast as from ±Infinity.
  let low = 0, high = 0, squares = 0, n = 0;
  for (const data of parts) {
    for (let i = 0; i < data.length; i++) {
      const value = data[i];
      if (value < low) low = value;
      if (value > high) high = value;
      squares += value * value;
    }
    n += data.length;
  }
  if (!Number.isFinite(squares)) throw new RangeError('infinite');
  const limit = Math.min(Math.max(-low, high), 4 * Math.sqrt(squares / n));
  return {signed: low < 0, limit: limit > 0 ? limit : 1};
}

/** Values as levels of the palette, 0 to 254. */
export function toLevels(data, {signed, limit}, out = new Uint8Array(data.length)) {
  const [factor, zero] = signed ? [127 / limit, 127.5] : [254 / limit, 0.5];
  for (let i = 0; i < data.length; i++) {
    const level = data[i] * factor + zero;
    out[i] = level < 0 ? 0 : level > 254 ? 254 : level;
  }
  return out;
}

/** The mean of every k × k values; at the edges of those that there are. */
export function averaged(data, [H, W], k) {
  const high = Math.ceil(H / k), wide = Math.ceil(W / k), out = new Float32Array(high * wide);
  for (let y = 0; y < high; y++) {
    for (let z = 0; z < wide; z++) {
      let sum = 0, n = 0;
      for (let i = y * k; i < Math.min(H, y * k + k); i++) {
        for (let j = z * k; j < Math.min(W, z * k + k); j++, n++) sum += data[i * W + j];
      }
      out[y * wide + z] = sum / n;
    }
  }
  return out;
}

const short = list => list.every((c, i) => c === list[0] + i) ? {from: list[0] ?? 0, n: list.length} : {are: list};

/**
 * Groups [{id, maps: [a Float32Array a channel], side: [H, W], channels: numbers, total, role, scale, most}, …] as
 * {groups, levels}: what the page has to know of each, and the bytes of all. With `each` every map has its own scale.
 */
export function pack(groups, each = false) {
  const shared = {}, parts = [], described = [];
  for (const {scale: name = 'all'} of groups) if (name) shared[name] = null;
  for (const name of Object.keys(shared)) shared[name] = scale(groups.filter(g => (g.scale ?? 'all') === name).flatMap(g => g.maps));
  for (const group of groups) {
    const {id, role = '', total, side, most = 56, corner = [0, 0]} = group, k = Math.ceil(Math.max(...side) / most);
    const found = shared[group.scale ?? 'all'] ?? scale(group.maps);
    const said = {id, role, total, channels: short(group.channels), side, corner, ...found}, limits = [];
    for (const map of group.maps) {
      const drawn = k > 1 ? averaged(map, side, k) : map;
      const own = each ? {signed: found.signed, limit: Math.max(1e-12, ...extremes(drawn))} : found;
      limits.push(Number(own.limit.toPrecision(3)));
      parts.push(toLevels(drawn, own));
    }
    if (each) said.limits = limits;
    if (k > 1) Object.assign(said, {full: side, bin: k, side: side.map(n => Math.ceil(n / k))});
    described.push(said);
  }
  const levels = new Uint8Array(parts.reduce((all, part) => all + part.length, 0));
  let at = 0;
  for (const part of parts) { levels.set(part, at); at += part.length; }
  return {groups: described, levels};
}

function extremes(data) {
  let most = 0;
  for (let i = 0; i < data.length; i++) most = Math.max(most, Math.abs(data[i]));
  return [most];
}

/** Numbers of the channels by their mean magnitude, the strongest first. */
export function strongest({shape: [C, H, W], data}) {
  const n = H * W, size = Array.from({length: C}, (_, c) => {
    let sum = 0;
    for (let i = c * n; i < (c + 1) * n; i++) sum += Math.abs(data[i]);
    return sum;
  });
  return size.map((_, c) => c).sort((a, b) => size[b] - size[a] || a - b);
}

/** One channel of a tensor, without a copy. */
export const plane = ({shape, data}, channel) => {
  const n = shape.slice(1).reduce((all, side) => all * side, 1);
  return data.subarray(channel * n, channel * n + n);
};
