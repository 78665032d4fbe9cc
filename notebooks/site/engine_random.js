// The random numbers that torch draws from a seed, so that random weights are those of the library.
// Mersenne Twister: Matsumoto, Nishimura, ACM TOMACS 8(1), 1998. Normal numbers: Box, Muller, 1958, sixteen at a time.

const N = 624, M = 397;

/** A function that returns the next of the generator's 32-bit numbers. */
function twister(seed) {
  const state = new Uint32Array(N);
  state[0] = seed;
  for (let i = 1; i < N; i++) state[i] = Math.imul(1812433253, state[i - 1] ^ state[i - 1] >>> 30) + i;
  let at = N;
  return () => {
    if (at === N) {
      for (let i = 0; i < N; i++) {
        const mixed = state[i] & 0x80000000 | state[(i + 1) % N] & 0x7fffffff;
        state[i] = state[(i + M) % N] ^ mixed >>> 1 ^ (mixed & 1 ? 0x9908b0df : 0);
      }
      at = 0;
    }
    let y = state[at++];
    y ^= y >>> 11;
    y ^= y << 7 & 0x9d2c5680;
    y ^= y << 15 & 0xefc60000;
    return (y ^ y >>> 18) >>> 0;
  };
}

/** The first `count` numbers of torch.randn with that seed, where it draws a multiple of 16 of them. */
export function randn(seed, count) {
  const next = twister(seed), out = new Float32Array(Math.ceil(count / 16) * 16), {fround} = Math;
  for (let start = 0; start < out.length; start += 16) {
    for (let i = start; i < start + 16; i++) out[i] = (next() & 0xffffff) / 0x1000000;
    for (let i = start; i < start + 8; i++) {
      const radius = Math.sqrt(-2 * Math.log(fround(1 - out[i]))), angle = 2 * Math.PI * out[i + 8];
      out[i] = radius * Math.cos(angle);
      out[i + 8] = radius * Math.sin(angle);
    }
  }
  return out.subarray(0, count);
}

// ── The weights of a random block, as resnet_lib.explorers.block_design draws them ──

const squares = new Map();

/** 64 × 64 kernels of a fixed random tensor that has the name of its convolution. */
function square(name, i, j, k) {
  const key = `${name} ${i} ${j} ${k}`;
  if (!squares.has(key)) {
    const letters = [...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
    squares.set(key, randn(letters * 10000 + i * 100 + j, 64 * 64 * k * k));
  }
  return squares.get(key);
}

/** Kernels `first` to `first + O` of that tensor with I channels each, times `factor`: (O, I, k, k). */
export function bank(name, first, O, I, k, factor) {
  const data = new Float32Array(O * I * k * k), size = k * k;
  for (let o = 0; o < O; o++) {
    const row = first + o;
    for (let i = 0; i < I; i += 64) {
      const from = square(name, row >> 6, i >> 6, k), start = (row & 63) * 64 * size, to = (o * I + i) * size;
      for (let at = 0, end = Math.min(64, I - i) * size; at < end; at++) data[to + at] = from[start + at] * factor;
    }
  }
  return {shape: [O, I, k, k], data};
}

let filters = null;

/** The fixed random filters over a picture that make the input of a random block: (C, 3, 3, 3), C at most 4,096. */
export function colourFilters(C) {
  if (!filters || filters.length < C * 27) filters = randn(0, C * 27).map(n => n / Math.sqrt(27));
  return {shape: [C, 3, 3, 3], data: filters.subarray(0, C * 27)};
}
