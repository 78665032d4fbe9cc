// Blocks and networks made of the engine's steps, each kept with what it was given.

import {add, batchNorm, conv2d, globalAverage, linear, maxPool, outSize, relu, statistics, tensor} from './engine.js';
import {bank, randn} from './engine_random.js';

const ones = n => new Float32Array(n).fill(1);

/** Runs steps one after another and keeps them: name → {kind, inputs, output, and what its kind needs}. */
export class Run {
  constructor(steps = new Map()) { this.steps = steps; }

  keep(name, kind, inputs, output, more = {}) {
    this.steps.set(name, {kind, inputs, output, ...more});
    return output;
  }

  conv(name, x, weight, options = {}) {
    const output = weight.fixed ? fixedConv(x, weight.fixed, options) : conv2d(x, weight, options);
    return this.keep(name, 'CONV', [x], output, {weight, options});
  }

  /** Without statistics of its own it takes those of x, as an untrained BN in training mode does. */
  bn(name, x, own = null) {
    const C = x.shape[0], norm = own ?? {...statistics(x), weight: ones(C), bias: new Float32Array(C), eps: 1e-5};
    return this.keep(name, 'BN', [x], batchNorm(x, norm), {norm});
  }

  relu(name, x) { return this.keep(name, 'ReLU', [x], relu(x)); }

  add(name, a, b) { return this.keep(name, 'SUM', [a, b], add(a, b)); }

  pool(name, x, kernel = 3, stride = 2, padding = 1) {
    return this.keep(name, 'MAXPOOL', [x], maxPool(x, kernel, stride, padding), {options: {kernel, stride, padding}});
  }
}

const fixed = new WeakMap();  // input → what kernels of fixed random tensors make of it, before their factor

/**
 * A convolution with kernels `first` to `first + count` of a fixed random tensor. Those of another C1 are the same but
 * for their number and their factor, so that what was computed for the same x is used again, and only what is missing
 * is added.
 */
function fixedConv(x, {name, first, count, I, k, factor}, options) {
  const key = `${name} ${first} ${JSON.stringify(options)}`, kept = fixed.get(x) ?? new Map();
  fixed.set(x, kept);
  let known = kept.get(key);
  const has = known?.shape[0] ?? 0;
  if (has < count) {
    const {shape, data} = conv2d(x, bank(name, first + has, count - has, I, k, 1), options);
    const all = tensor([count, ...shape.slice(1)]);
    if (known) all.data.set(known.data);
    all.data.set(data, all.data.length - data.length);
    kept.set(key, known = all);
  }
  const out = tensor([count, ...known.shape.slice(1)]);
  for (let i = 0; i < out.data.length; i++) out.data[i] = known.data[i] * factor;
  return out;
}

/** Some channels of a tensor, without a copy. */
export const channels = ({shape: [, H, W], data}, first, count) =>
  tensor([count, H, W], data.subarray(first * H * W, (first + count) * H * W));

/** Some rows of weights, without a copy. */
function rows(weight, first, count) {
  const size = weight.data.length / weight.shape[0];
  return tensor([count, ...weight.shape.slice(1)], weight.data.subarray(first * size, (first + count) * size));
}

const some = (norm, first, count) => norm && {
  eps: norm.eps,
  ...Object.fromEntries(['mean', 'variance', 'weight', 'bias'].map(n => [n, norm[n].subarray(first, first + count)])),
};

/**
 * Runs a bottleneck block. weights: {convs: name → weights, norms: name → BN's numbers or null}; with a projection
 * where there are weights of "shortcut.conv". Of its output `count` channels from `first` on are computed, all unless
 * given; `cut` where conv3 and G have weights for those alone. `sum` false leaves out the sum, which an illegal block
 * does not have.
 */
export function runBlock(x, {convs, norms}, options, run = new Run(), path = '') {
  const {S, strideOn = '3x3', first = 0, count = null, cut = false, sum = true} = options;
  const on = name => path + name, all = convs.conv3.shape[0], last = cut ? all : Math.min(count ?? all, all - first);
  const [s1, s2] = strideOn === '1x1' ? [S, 1] : [1, S];
  let f = run.conv(on('conv1'), x, convs.conv1, {stride: s1});
  f = run.relu(on('relu1'), run.bn(on('bn1'), f, norms.bn1));
  f = run.conv(on('conv2'), f, convs.conv2, {stride: s2, padding: 1});
  f = run.relu(on('relu2'), run.bn(on('bn2'), f, norms.bn2));
  // Output channels do not depend on each other, so only those that are shown need to be computed.
  const part = weight => cut || last === all ? weight : rows(weight, first, last);
  f = run.bn(on('bn3'), run.conv(on('conv3'), f, part(convs.conv3)), some(norms.bn3, first, last));
  let g;
  if (convs['shortcut.conv']) {
    g = run.conv(on('shortcut.conv'), x, part(convs['shortcut.conv']), {stride: S});
    g = run.bn(on('shortcut.bn'), g, some(norms['shortcut.bn'], first, last));
  } else {
    const here = Math.max(0, Math.min(last, x.shape[0] - first));
    g = run.keep(on('shortcut'), 'identity', [x], channels(x, first, here));
  }
  return {run, output: sum ? run.relu(on('relu3'), run.add(on('add'), f, g)) : null};
}

/** The weights of a random block, in the library's own numbers; of conv3 and G only the channels that are computed. */
export function randomBlock({block, C, C1}, first = 0, count = null) {
  const all = 4 * C1, last = Math.min(count ?? all, all - first);
  // He's deviation for the width at hand.
  const he = (width, k) => Math.sqrt(2 / (k * k * width));
  // What sees x itself is the same for any C1.
  const onX = (name, from, count, factor) =>
    Object.assign(bank(name, from, count, C, 1, factor), {fixed: {name, first: from, count, I: C, k: 1, factor}});
  const convs = {
    conv1: onX('conv1', 0, C1, he(C1, 1)),
    conv2: bank('conv2', 0, C1, C1, 3, he(C1, 3)),
    conv3: bank('conv3', first, last, C1, 1, he(all, 1)),
  };
  if (block === 'BTNK1') convs['shortcut.conv'] = onX('shortcut.conv', first, last, he(all, 1));
  return {convs, norms: {}};
}

/** Random weights of a stem: of another C1 the first channels keep theirs. */
export function stemWeights(C1, k) {
  const factor = Math.sqrt(2 / (k * k * C1)), count = C1 * 3 * k * k;
  return tensor([C1, 3, k, k], randn(1000 + k, count).map(n => n * factor));
}

// ── The trained network ──

/** Half precision as single precision. */
export function fromHalf(halves) {
  const out = new Float32Array(halves.length), bits = new Uint32Array(out.buffer);
  for (let i = 0; i < halves.length; i++) {
    const h = halves[i], sign = (h & 0x8000) << 16, exponent = h >> 10 & 31, rest = h & 1023;
    if (exponent === 0) out[i] = (sign ? -1 : 1) * rest * 2 ** -24;
    else bits[i] = sign | (exponent === 31 ? 0x7f800000 : exponent + 112 << 23) | rest << 13;
  }
  return out;
}

/** The bundled network. index: [[name, shape], …] in the order of the numbers in `file`, an ArrayBuffer. */
export class Trained {
  constructor(index, file) {
    const numbers = fromHalf(new Uint16Array(file));
    this.tensors = new Map();
    let at = 0;
    for (const [name, shape] of index) {
      const size = shape.reduce((all, n) => all * n, 1);
      this.tensors.set(name, tensor(shape, numbers.subarray(at, at += size)));
    }
    if (at !== numbers.length) throw new RangeError(`${numbers.length} numbers, and the index has ${at}`);
    /** Paths of the blocks in order, "stage1.0". */
    this.blocks = [...this.tensors.keys()].filter(n => n.endsWith('.conv1.weight')).map(n => n.slice(0, -13));
  }

  norm(path) {
    const of = name => this.tensors.get(`${path}.${name}`).data;
    return {mean: of('running_mean'), variance: of('running_var'), weight: of('weight'), bias: of('bias'), eps: 1e-5};
  }

  /** What `runBlock` needs for a block, but for `first` and `count`. */
  block(path) {
    const convs = {}, norms = {};
    for (const name of ['conv1', 'conv2', 'conv3', 'shortcut.conv']) {
      if (this.tensors.has(`${path}.${name}.weight`)) convs[name] = this.tensors.get(`${path}.${name}.weight`);
    }
    for (const name of ['bn1', 'bn2', 'bn3', 'shortcut.bn']) {
      if (this.tensors.has(`${path}.${name}.weight`)) norms[name] = this.norm(`${path}.${name}`);
    }
    return {convs, norms};
  }

  stride(path) { return path.endsWith('.0') && path !== 'stage1.0' ? 2 : 1; }

  /** Runs a picture through, up to but without the block `until`, to the end unless given. Returns {run, output}. */
  run(x, until = null) {
    const run = new Run();
    let h = run.conv('stage0.conv', x, this.tensors.get('stage0.conv.weight'), {stride: 2, padding: 3});
    h = run.relu('stage0.relu', run.bn('stage0.bn', h, this.norm('stage0.bn')));
    h = run.pool('stage0.pool', h);
    for (const path of this.blocks) {
      if (path === until) return {run, output: h};
      h = runBlock(h, this.block(path), {S: this.stride(path)}, run, `${path}.`).output;
    }
    h = run.keep('head.pool', 'GLOBAL AVGPOOL', [h], globalAverage(h));
    const [weight, bias] = [this.tensors.get('head.fc.weight'), this.tensors.get('head.fc.bias')];
    return {run, output: run.keep('head.fc', 'LINEAR', [h], linear(h, weight, bias), {weight, bias})};
  }
}

// ── Shapes and costs, without any numbers ──

/**
 * The steps of a bottleneck: {steps: [[name, kind, shape, parameters, macs], …], clash, last, output}. clash: the two
 * shapes that cannot be added, or null; last: the names of F(x)'s step, the shortcut's, the sum's and y's.
 */
export function anatomy({block, C, W, C1, S, strideOn}) {
  const steps = [['x', 'input', [C, W, W], 0, 0]];
  let [n, side] = [C, W];
  const conv = (name, O, k, stride, from = n, width = side) => {
    n = O;
    side = outSize(width, k, stride, k >> 1);
    const kind = `CONV ${k}×${k}${stride > 1 ? ` /${stride}` : ''}`, parameters = O * from * k * k;
    steps.push([name, kind, [n, side, side], parameters, parameters * side * side]);
  };
  const plain = (name, kind) => steps.push([name, kind, [n, side, side], kind === 'BN' ? 2 * n : 0, 0]);
  const [s1, s2] = strideOn === '1x1' ? [S, 1] : [1, S];
  [[C1, 1, s1], [C1, 3, s2], [4 * C1, 1, 1]].forEach(([O, k, stride], i) => {
    conv(`conv${i + 1}`, O, k, stride);
    plain(`bn${i + 1}`, 'BN');
    if (i < 2) plain(`relu${i + 1}`, 'ReLU');
  });
  const output = [n, side, side], projected = block === 'BTNK1';
  if (projected) {
    conv('shortcut.conv', 4 * C1, 1, S, C, W);
    plain('shortcut.bn', 'BN');
  }
  const clash = !projected && (n !== C || side !== W) ? [output, [C, W, W]] : null;
  if (!clash) { plain('add', 'SUM'); plain('relu3', 'ReLU'); }
  if (!projected) steps.push(['shortcut', 'identity', [C, W, W], 0, 0]);
  const total = i => steps.reduce((sum, step) => sum + step[i], 0);
  const last = ['bn3', projected ? 'shortcut.bn' : 'shortcut', clash ? null : 'add', clash ? null : 'relu3'];
  return {steps, clash, last, input: [C, W, W], output: clash ? null : output, parameters: total(3), macs: total(4)};
}
