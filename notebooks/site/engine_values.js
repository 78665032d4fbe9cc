// What one value of a step is made of: the same arithmetic as resnet_lib.experiments.arithmetic, as plain data.

/**
 * The value at (channel, row, column) of a step that a `Run` kept: {kind, value, …}. A convolution's has its window,
 * {rows, columns}, the number of its products, and its input channels by what they contribute; of the first also the
 * numbers themselves.
 */
export function explain(step, channel, row = 0, column = 0) {
  const {kind, inputs, output} = step, [, H = 1, W = 1] = output.shape;
  const value = output.data[(channel * H + row) * W + column], found = {kind, value};
  const one = (tensor, c = channel) => tensor.data[(c * (tensor.shape[1] ?? 1) + row) * (tensor.shape[2] ?? 1) + column];
  if (kind === 'CONV') return {...found, ...products(step, channel, row, column)};
  if (kind === 'LINEAR') return {...found, ...weighted(step, channel)};
  if (kind === 'MAXPOOL') return {...found, ...pooled(step, channel, row, column)};
  if (kind === 'SUM') return {...found, terms: inputs.map(input => one(input))};
  if (kind === 'BN') {
    const {mean, variance, weight, bias, eps} = step.norm;
    const numbers = {mean: mean[channel], variance: variance[channel], eps, weight: weight[channel], bias: bias[channel]};
    return {...found, ...numbers, input: one(inputs[0])};
  }
  if (kind === 'GLOBAL AVGPOOL') return {...found, n: inputs[0].shape[1] * inputs[0].shape[2]};
  return {...found, input: kind === 'ReLU' ? one(inputs[0]) : value};
}

function products({inputs: [x], weight, options}, channel, row, column) {
  const [C, H, W] = x.shape, [O, I, k] = weight.shape, {stride = 1, padding = 0, dilation = 1, groups = 1} = options;
  const from = Math.floor(channel / (O / groups)) * I, sums = [], n = k * k;
  const rows = Array.from({length: k}, (_, i) => row * stride - padding + i * dilation);
  const columns = Array.from({length: k}, (_, i) => column * stride - padding + i * dilation);
  const input = (c, i, j) => i < 0 || j < 0 || i >= H || j >= W ? 0 : x.data[((from + c) * H + i) * W + j];
  const weights = c => weight.data.subarray((channel * I + c) * n, (channel * I + c + 1) * n);
  const seen = c => rows.map(i => columns.map(j => input(c, i, j)));
  for (let c = 0; c < I; c++) {
    const w = weights(c);
    sums.push(seen(c).flat().reduce((all, v, i) => all + v * w[i], 0));
  }
  const order = sums.map((_, c) => c).sort((a, b) => Math.abs(sums[b]) - Math.abs(sums[a]) || a - b), first = order[0];
  return {
    rows, columns, macs: I * n, all: C, source: from + first, kernel: k,
    strongest: order.slice(0, 5).map(c => [from + c, sums[c], seen(c)[0][0], weights(c)[0]]),
    rest: [Math.max(0, I - 5), order.slice(5).reduce((all, c) => all + sums[c], 0)],
    inputs: seen(first), weights: Array.from({length: k}, (_, i) => Array.from(weights(first).subarray(i * k, i * k + k))),
  };
}

function weighted({inputs: [x], weight, bias}, channel) {
  const I = weight.shape[1], terms = Array.from(x.data, (v, c) => [c, v * weight.data[channel * I + c], v, weight.data[channel * I + c]]);
  terms.sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]) || a[0] - b[0]);
  const rest = terms.slice(5).reduce((all, term) => all + term[1], 0);
  return {macs: I, strongest: terms.slice(0, 5), rest: [Math.max(0, I - 5), rest], bias: bias.data[channel], kernel: 1};
}

function pooled({inputs: [x], options: {kernel, stride, padding}}, channel, row, column) {
  const [, H, W] = x.shape, places = at => Array.from({length: kernel}, (_, i) => at * stride - padding + i);
  const [rows, columns] = [places(row), places(column)];
  const inputs = rows.map(i => columns.map(j => i < 0 || j < 0 || i >= H || j >= W ? -Infinity : x.data[(channel * H + i) * W + j]));
  return {rows, columns, inputs, source: channel};
}
