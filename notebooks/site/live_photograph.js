// A photograph on its way through the whole bundled network: its answer, and the maps of every step.

import {anatomy} from './engine_blocks.js';
import {stepOptions} from './live_bottleneck.js';
import {action, choice, number, Scene, toggle} from './live_scene.js';
import {percentTable, shapeText} from './live_words.js';

const LAST = {stage0: 'stage0.pool', head: 'head.fc'};
const ALONE = {stage0: ['conv', 'bn', 'relu', 'pool'], head: ['pool', 'fc']};

export class Photograph extends Scene {
  constructor(page) {
    const {say, places} = page, foot = {where: 'foot'}, names = page.photographs;
    const block = p => say('block', {stage: p.stage, n: p.number});
    const stages = [0, 1, 2, 3, 4].map(n => [say('stage', {n}), `stage${n}`]);
    const c = {
      picture: choice(say('picture'), Object.fromEntries(names.map(n => [say(n), n])), names.includes('church') ? 'church' : names[0]),
      size: choice(say('pixels_control'), Object.fromEntries(Object.keys(page.networks).map(n => [say('pixels', {n}), Number(n)])), 128),
      view: choice(say('view'), {[say('every_stage')]: '', ...Object.fromEntries(stages), ...Object.fromEntries(places.map(p => [block(p), p.path])), [say('head')]: 'head'}, '',
        {groups: Object.fromEntries(places.map(p => [block(p), say('stage', {n: p.stage})]))}),
      step: choice(say('show'), {'': 'sum'}, 'sum', {hidden: true}),
      channel: number(say('channel'), 0, 0, 511, foot),
      order: choice(say('order'), {[say('by_number')]: 'number', [say('strongest_first')]: 'strongest'}, 'strongest', foot),
      colours: choice(say('colours'), {[say('one_scale')]: 'one', [say('one_each')]: 'each'}, 'one', foot),
      all: toggle(say('all_classes'), false, {where: 'actions'}),
    };
    const leave = action('leave', () => this.go(''), {says: say('leave'), where: 'top', hidden: true});
    super('photograph', page, [...Object.values(c), leave]);
    Object.assign(this, c, {leave, names, answer: null});
    this.begin();
  }

  code() { return 'load("thin")'; }

  pinnedNow() { return {...super.pinnedNow(), title: `${this.picture.label}, ${this.size.label}`}; }

  /** The block that has been entered, or null. */
  get place() { return this.page.places.find(p => p.path === this.view.value) ?? null; }

  get whole() { return this.page.networks[this.size.value]; }

  go(view) {
    this.view.value = view;
    this.changed(this.view);
    this.settled(this.view);
  }

  look(step) {
    if (!this.place) { this.go(['x', this.view.value].includes(step) ? '' : step); return; }
    if (!Object.values(this.step.options).includes(step)) return;
    this.step.value = step === this.step.value ? 'sum' : step;
    this.changed(this.step);
    this.settled(this.step);
  }

  // ── the scene ──

  /** What is shown: [[name of the step in the network, title, role, …], …]. */
  shown() {
    const {say, view: {value: view}, place} = this, after = path => `${path}.relu3`;
    const lastOf = stage => after(this.page.places.filter(p => p.stage === stage).pop().path);
    const stage = n => [n ? lastOf(n) : LAST.stage0, say('stage', {n}), 'main'];
    if (!view) return [0, 1, 2, 3, 4].map(stage);
    if (place) return this.inside(place);
    if (!ALONE[view]) return [stage(Number(view[5]))];
    return (this.step.value === 'sum' ? ALONE[view] : [this.step.value]).map(step => [`${view}.${step}`, say(`${view}_${step}`), 'main']);
  }

  inside(place) {
    const {last: [f, side, total, y], steps} = this.block(place), letter = side === 'shortcut' ? 'x' : 'G(x)';
    const before = this.page.places[this.page.places.indexOf(place) - 1], given = before ? `${before.path}.relu3` : LAST.stage0;
    const title = {[f]: 'F(x)', [side]: letter, [total]: `F(x) + ${letter}`, [y]: 'y = ReLU(sum)', x: this.say('x_input')};
    const role = name => name === 'x' ? '' : name.startsWith('shortcut') ? 'shortcut' : [total, y].includes(name) ? 'sum' : 'main';
    const names = this.step.value === 'sum' ? [f, side, total, y] : [this.step.value];
    const shape = name => shapeText(steps.find(step => step[0] === name)[2]);
    return names.map(name => [name === 'x' ? given : `${place.path}.${name}`, `${names.length > 1 ? title[name] : name} ${shape(name)}`, role(name), name]);
  }

  block(place) { return anatomy({...place.design, W: this.size.value / place.jump, strideOn: '3x3'}); }

  update() {
    const {place, say} = this, view = this.view.value;
    this.leave.hidden = !view;
    this.step.hidden = !place && !ALONE[view];
    if (place) this.step.offer(stepOptions(this.block(place), say), 'sum');
    else if (ALONE[view]) this.step.offer({[say('all_steps')]: 'sum', ...Object.fromEntries(ALONE[view].map(s => [say(`${view}_${s}`), s]))}, 'sum');
    this.scene(place);
    this.maps();
    this.thumb(112);
  }

  scene(place) {
    const view = this.view.value, shown = this.shown();
    const look = place && this.block(place), {drawing, steps} = look ? {drawing: this.page.drawings[look.steps.some(s => s[0] === 'shortcut.conv') ? 'BTNK1' : 'BTNK2'], steps: look.steps} : this.whole;
    const marked = place ? shown.map(each => each[3]) : [view, ...this.page.places.map(p => p.path).filter(path => view && path.startsWith(`${view}.`))];
    this.show({says: {code: this.code(), marked, figures: [], ...this.said()}, drawing, steps, details: this.table()});
  }

  /** The answer, where there is one for what is set. */
  said() {
    const {answer, say} = this;
    if (answer?.key !== this.key) return {about: say('running')};
    const figures = answer.top.slice(0, 3).map(([i, p]) => [say(this.page.classes[i]), say('percent', {n: (100 * p).toFixed(p < 0.095 || p > 0.995 ? 1 : 0)})]);
    return {figures, about: say('ran', {ms: Math.round(answer.took), macs: (this.whole.macs / 1e6).toPrecision(3)})};
  }

  table() {
    const {answer} = this;
    return this.all.value && answer?.key === this.key ? percentTable(answer.top.map(([i, p]) => [this.say(this.page.classes[i]), p]), this.say) : '';
  }

  get key() { return `${this.picture.value} ${this.size.value}`; }

  maps() {
    const shown = this.shown(), alone = shown.length === 1, apart = !this.place && this.view.value !== 'stage0', {key} = this, wide = this.size.value / 4;
    const across = Math.max(1, Math.floor(Math.trunc(740 / shown.length - 8) / (wide > 28 ? Math.min(wide, 56) + 1 : 45)));
    const count = apart ? (alone ? 36 : 3 * across) : alone ? 64 : 16, each = this.colours.value === 'each', sorted = this.order.value === 'strongest';
    const first = Math.floor(this.channel.value / count) * count;
    const want = shown.map(([id, , role]) => ({id, role, ...this.place ? {} : {scale: ''}}));
    this.request({do: 'walk', picture: this.picture.value, size: this.size.value, want, first, count, strength: sorted, apart, each}, answer => {
      const top = answer.probabilities.map((p, i) => [i, p]).sort((a, b) => b[1] - a[1]);
      this.answer = {key, top, took: answer.took};
      // No new scene, but more of the one that is shown.
      if (key === this.key) {
        this.model.set('details', this.table());
        this.model.set('says', {...this.model.get('says'), ...this.said()});
      }
      const least = Math.min(...answer.groups.map(g => g.total));
      this.channel.limit(least - 1);
      Object.assign(this.channel, {value: Math.min(first, Math.floor((least - 1) / count) * count), step: count});
      this.show();
      const groups = answer.groups.map((g, i) => ({...g, title: shown[i][1]}));
      return {groups, columns: this.place && !alone ? 2 : groups.length, each, sorted, note: this.note()};
    });
  }

  note() { return this.say('note_network') + (this.size.value === 224 ? '' : this.say('note_other_size')); }
}
