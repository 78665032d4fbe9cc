// Stage 0 on a picture: kernel, stride, padding and dilation, the window that walks over the pixels, and the maps.

import {outSize} from './engine.js';
import {PATTERNS} from './engine_picture.js';
import {choice, number, Scene, toggle} from './live_scene.js';
import {shapeText, stepTable} from './live_words.js';

const STEPS = ['conv', 'bn', 'relu', 'pool'];
const SIDE = 112;  // maps up to so many pixels are drawn as they are, so that 112 beside 56 is drawn in that proportion
const FEW = 17, MANY = 48;  // pixels along the side of the grid

/** The steps of the stem, {steps, parameters, macs, output}, or null where the window does not fit. */
export function stemAnatomy({kernel, stride, padding, dilation, W, C1}) {
  const side = outSize(W, kernel, stride, padding, dilation), after = outSize(side, 3, 2, 1);
  if (side < 1) return null;
  const kind = `CONV ${kernel}×${kernel}${stride > 1 ? ` /${stride}` : ''}${dilation > 1 ? ` dilated ${dilation}` : ''}`;
  const weights = 3 * C1 * kernel * kernel, shape = [C1, side, side], output = [C1, after, after];
  const steps = [['x', 'input', [3, W, W], 0, 0], ['conv', kind, shape, weights, weights * side * side], ['bn', 'BN', shape, 2 * C1, 0],
    ['relu', 'ReLU', shape, 0, 0], ['pool', 'MAXPOOL 3×3 /2', output, 0, 0]];
  return {steps, parameters: weights + 2 * C1, macs: weights * side * side, output, side};
}

export class Stem extends Scene {
  constructor(page) {
    const {say} = page, names = [...page.photographs, ...PATTERNS], foot = {where: 'foot'};
    const mark = value => [[value, say('mark_thin', {stages: say('stage', {n: 0})})]];
    const c = {
      picture: choice(say('picture'), Object.fromEntries(names.map(n => [say(n), n])), page.photographs[0]),
      step: choice(say('show'), {[say('all_steps')]: 'all', [say('x_picture')]: 'x', ...Object.fromEntries(STEPS.map(s => [say(`after_${s}`), s]))}, 'all'),
      weights: choice(say('weights'), {[say('trained_weights')]: 'trained', [say('random_weights')]: 'random'}, 'trained'),
      kernel: number(say('kernel'), 7, 1, 15, {marks: mark(7)}),
      stride: number(say('stride'), 2, 1, 8, {marks: mark(2), meaning: 'S'}),
      padding: number(say('padding'), 3, 0, 14, {marks: mark(3)}),
      dilation: number(say('dilation'), 1, 1, 20, {marks: mark(1)}),
      W: number('W', 224, 8, 224, {stops: [8, 16, 32, 56, 64, 96, 112, 128, 160, 192, 224], marks: mark(224)}),
      C1: number('C1', 16, 4, 64, {step: 4, stops: [16, 32, 48, 64], marks: mark(16)}),
      channel: number(say('channel'), 0, 0, 63, foot),
      colours: choice(say('colours'), {[say('one_scale')]: 'one', [say('one_each')]: 'each'}, 'one', foot),
      walk: toggle(page.words.walk, false, {where: 'actions'}),
      costs: toggle(say('costs'), false, {where: 'actions'}),
    };
    super('stem', page, Object.values(c));
    Object.assign(this, c, {names, wished: 'trained', pixels: {}});
    this.begin();
  }

  get design() {
    return Object.fromEntries(['kernel', 'stride', 'padding', 'dilation', 'W', 'C1'].map(name => [name, this[name].value]));
  }

  code() {
    const {kernel, stride, padding, dilation, C1} = this.design;
    return `Stem(C1=${C1}, kernel=${kernel}, stride=${stride}, padding=${padding}${dilation > 1 ? `, dilation=${dilation}` : ''})`;
  }

  changed(control) {
    if (control === this.walk) return;  // the page alone walks
    if (control === this.weights) this.wished = control.value;
    this.update();
  }

  look(step) {
    this.step.value = step === this.step.value ? 'all' : step;
    this.changed(this.step);
    this.settled(this.step);
  }

  update() {
    const {design, say} = this, look = stemAnatomy(design), {kernel, stride, padding, dilation, C1, W} = design;
    if (!look) {
      const reach = dilation * (kernel - 1) + 1;
      this.show({says: {problem: say('does_not_fit', {reach, padded: W + 2 * padding}), advice: say('fit_advice'), figures: [], marked: [], code: ''}});
      this.showNoMaps(say('no_fit'));
      return;
    }
    const thin = kernel === 7 && stride === 2 && padding === 3 && dilation === 1 && C1 === 16 && !PATTERNS.includes(this.picture.value);
    const offered = thin ? ['trained', 'random'] : ['random'];
    this.weights.offer(Object.fromEntries(offered.map(name => [say(`${name}_weights`), name])), 'random');
    if (thin) this.weights.value = this.wished;
    const shown = this.step.value === 'all' ? STEPS : [this.step.value];
    const figures = [[`${shapeText([3, W, W])} → ${shapeText(look.output)}`, ''], [look.parameters, say('parameters')], [look.macs, 'MACs']];
    const says = {code: this.code(), marked: shown, about: this.formula(design, look.side), figures};
    this.show({says, drawing: this.drawing(look.side), steps: look.steps, details: this.costs.value ? stepTable(look, say) : ''});
    this.maps(shown, look);
    this.thumb(48);
    this.colour();
  }

  formula({kernel: k, stride: s, padding: p, dilation: d, W}, side) {
    const reach = d * (k - 1) + 1, room = W + 2 * p - reach, left = room % s;
    const floor = left ? ` = ⌊${(room / s).toFixed(2)}⌋ + 1` : '', lost = left ? this.say('left_over', {n: left}) : '';
    const why = this.say('reach', {sum: `${d}·(${k} − 1) + 1 = ${reach}`}) + lost;
    return `⌊(W + 2·${this.say('padding')} − ${this.say('reach_word')}) / ${this.say('stride')}⌋ + 1 = ⌊(${W} + 2·${p} − ${reach}) / ${s}⌋ + 1${floor} = ${side}; ${why}`;
  }

  // ── the grid of pixels ──

  drawing(side) {
    const {kernel, stride, padding, dilation, W} = this.design, reach = dilation * (kernel - 1) + 1;
    const n = Math.min(W + 2 * padding, Math.max(FEW, reach + 3 * stride), MANY), w = Math.min(W, Math.max(0, n - padding));
    const {key, bytes} = this.pixels, colours = [];
    if (key === this.key) {
      const hex = i => [0, 1, 2].map(c => bytes[3 * i + c].toString(16).padStart(2, '0')).join('');
      for (let y = 0; y < w; y++) for (let x = 0; x < w; x++) colours.push(hex(y * W + x));
    }
    const {grid, ...plain} = this.page.drawings.stem;
    return {...plain, grid: {...grid, n, W, padding, kernel, stride, dilation, out: side, w, colours}};
  }

  get key() { return `${this.picture.value} ${this.W.value}`; }

  /** The picture's pixels for the grid, once they have been resampled. */
  async colour() {
    const {key} = this;
    if (this.pixels.key === key || this.asking === key) return;
    this.asking = key;
    const {buffers: [bytes], problem} = await this.page.ask({do: 'pixels', picture: this.picture.value, size: this.W.value});
    if (problem || key !== this.key) return;
    this.pixels = {key, bytes};
    const look = stemAnatomy(this.design);
    if (look) this.model.set('drawing', this.drawing(look.side));
  }

  // ── the maps ──

  maps(shown, look) {
    const alone = this.step.value !== 'all', count = alone ? 16 : 4, last = shown[shown.length - 1], each = this.colours.value === 'each';
    const sizes = Object.fromEntries(look.steps.map(([name, , shape]) => [name, shape])), total = sizes[last][0];
    let first = Math.floor(this.channel.value / count) * count;
    if (first >= total) first = 0;
    this.channel.limit(total - 1);
    Object.assign(this.channel, {value: first, step: count});
    // The values of BN and after it are of one scale; a convolution's are of another.
    const want = shown.map(id => ({id, role: id === 'x' ? '' : 'main', total: sizes[id][0], most: id === 'x' ? 2 * SIDE : SIDE, ...['conv', 'x'].includes(id) ? {scale: ''} : {}}));
    const {say} = this, trained = this.weights.value === 'trained', close = this.picture.value === 'impulse';
    this.request({do: 'stem', design: this.design, trained, picture: this.picture.value, want, first, count, each, close}, answer => ({
      groups: answer.groups.map(g => ({...g, title: `${say(`stem_${g.id}`)} ${shapeText(sizes[g.id].slice(1))}`})), columns: alone ? 1 : 2, each, same: true,
      note: trained ? say('note_trained', {path: 'stage0'}) + (this.W.value === 224 ? '' : say('note_other_width', {W: 224})) : say('note_stem') + (close ? say('note_close') : ''),
    }));
    this.show();
  }
}
