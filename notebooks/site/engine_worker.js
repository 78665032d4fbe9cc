// The worker of the live page: pictures, blocks and networks, off the page's own thread. The page asks {id, do, …} and
// is answered {id, …}; what is asked for one after another is done in that order.

import {conv2d, relu, softmax, tensor} from './engine.js';
import {randomBlock, Run, runBlock, stemWeights, Trained} from './engine_blocks.js';
import {decode, PATTERNS, square, toInput} from './engine_picture.js';
import {colourFilters, randn} from './engine_random.js';
import {pack, plane, scale, strongest, toLevels} from './engine_tiles.js';
import {explain} from './engine_values.js';

const BUDGET = 30e6;  // MACs of F's first two convolutions; above, random blocks are computed on a central window
const CLOSE = 15;  // positions along a side of what is drawn of an impulse
const pictures = new Map(), shown = {};  // name → decoded; scene → {run, groups} of what it shows
let network = null, folder = '';

const picture = async name => {
  if (!pictures.has(name)) pictures.set(name, await decode(await (await fetch(`${folder}pictures/${name}.jpg`)).blob()));
  return pictures.get(name);
};

/** The trained network; its weights are fetched the first time. */
async function trained() {
  network ??= (async () => {
    const [index, file] = await Promise.all([
      fetch(`${folder}weights.json`).then(answer => answer.json()), fetch(`${folder}weights.bin`).then(answer => answer.arrayBuffer()),
    ]);
    return new Trained(index, file);
  })();
  return network;
}

/** A test pattern, one value a pixel. */
function pattern(name, W) {
  if (name === 'noise') return randn(0, W * W);
  const data = new Float32Array(W * W);
  if (name === 'impulse') data[(W >> 1) * (W + 1)] = 1;
  else data.forEach((_, i) => { data[i] = name === 'gradient' ? 2 * (i % W) / (W - 1 || 1) - 1 : ((i % W + Math.floor(i / W)) % 2) * 2 - 1; });
  return data;
}

const greyLevel = n => Math.round((Math.min(1, Math.max(-1, n)) + 1) * 127.5);

const kept = new Map();  // the last inputs, by what they were made of
async function remembered(key, make) {
  if (!kept.has(key)) {
    if (kept.size > 6) kept.delete(kept.keys().next().value);
    kept.set(key, await make());
  }
  return kept.get(key);
}

/** C fixed random filters over a picture at W × W, then ReLU; a pattern is the same in all channels. */
async function blockInput(name, C, W) {
  if (PATTERNS.includes(name)) {
    const one = pattern(name, W), x = tensor([C, W, W]);
    for (let c = 0; c < C; c++) x.data.set(one, c * W * W);
    return x;
  }
  return relu(conv2d(toInput(await picture(name), W), colourFilters(C), {padding: 1}));
}

const pictureInput = async (name, W) => {
  if (!PATTERNS.includes(name)) return toInput(await picture(name), W);
  const one = pattern(name, W), x = tensor([3, W, W]);
  for (let c = 0; c < 3; c++) x.data.set(one, c * W * W);
  return x;
};

function cropped({shape: [C, H, W], data}, side) {
  const top = (H - side) >> 1, left = (W - side) >> 1, out = tensor([C, side, side]);
  for (let c = 0, to = 0; c < C; c++) {
    for (let y = top; y < top + side; y++, to += side) out.data.set(data.subarray((c * H + y) * W + left, (c * H + y) * W + left + side), to);
  }
  return out;
}

/**
 * Groups of maps of a run: `want` [{id, role, scale, most}, …], channels `first` to `first + count`; by strength that of
 * the last group, or with `apart` of each by itself.
 */
function groupsOf(of, want, {first, count, strength, apart = false, start = () => 0, corner = () => 0}) {
  const numbered = Array.from({length: count}, (_, i) => first + i);
  const ordered = strength && !apart ? strongest(of(want[want.length - 1].id)).slice(first, first + count) : null;
  return want.map(({id, total, ...more}) => {
    const output = of(id), from = start(id), [n, ...side] = output.shape, at = corner(side[0], id);
    // Of fewer channels than there are pages the last ones are shown.
    const own = apart && first >= n ? Array.from({length: Math.min(count, n)}, (_, i) => n - Math.min(count, n) + i) : numbered;
    const sorted = strength && apart ? strongest(output) : null;
    const order = sorted ? own.map(i => sorted[i]) : ordered ?? own;
    const numbers = order.filter(c => c >= from && c < from + n);
    return {id, ...more, total: total ?? n, side, channels: numbers, corner: [at, at], maps: numbers.map(c => plane(output, c - from))};
  });
}

/** Keeps what a scene shows for later questions, and answers with it. */
function answerWith(scene, run, groups, each, more = {}) {
  shown[scene] = {run, groups: new Map(groups.map(g => [g.id, g]))};
  const {groups: described, levels} = pack(groups, each);
  return [{groups: described, ...more}, levels];
}

const jobs = {
  start({at}) { folder = at; return [{}]; },

  async block({scene, design, picture: name, path, want, first, count, part: begin, strength, each, sum, inside}) {
    let x, window = null, result;
    if (path) {
      const whole = await trained(), size = design.W * design.jump;
      x = await remembered(`${path} ${size} ${name}`, async () => whole.run(toInput(await picture(name), size), path).output);
      result = runBlock(x, whole.block(path), {S: design.S, strideOn: design.strideOn, sum, ...strength ? {} : {first: begin, count}});
    } else {
      x = await remembered(`${name} ${design.C} ${design.W}`, () => blockInput(name, design.C, design.W));
      if (design.macs > BUDGET) window = Math.min(design.W, Math.max(8, Math.trunc(Math.sqrt(BUDGET / design.macs) * design.W)));
      if (window) x = cropped(x, window);
      const part = strength ? {first: 0} : {first: begin, count};
      const weights = randomBlock(design, part.first, part.count);
      result = runBlock(x, weights, {...design, ...part, cut: true, sum});
    }
    const {steps} = result.run, part = strength ? 0 : begin;
    const of = id => id === 'x' ? x : steps.get(id).output, start = id => id === 'x' || inside.includes(id) ? 0 : part;
    const cut = window ? (design.W - window) >> 1 : 0;
    const corner = side => Math.floor(cut * side / x.shape[1]);
    const groups = groupsOf(of, want, {first, count, strength, start, corner});
    return answerWith(scene, {steps, start}, groups, each, {window: window && window < design.W ? window : null});
  },

  async stem({scene, design, trained: known, picture: name, want, first, count, each, close}) {
    const {kernel, stride, padding, dilation, W, C1} = design, options = {stride, padding, dilation}, run = new Run();
    const x = await remembered(`stem ${W} ${name}`, () => pictureInput(name, W)), whole = known ? await trained() : null;
    const h = run.conv('conv', x, whole ? whole.tensors.get('stage0.conv.weight') : stemWeights(C1, kernel), options);
    run.pool('pool', run.relu('relu', run.bn('bn', h, whole?.norm('stage0.bn'))));
    const near = t => close && t.shape[1] > CLOSE ? cropped(t, CLOSE) : t, of = id => id === 'x' ? x : run.steps.get(id).output;
    const corner = (side, id) => (of(id).shape[1] - side) >> 1;
    const groups = groupsOf(id => near(of(id)), want, {first, count, corner});
    return answerWith(scene, {steps: run.steps, start: () => 0}, groups, each);
  },

  async pixels({picture: name, size}) {
    if (!PATTERNS.includes(name)) return [{}, square(await picture(name), size)];
    return [{}, Uint8Array.from(Array.from(pattern(name, size)).flatMap(n => Array(3).fill(greyLevel(n))))];
  },

  async walk({scene, picture: name, size, want, first, count, strength, apart, each}) {
    const whole = await trained(), key = `walk ${size} ${name}`;
    const {run, output, x, took} = await remembered(key, async () => {
      const input = toInput(await picture(name), size), begin = performance.now();
      return {x: input, ...whole.run(input), took: performance.now() - begin};
    });
    const flat = t => t.shape.length > 1 ? t : tensor([t.shape[0], 1, 1], t.data);
    const of = id => id === 'x' ? x : flat(run.steps.get(id).output);
    const groups = groupsOf(of, want, {first, count, strength, apart});
    return answerWith(scene, {steps: run.steps, start: () => 0}, groups, each, {probabilities: softmax(output.data), took});
  },

  /** Compute everything again the next time: for measuring. */
  forget() { kept.clear(); return [{}]; },

  async own({name, blob}) {
    pictures.set(name, await decode(blob));
    for (const key of kept.keys()) if (key.endsWith(` ${name}`) || key.includes(`${name} `)) kept.delete(key);
    return [{}];
  },

  async thumb({picture: name, side}) {
    const canvas = new OffscreenCanvas(side, side), context = canvas.getContext('2d'), image = context.createImageData(side, side);
    const flat = PATTERNS.includes(name) && pattern(name, side), bytes = flat || square(await picture(name), side);
    for (let i = 0; i < side * side; i++) {
      for (let c = 0; c < 3; c++) image.data[4 * i + c] = flat ? greyLevel(flat[i]) : bytes[3 * i + c];
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
    return [{}, new Uint8Array(await (await canvas.convertToBlob({type: 'image/png'})).arrayBuffer())];
  },

  value({scene, group, channel, row, column, large}) {
    const here = shown[scene], found = here?.groups.get(group), i = found?.channels.indexOf(channel) ?? -1;
    if (i < 0) return [{gone: true}];
    const [H, W] = found.side, at = [Math.min(Math.max(row, 0), H - 1), Math.min(Math.max(column, 0), W - 1)];
    const map = found.maps[i], said = {row: at[0], column: at[1], corner: found.corner, number: map[at[0] * W + at[1]]};
    if (!large) return [said];
    const own = scale([map]), buffers = [toLevels(map, own)], step = here.run.steps.get(group);
    Object.assign(said, {side: found.side, ...own});
    if (step) {
      // Where only a window of the input was computed, the step has no more than that; a close view has.
      const place = step.output.shape[1] > H ? at.map((n, i) => n + found.corner[i]) : at;
      // Of a BN also what its convolution did.
      const before = step.kind === 'BN' && [...here.run.steps.values()].find(other => other.output === step.inputs[0]);
      const explained = [step, before].filter(Boolean).map(each => [each, explain(each, channel - here.run.start(group), ...place)]);
      said.explained = explained.map(pair => pair[1]);
      const [seen, value] = explained.find(pair => pair[1].rows) ?? [];
      if (value) {
        const input = seen.inputs[0], data = plane(input, value.source), drawn = scale([data]);
        const ends = list => [list[0], list[list.length - 1] + 1];
        said.window = {channel: value.source, side: input.shape.slice(1), ...drawn, rows: ends(value.rows), columns: ends(value.columns)};
        buffers.push(toLevels(data, drawn));
      }
    }
    return [said, ...buffers];
  },
};

let queue = Promise.resolve();
self.addEventListener('message', ({data}) => {
  queue = queue.then(async () => {
    try {
      const [said, ...buffers] = await jobs[data.do](data);
      self.postMessage({id: data.id, ...said, buffers}, buffers.map(b => b.buffer));
    } catch (error) {
      self.postMessage({id: data.id, problem: error.message});
    }
  });
});
