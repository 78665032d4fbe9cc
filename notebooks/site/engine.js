// The arithmetic of a ResNet in plain JavaScript. A tensor is {shape, data}, its data a Float32Array; no batch.

import {inWindows, windowsOf} from './engine_tiled.js';

export const tensor = (shape, data = new Float32Array(shape.reduce((all, n) => all * n, 1))) => ({shape, data});

/** The width of an output: ⌊(n + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1. */
export const outSize = (n, kernel, stride = 1, padding = 0, dilation = 1) =>
  Math.floor((n + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;

// ── Convolution: a product of matrices, weights (C_out × C_in·k·k) by windows (C_in·k·k × positions) ──
// Four rows by four columns at a time: what is read once is used four times. Rows are packed in fours, once.

const packed = new WeakMap();  // weights → their rows in fours, packed once

function packRows(weight, first, rows, K) {
  const out = new Float64Array(Math.ceil(rows / 4) * 4 * K), {data} = weight;
  for (let r = 0; r < rows; r++) {
    let to = (r >> 2) * 4 * K + (r & 3), from = (first + r) * K;
    for (let k = 0; k < K; k++, to += 4) out[to] = data[from++];
  }
  return out;
}

function rowsOf(weight, groups, rows, K) {
  if (!packed.has(weight)) packed.set(weight, Array.from({length: groups}, (_, g) => packRows(weight, g * rows, rows, K)));
  return packed.get(weight);
}

/** The input with zeros around it, and of those `low` more below and `right` more on the right. */
function padded({shape: [C, H, W], data}, padding, [low, right] = [0, 0]) {
  if (!padding && !low && !right) return {data, H, W};
  const high = H + 2 * padding + low, wide = W + 2 * padding + right, out = new Float32Array(C * high * wide);
  for (let c = 0; c < C; c++) {
    for (let y = 0; y < H; y++) {
      const from = (c * H + y) * W;
      out.set(data.subarray(from, from + W), (c * high + y + padding) * wide + padding);
    }
  }
  return {data: out, H: high, W: wide};
}

let columns = new Float32Array(0);
const sums = new Float32Array(16);

/**
 * A convolution. weight: (C_out, C_in / groups, k, k). A bias is added where there is one.
 */
export function conv2d(x, weight, {stride = 1, padding = 0, dilation = 1, groups = 1, bias = null} = {}) {
  const [C, H0, W0] = x.shape, [O, I, k] = weight.shape, K = I * k * k, rows = O / groups;
  if (C !== I * groups) throw new RangeError(`x has ${C} channels, and the weights expect ${I * groups}`);
  const high = outSize(H0, k, stride, padding, dilation), wide = outSize(W0, k, stride, padding, dilation);
  if (high < 1 || wide < 1) throw new RangeError(`a window of ${k} × ${k} does not fit into ${H0} × ${W0}`);
  const out = convolved(x, weight, [O, high, wide], {stride, padding, dilation, groups, rows, K});
  if (bias) {
    const n = high * wide;
    for (let o = 0; o < O; o++) for (let p = o * n; p < (o + 1) * n; p++) out.data[p] += bias.data[o];
  }
  return out;
}

/** Of the ways to compute a convolution the quickest. */
function convolved(x, weight, shape, {stride, padding, dilation, groups, rows, K}) {
  const [, high, wide] = shape, [, I, k] = weight.shape, plain = stride === 1 && groups === 1, sides = windowsOf(high, wide);
  if (plain && k === 3 && dilation === 1 && I >= 8 && sides[0] * sides[1] >= 4) {
    return inWindows(padded(x, padding, [high % 2, wide % 2]), weight, shape, straight);
  }
  const input = padded(x, padding), A = rowsOf(weight, groups, rows, K), offsets = offsetsOf(I, input.H * input.W, input.W, k, dilation);
  // A 1×1 convolution without padding knows no lines: all positions are one.
  const one = k === 1 && !padding, line = one ? high * wide : wide;
  if (plain && line >= 4) return inLines(input, A[0], offsets, shape, one ? [1, line] : [high, wide]);
  return inColumns(input, A, offsets, shape, {stride, groups, rows, step: I * input.H * input.W});
}

/**
 * At stride 1 four columns are four numbers beside each other in the input, which is then read where it is. `count`
 * lines have `line` positions each; the last four of a line may overlap those before them.
 */
function inLines({data, W}, A, offsets, shape, [count, line]) {
  const [O, high, wide] = shape, K = offsets.length, n = high * wide, across = Math.ceil(line / 4), panels = count * across;
  const from = new Int32Array(panels), to = new Int32Array(panels);
  for (let y = 0, p = 0; y < count; y++) {
    for (let i = 0; i < across; i++, p++) {
      const z = Math.min(4 * i, line - 4);
      from[p] = y * W + z;
      to[p] = y * line + z;
    }
  }
  // Rows come in fours: there is room for those that no channel has.
  const room = new Float32Array(Math.ceil(O / 4) * 4 * n), most = Math.max(1, Math.floor(4096 / K));
  for (let first = 0; first < panels; first += most) {
    const end = Math.min(panels, first + most);
    for (let r = 0; r < O; r += 4) for (let p = first; p < end; p++) straight(A, r * K, data, from[p], offsets, room, r * n + to[p], n);
  }
  return tensor(shape, room.subarray(0, O * n));
}

/** Four rows by four columns that are beside each other, written to `out`, whose rows are `n` apart. */
function straight(A, a, X, x, offsets, out, to, n) {
  let c00 = 0, c01 = 0, c02 = 0, c03 = 0, c10 = 0, c11 = 0, c12 = 0, c13 = 0;
  let c20 = 0, c21 = 0, c22 = 0, c23 = 0, c30 = 0, c31 = 0, c32 = 0, c33 = 0;
  for (let k = 0; k < offsets.length; k++, a += 4) {
    const b = x + offsets[k], b0 = X[b], b1 = X[b + 1], b2 = X[b + 2], b3 = X[b + 3];
    let w = A[a];
    c00 += w * b0; c01 += w * b1; c02 += w * b2; c03 += w * b3;
    w = A[a + 1];
    c10 += w * b0; c11 += w * b1; c12 += w * b2; c13 += w * b3;
    w = A[a + 2];
    c20 += w * b0; c21 += w * b1; c22 += w * b2; c23 += w * b3;
    w = A[a + 3];
    c30 += w * b0; c31 += w * b1; c32 += w * b2; c33 += w * b3;
  }
  out[to] = c00; out[to + 1] = c01; out[to + 2] = c02; out[to + 3] = c03;
  out[to += n] = c10; out[to + 1] = c11; out[to + 2] = c12; out[to + 3] = c13;
  out[to += n] = c20; out[to + 1] = c21; out[to + 2] = c22; out[to + 3] = c23;
  out[to += n] = c30; out[to + 1] = c31; out[to + 2] = c32; out[to + 3] = c33;
}

/** At other strides, and for groups, the windows are packed as columns first. */
function inColumns({data, W}, A, offsets, [O, high, wide], {stride, groups, rows, step}) {
  const K = offsets.length, positions = high * wide, out = tensor([O, high, wide]);
  const starts = new Int32Array(Math.ceil(positions / 4) * 4);
  for (let y = 0, p = 0; y < high; y++) for (let z = 0; z < wide; z++) starts[p++] = y * stride * W + z * stride;
  const panels = starts.length / 4, most = Math.max(1, Math.floor(4096 / K));
  if (columns.length < most * K * 4) columns = new Float32Array(most * K * 4);
  for (let g = 0; g < groups; g++) {
    const input = g ? data.subarray(g * step) : data;
    for (let first = 0; first < panels; first += most) {
      const count = Math.min(most, panels - first);
      packColumns(input, starts, first, count, offsets);
      multiply(A[g], rows, count, K, out.data, g * rows, first * 4, positions);
    }
  }
  return out;
}

/** The windows of four positions after another, each as the numbers that the weights meet. */
function packColumns(from, starts, first, count, offsets) {
  const B = columns, K = offsets.length;
  for (let p = first * 4, to = 0, end = p + count * 4; p < end; p += 4) {
    const p0 = starts[p], p1 = starts[p + 1], p2 = starts[p + 2], p3 = starts[p + 3];
    for (let k = 0; k < K; k++, to += 4) {
      const offset = offsets[k];
      B[to] = from[p0 + offset];
      B[to + 1] = from[p1 + offset];
      B[to + 2] = from[p2 + offset];
      B[to + 3] = from[p3 + offset];
    }
  }
}

/** Where each number of a window is, counted from its first. */
function offsetsOf(channels, plane, W, k, dilation) {
  const offsets = new Int32Array(channels * k * k);
  let to = 0;
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < k; y++) for (let z = 0; z < k; z++) offsets[to++] = c * plane + (y * W + z) * dilation;
  }
  return offsets;
}

function multiply(A, rows, count, K, out, firstRow, first, positions) {
  const fours = Int32Array.from({length: K}, (_, k) => 4 * k);  // where the four numbers of each product are in a panel
  for (let r = 0; r < rows; r += 4) {
    const high = Math.min(4, rows - r);
    for (let panel = 0; panel < count; panel++) {
      straight(A, r * K, columns, panel * 4 * K, fours, sums, 0, 4);
      const p = first + panel * 4, wide = Math.min(4, positions - p);
      for (let i = 0; i < high; i++) {
        const to = (firstRow + r + i) * positions + p;
        for (let j = 0; j < wide; j++) out[to + j] = sums[4 * i + j];
      }
    }
  }
}

// ── The other steps ──

/** Mean and variance of each channel, over all positions. */
export function statistics({shape: [C, H, W], data}) {
  const n = H * W, mean = new Float32Array(C), variance = new Float32Array(C);
  for (let c = 0, start = 0; c < C; c++, start += n) {
    let sum = 0, squares = 0;
    for (let i = start; i < start + n; i++) sum += data[i];
    const middle = sum / n;
    for (let i = start; i < start + n; i++) { const off = data[i] - middle; squares += off * off; }
    mean[c] = middle;
    variance[c] = squares / n;
  }
  return {mean, variance};
}

/** BN with statistics that are given: each a Float32Array with one number a channel. */
export function batchNorm({shape, data}, {mean, variance, weight, bias, eps = 1e-5}) {
  const [C, H, W] = shape, n = H * W, out = tensor(shape);
  for (let c = 0, i = 0; c < C; c++) {
    const factor = weight[c] / Math.sqrt(variance[c] + eps), middle = mean[c], shift = bias[c];
    for (const end = i + n; i < end; i++) out.data[i] = (data[i] - middle) * factor + shift;
  }
  return out;
}

export function relu({shape, data}) {
  const out = tensor(shape), to = out.data;
  // Without a branch, which would be guessed wrong half of the time.
  for (let i = 0; i < to.length; i++) { const value = data[i]; to[i] = 0.5 * (value + Math.abs(value)); }
  return out;
}

export function add(a, b) {
  if (a.shape.join() !== b.shape.join()) throw new RangeError(`a sum needs equal shapes, not ${a.shape} and ${b.shape}`);
  const out = tensor(a.shape);
  for (let i = 0; i < out.data.length; i++) out.data[i] = a.data[i] + b.data[i];
  return out;
}

/** The largest value of every window; the padding never counts. */
export function maxPool({shape: [C, H, W], data}, kernel, stride, padding) {
  const high = outSize(H, kernel, stride, padding), wide = outSize(W, kernel, stride, padding);
  const out = tensor([C, high, wide]);
  for (let c = 0, to = 0; c < C; c++) {
    for (let y = 0; y < high; y++) {
      const top = Math.max(0, y * stride - padding), bottom = Math.min(H, y * stride - padding + kernel);
      for (let z = 0; z < wide; z++) {
        const left = Math.max(0, z * stride - padding), right = Math.min(W, z * stride - padding + kernel);
        let most = -Infinity;
        for (let i = top; i < bottom; i++) {
          for (let at = (c * H + i) * W + left, end = at + right - left; at < end; at++) if (data[at] > most) most = data[at];
        }
        out.data[to++] = most;
      }
    }
  }
  return out;
}

/** The mean of each channel, (C, 1, 1). */
export function globalAverage({shape: [C, H, W], data}) {
  const out = tensor([C, 1, 1]), n = H * W;
  for (let c = 0, i = 0; c < C; c++) {
    let sum = 0;
    for (const end = i + n; i < end; i++) sum += data[i];
    out.data[c] = sum / n;
  }
  return out;
}

export function linear(x, weight, bias) {
  const [O, I] = weight.shape, out = tensor([O]);
  for (let o = 0, i = 0; o < O; o++) {
    let sum = 0;
    for (let j = 0; j < I; j++) sum += weight.data[i++] * x.data[j];
    out.data[o] = sum + bias.data[o];
  }
  return out;
}

export function softmax(data) {
  const most = Math.max(...data), powers = Array.from(data, n => Math.exp(n - most));
  const sum = powers.reduce((all, n) => all + n, 0);
  return powers.map(n => n / sum);
}
