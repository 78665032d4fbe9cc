// 3×3 convolutions at stride 1 with fewer products: 2 × 2 outputs of a window of 4 × 4 take 16 of them for each input
// channel instead of 36. Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, arXiv:1509.09308.

const transformed = new WeakMap();  // weights → what each of the 16 products multiplies with, rows in fours

/** G·g·Gᵀ of every kernel g, for each of its 16 numbers as rows in fours. */
function kernels(weight) {
  const [O, C] = weight.shape, {data} = weight, size = Math.ceil(O / 4) * 4 * C;
  const out = Array.from({length: 16}, () => new Float64Array(size)), half = new Float64Array(12);
  for (let o = 0; o < O; o++) {
    for (let c = 0, from = o * C * 9; c < C; c++, from += 9) {
      for (let j = 0; j < 3; j++) {
        const a = data[from + j], b = data[from + 3 + j], d = data[from + 6 + j];
        half[j] = a; half[3 + j] = (a + b + d) / 2; half[6 + j] = (a - b + d) / 2; half[9 + j] = d;
      }
      const to = (o >> 2) * 4 * C + 4 * c + (o & 3);
      for (let i = 0; i < 4; i++) {
        const a = half[3 * i], b = half[3 * i + 1], d = half[3 * i + 2];
        out[4 * i][to] = a; out[4 * i + 1][to] = (a + b + d) / 2; out[4 * i + 2][to] = (a - b + d) / 2; out[4 * i + 3][to] = d;
      }
    }
  }
  return out;
}

let windows = new Float32Array(0), products = new Float32Array(0);
const room = (array, n) => array.length < n ? new Float32Array(n) : array, half = new Float64Array(16);

/** Bᵀ·d·B of every window d of 4 × 4, two positions apart: number i of window t in channel c at (i·C + c)·T + t. */
function take({data, H, W}, C, [down, across], out) {
  const T = down * across, step = C * T, a = half;
  for (let c = 0, t = 0; c < C; c++) {
    for (let y = 0; y < down; y++) {
      for (let z = 0, at = (c * H + 2 * y) * W; z < across; z++, at += 2, t++) {
        for (let j = 0; j < 4; j++) {
          const p = at + j, d0 = data[p], d1 = data[p + W], d2 = data[p + 2 * W], d3 = data[p + 3 * W];
          a[j] = d0 - d2; a[4 + j] = d1 + d2; a[8 + j] = d2 - d1; a[12 + j] = d1 - d3;
        }
        for (let i = 0, to = t; i < 16; i += 4, to += 4 * step) {
          const a0 = a[i], a1 = a[i + 1], a2 = a[i + 2], a3 = a[i + 3];
          out[to] = a0 - a2; out[to + step] = a1 + a2; out[to + 2 * step] = a2 - a1; out[to + 3 * step] = a1 - a3;
        }
      }
    }
  }
}

/** Aᵀ·m·A of the products m: 2 × 2 outputs of each window; what is beyond the edge is left out. */
function give(from, rows, [O, high, wide], [down, across], out) {
  const T = down * across, step = rows * T, a = half;
  for (let o = 0; o < O; o++) {
    for (let y = 0, t = o * T; y < down; y++) {
      const low = 2 * y + 1 < high;
      for (let z = 0, to = (o * high + 2 * y) * wide; z < across; z++, t++, to += 2) {
        for (let j = 0, p = t; j < 4; j++, p += step) {
          const m1 = from[p + 4 * step], m2 = from[p + 8 * step];
          a[j] = from[p] + m1 + m2; a[4 + j] = m1 - m2 - from[p + 12 * step];
        }
        const right = 2 * z + 1 < wide;
        out[to] = a[0] + a[1] + a[2];
        if (right) out[to + 1] = a[1] - a[2] - a[3];
        if (low) out[to + wide] = a[4] + a[5] + a[6];
        if (low && right) out[to + wide + 1] = a[5] - a[6] - a[7];
      }
    }
  }
}

/** How many windows are down and across an output. */
export const windowsOf = (high, wide) => [Math.ceil(high / 2), Math.ceil(wide / 2)];

/**
 * The convolution of an input with zeros around it, {data, H, W}: at least two more than twice the windows on each side.
 * `straight(A, a, X, x, offsets, out, to, n)` multiplies four rows by four columns.
 */
export function inWindows(input, weight, shape, straight) {
  const [O, C] = weight.shape, [, high, wide] = shape, sides = windowsOf(high, wide), T = sides[0] * sides[1];
  if (!transformed.has(weight)) transformed.set(weight, kernels(weight));
  const A = transformed.get(weight), rows = Math.ceil(O / 4) * 4, out = new Float32Array(O * high * wide);
  windows = room(windows, 16 * C * T);
  products = room(products, 16 * rows * T);
  take(input, C, sides, windows);
  const offsets = Int32Array.from({length: C}, (_, c) => c * T);
  for (let i = 0; i < 16; i++) {
    for (let r = 0; r < rows; r += 4) {
      for (let t = 0; t < T; t += 4) {
        const p = Math.min(t, T - 4);
        straight(A[i], r * C, windows, i * C * T + p, offsets, products, (i * rows + r) * T + p, T);
      }
    }
  }
  give(products, rows, shape, sides, out);
  return {shape, data: out};
}
