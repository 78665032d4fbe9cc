// One bottleneck block over a picture: what resnet_lib.explorers.bottleneck shows, at the thin network's scale.

import {anatomy} from './engine_blocks.js';
import {PATTERNS} from './engine_picture.js';
import {action, buttons, choice, number, Scene, toggle} from './live_scene.js';
import {costTable, shapeText} from './live_words.js';

const INSIDE = ['conv1', 'bn1', 'relu1', 'conv2', 'bn2', 'relu2'];
const STOPS = [16, 32, 48, 64, 96, 128, 192, 256, 384, 512];

/** What can be shown of a block, label → step; "sum" is what meets at the sum. */
export function stepOptions({steps, clash, last: [f, side, total, y]}, say) {
  const options = {[say(clash ? 'no_sum' : 'at_the_sum')]: 'sum', [say('x_input')]: 'x'};
  const named = {[f]: `F: ${f} = F(x)`, 'shortcut.bn': 'G: bn = G(x)', [total]: say('sum_before'), [y]: say('sum_after'), shortcut: say('x_shortcut')};
  for (const [name] of steps.slice(1)) {
    options[named[name] ?? (name.startsWith('shortcut') ? `G: ${name.slice(9)}` : `F: ${name}`)] = name;
  }
  return options;
}

export class Bottleneck extends Scene {
  constructor(page) {
    const {say, places} = page, first = places.find(p => p.path === 'stage2.0').design;
    const marks = letter => {
      const stages = new Map();
      for (const {design, stage} of places) stages.set(design[letter], new Set([...stages.get(design[letter]) ?? [], stage]));
      return [...stages].sort((a, b) => a[0] - b[0]).map(([value, list]) => [value, say('mark_thin', {stages: [...list].map(n => say('stage', {n})).join(', ')})]);
    };
    const slider = (letter, min, max, more) => number(letter, first[letter], min, max, {marks: marks(letter), meaning: say(`${letter}_meaning`), ...more});
    const names = [...page.photographs, ...PATTERNS], foot = {where: 'foot'};
    const own = say('own_numbers'), at = place => say('block', {stage: place.stage, n: place.number});
    const c = {
      block: buttons(say('block_control'), {BTNK1: 'BTNK1', BTNK2: 'BTNK2'}, 'BTNK1'),
      strideOn: buttons(say('stride_on'), {'v1.5': '3x3', v1: '1x1'}, '3x3', {meaning: say('stride_on_meaning')}),
      position: choice(say('position'), {[own]: null, ...Object.fromEntries(places.map(p => [at(p), p.path]))}, 'stage2.0',
        {groups: Object.fromEntries(places.map(p => [at(p), say('thin_trained')]))}),
      weights: choice(say('weights'), {}, 'trained'),
      picture: choice(say('picture'), Object.fromEntries(names.map(n => [say(n), n])), page.photographs[0]),
      step: choice(say('show'), {}, 'sum'),
      C: slider('C', 16, 512, {step: 16, stops: STOPS}),
      W: slider('W', 2, 64, {stops: [2, 4, 7, 14, 21, 28, 35, 42, 49, 56, 64]}),
      C1: slider('C1', 4, 128, {step: 4, stops: [4, 8, ...STOPS.slice(0, 6)]}),
      S: slider('S', 1, 4),
      channel: number(say('channel'), 0, 0, 511, foot),
      order: choice(say('order'), {[say('by_number')]: 'number', [say('strongest_first')]: 'strongest'}, 'number', foot),
      colours: choice(say('colours'), {[say('one_scale')]: 'one', [say('one_each')]: 'each'}, 'one', foot),
      costs: toggle(say('costs'), false, {where: 'actions'}),
    };
    const mend = action('mend', () => this.mendIt(), {says: say('mend'), where: 'problem', hidden: true});
    const back = action('back', () => this.goBack(), {says: say('back'), where: 'problem', hidden: true});
    super('bottleneck', page, [...Object.values(c), mend, back]);
    Object.assign(this, c, {mend, back, names, drawn: null, wished: 'trained'});
    this.begin();
  }

  get design() {
    const {block, C, W, C1, S, strideOn} = this;
    return {block: block.value, C: C.value, W: W.value, C1: C1.value, S: S.value, strideOn: strideOn.value};
  }

  /** The thin network's block with these numbers, whatever W and wherever S; the chosen one, if several have them. */
  get place() {
    const same = (p, d = this.design) => ['block', 'C', 'C1', 'S'].every(n => p.design[n] === d[n]);
    const here = this.page.places.filter(p => same(p));
    return here.find(p => p.path === this.position.value) ?? here[0] ?? null;
  }

  code() {
    const {block, C, C1, S, strideOn} = this.design, s = S === 1 ? '' : `, S=${S}`;
    if (block === 'BTNK2') return `BTNK2(C=${C}${4 * C1 === C ? '' : `, C1=${C1}`}${s})`;
    return `BTNK1(C=${C}, C1=${C1}${s}${S > 1 && strideOn === '1x1' ? ', stride_on="1x1"' : ''})`;
  }

  changed(control) {
    const {design, drawn} = this;
    if (control === this.position) {
      const place = this.page.places.find(p => p.path === control.value);
      if (!place) return;
      for (const letter of ['block', 'C', 'W', 'C1', 'S']) this[letter].value = place.design[letter];
      this.wished = 'trained';
    }
    const legal = drawn && design.block === 'BTNK2' && drawn.block === 'BTNK2' && 4 * drawn.C1 === drawn.C && drawn.S === 1;
    // C and C1 belong together in a BTNK2.
    if (control === this.C && legal && design.C1 === drawn.C1) this.C1.value = design.C / 4;
    if (control === this.weights) this.wished = control.value;
    this.update();
  }

  mendIt() { this.act(() => { this.C1.value = this.C.value / 4; this.S.value = 1; }); }

  goBack() { if (this.history.length) this.undo(); else this.act(() => { this.block.value = 'BTNK1'; }); }

  act(work) { work(); this.update(); this.settled(this.mend); }

  look(step) {
    if (!Object.values(this.step.options).includes(step)) return;
    this.step.value = step === this.step.value ? 'sum' : step;
    this.changed(this.step);
    this.settled(this.step);
  }

  // ── the scene ──

  update() {
    const {design, say} = this, look = anatomy(design), {place} = this;
    const exact = place && place.design.W === design.W;
    this.position.value = exact ? place.path : null;
    const offered = place && !PATTERNS.includes(this.picture.value) ? ['random', 'trained'] : ['random'];
    this.weights.offer(Object.fromEntries(offered.map(name => [say(`${name}_weights`), name])), 'random');
    if (offered.length > 1) this.weights.value = this.wished;
    this.strideOn.disabled = design.S === 1;
    this.step.offer(stepOptions(look, say), 'sum');
    this.drawn = design;
    this.numbers(design, look);
    this.maps(design, look, this.weights.value === 'trained' ? place : null);
    this.thumb(48);
  }

  shown({clash, last: [f, side, total, y]}) {
    return this.step.value !== 'sum' ? [this.step.value] : clash ? [f, side] : [f, side, total, y];
  }

  numbers(design, look) {
    const {say} = this, {clash, steps, last} = look;
    this.mend.hidden = this.back.hidden = !clash;
    const says = {code: this.code(), marked: this.shown(look), clash: [], figures: []};
    if (clash) {
      const [f, g] = clash.map(shapeText), why = [];
      if (4 * design.C1 !== design.C) why.push(say('channels_differ', {F: 4 * design.C1, C: design.C}));
      if (design.S !== 1) why.push(say('stride_shrinks', {S: design.S}));
      Object.assign(says, {problem: say('clash', {f, g}), advice: say('advice', {why: why.join('; ')}), clash: last.slice(0, 2), shapes: clash});
    } else {
      says.figures = [[`${shapeText(look.input)} → ${shapeText(look.output)}`, ''], [look.parameters, say('parameters')], [look.macs, 'MACs']];
    }
    const drawing = this.page.drawings[design.block + (clash ? ' clash' : '')];
    this.show({says, drawing, steps, details: this.costs.value ? costTable(look, say) : ''});
  }

  maps(design, look, place) {
    const names = this.shown(look), alone = this.step.value !== 'sum', [f, side, total, y] = look.last;
    const sizes = Object.fromEntries(look.steps.map(([name, , shape]) => [name, shape[0]]));
    const count = alone ? 64 : 16, all = sizes[names[names.length - 1]];
    let first = Math.floor(this.channel.value / count) * count;
    if (first >= all) first = 0;
    this.channel.limit(all - 1);
    Object.assign(this.channel, {value: first, step: count});
    const role = name => name === 'x' ? '' : name.startsWith('shortcut') ? 'shortcut' : ['add', 'relu3'].includes(name) ? 'sum' : 'main';
    const want = names.map(id => ({id, role: role(id), total: sizes[id]})), strength = this.order.value === 'strongest';
    const inside = alone && INSIDE.concat('x').includes(names[0]), macs = look.steps[1][4] + look.steps[4][4];
    this.request({
      do: 'block', design: {...design, macs, jump: place?.jump}, picture: this.picture.value, path: place?.path ?? null, want, first, count,
      part: inside ? 0 : first, strength, each: this.colours.value === 'each', sum: !look.clash, inside: INSIDE,
    }, answer => {
      const letter = side === 'shortcut' ? 'x' : 'G(x)', {window} = answer;
      const title = {[f]: 'F(x)', [side]: letter, [total]: `F(x) + ${letter}`, [y]: 'y = ReLU(sum)', x: this.say('x_input')};
      const groups = answer.groups.map(g => ({...g, title: (names.length > 1 ? title[g.id] : title[g.id] ? `${g.id}: ${title[g.id]}` : g.id)
        + (window ? this.say('middle', {n: (g.full ?? g.side)[0]}) : '')}));
      if (look.clash && !alone) groups.push(...this.insteadOfASum(look.clash, letter));
      return {groups, columns: alone ? 1 : 2, each: this.colours.value === 'each', sorted: strength, note: this.note(design, place, window)};
    });
    this.show();
  }

  insteadOfASum(clash, letter) {
    const [f, g] = clash.map(shapeText), says = this.say('no_sum_maps', {f, g}), more = {role: 'sum', says, total: 0, channels: {from: 0, n: 0}};
    return [{id: 'add', title: `F(x) + ${letter}`, ...more}, {id: 'relu3', title: 'y = ReLU(sum)', ...more}];
  }

  note(design, place, window) {
    const {say} = this, {W, C, S, strideOn} = design, name = this.picture.value;
    if (place) {
      const size = place.design.W === W ? '' : say('note_other_width', {W: place.design.W});
      return say('note_trained', {path: place.path}) + size + (S > 1 && design.block === 'BTNK1' && strideOn === '1x1' ? say('note_other_layout') : '');
    }
    const how = PATTERNS.includes(name) ? say('input_pattern', {name: say(name), C}) : say('input_filters', {C, W});
    return say('note_random', {how}) + (window ? say('note_window', {n: window}) : '');
  }
}
