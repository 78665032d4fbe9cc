// What a kernel does for the instrument in a notebook, done in the page: controls, undo, the pin, questions.

import {valueHtml} from './live_words.js';

/** Whether two parts of a scene are equal: text, numbers, lists and tables of them; bytes only if they are the same. */
function same(a, b) {
  if (a === b) return true;
  if (!a || !b || typeof a !== 'object' || typeof b !== 'object' || ArrayBuffer.isView(a) || ArrayBuffer.isView(b)) return false;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every(name => same(a[name], b[name]));
}

/** As much of a widget's model as the instrument uses. */
export class Model {
  constructor(values) { this.values = values; this.hearers = new Map(); }

  get(name) { return this.values[name]; }

  /** What is equal to what is there changes nothing, as in a notebook. */
  set(name, value) {
    const before = this.values[name];
    this.values[name] = value;
    if (!same(before, value)) this.fire(`change:${name}`);
  }

  on(name, hear) { this.hearers.set(name, [...(this.hearers.get(name) ?? []), hear]); }

  off(name, hear) { this.hearers.set(name, (this.hearers.get(name) ?? []).filter(each => each !== hear)); }

  fire(name, ...about) { for (const hear of this.hearers.get(name) ?? []) hear(...about); }

  save_changes() { this.fire('saved'); }

  send(content) { this.fire('sent', content); }
}

// ── Controls: {name, kind, value, …}; `wire` is what the page knows of the value ──

class Control {
  constructor(kind, name, value, more = {}) { Object.assign(this, {kind, name, value, where: 'top', meaning: ''}, more); }

  get wire() { return this.value; }

  set wire(value) { this.value = value; }

  described() {
    const {kind, where, meaning, hidden = false, disabled = false} = this;
    return {kind, where, meaning, hidden, disabled};
  }
}

class NumberControl extends Control {
  set wire(value) { this.value = Math.min(Math.max(Math.round(value), this.min), this.max); }

  get wire() { return this.value; }

  limit(max) { this.max = max; this.value = Math.min(this.value, max); }

  described() {
    const {min, max, step, stops, marks} = this;
    return {...super.described(), min, max, step, stops, marks};
  }
}

class ChoiceControl extends Control {
  get wire() { return this.label; }

  /** A label that is offered no more changes nothing. */
  set wire(label) { if (label in this.options) this.value = this.options[label]; }

  get label() { return Object.keys(this.options).find(label => this.options[label] === this.value); }

  offer(options, otherwise) {
    this.options = options;
    if (this.label === undefined) this.value = otherwise;
  }

  described() { return {...super.described(), options: Object.keys(this.options), groups: this.groups ?? {}}; }
}

class ActionControl extends Control {
  get wire() { return null; }

  set wire(value) { this.work(value); }

  described() { return {...super.described(), says: this.says ?? ''}; }
}

export const number = (name, value, min, max, more = {}) =>
  new NumberControl('number', name, value, {where: 'sliders', min, max, step: 1, stops: [], marks: [], ...more});
export const choice = (name, options, value, more = {}) => new ChoiceControl('menu', name, value, {options, ...more});
export const buttons = (name, options, value, more = {}) => new ChoiceControl('buttons', name, value, {options, ...more});
export const toggle = (name, value, more = {}) => new Control('switch', name, value, more);
export const action = (name, work, more = {}) => new ActionControl('action', name, null, {where: 'actions', work, ...more});

const TOGETHER = 1000;  // ms: moves of one control that follow each other faster are undone together
const numeral = n => String(Math.fround(n) === n ? Number(n.toPrecision(8)) : n).replace('-', '−');

/** A scene on the instrument. A subclass says `code()`, `changed(control)`, `update()` and `look(step)`. */
export class Scene {
  /** page: {words, palettes, say, ask}: the table of words, and the worker to ask. */
  constructor(name, page, controls) {
    Object.assign(this, {name, page, say: page.say, history: [], pin: null, last: [null, 0], heard: 0, version: 0});
    this.steering = controls;
    this.actions = {
      undo: action('undo', () => this.undo(), {disabled: true}), reset: action('reset', () => this.reset(), {disabled: true}),
      pin: action('pin', () => this.setPin()), swap: action('swap', () => this.swap(), {where: 'pinned', hidden: true}),
      unpin: action('unpin', () => this.unpin(), {where: 'pinned', hidden: true}),
    };
    const look = new ActionControl('none', 'look', null, {work: step => this.look(step)});
    this.named = new Map([...controls, ...Object.values(this.actions), look].map(control => [control.name, control]));
    const parts = Object.entries(structuredClone(page.parts)).map(([part, value]) => [part, value ?? new Uint8Array()]);
    this.model = new Model({...Object.fromEntries(parts), words: page.words, palettes: page.palettes, title: this.say(`${name}_title`)});
    this.model.on('saved', () => this.hear());
    this.model.on('sent', content => this.question(content));
  }

  /** Called once everything of a subclass is there. */
  begin() { this.update(); this.first = this.state = this.snapshot(); this.offerUndo(); }

  // ── to and from the page ──

  hear() {
    this.held = {};
    try { this.heed(); } finally {
      const {held} = this;
      this.held = null;
      this.tell(held);
    }
  }

  /** Do what was asked for, in its order. */
  heed() {
    const asked = Object.entries(this.model.get('asked')).sort((a, b) => a[1][0] - b[1][0]);
    for (const [name, [when, value]] of asked) {
      const control = this.named.get(name.split('@')[0]);
      if (when <= this.heard) continue;
      this.heard = when;
      if (!control || control.disabled) continue;
      const before = control.value;
      control.wire = value;
      if (control.value !== before) { this.changed(control); this.settled(control); }
    }
  }

  /** Show parts of the scene, and the controls as they are now. While the page is being heard, all at its end. */
  show(parts = {}) {
    if (parts.says) this.version++;
    if (this.held) Object.assign(this.held, parts); else this.tell(parts);
  }

  tell({says = null, ...parts}) {
    const drawn = [...this.named.values()].filter(control => control.kind !== 'none');
    this.model.set('controls', Object.fromEntries(drawn.map(c => [c.name, c.described()])));
    this.model.set('values', Object.fromEntries(drawn.filter(c => c.kind !== 'action').map(c => [c.name, c.wire])));
    for (const [name, part] of Object.entries(parts)) this.model.set(name, part);
    this.model.set('says', {...says ?? this.model.get('says'), n: this.heard, v: this.version});
  }

  changed() { this.update(); }

  // ── the maps: of several wishes while one is under way the last is computed ──

  /** Ask the worker for maps; `arrange(answer)` makes of it what `showMaps` takes. */
  request(job, arrange) {
    if (!this.model.get('maps').groups) this.showNoMaps(this.page.words.computing, job.want, 0);
    const wish = {job: {scene: this.name, ...job}, arrange, version: this.version};
    if (this.under) this.next = wish; else this.compute(wish);
  }

  async compute(wish) {
    this.under = wish;
    const answer = await this.page.ask(wish.job);
    this.under = null;
    const {next} = this;
    this.next = null;
    if (next) this.compute(next);
    if (answer.problem) { if (!next) this.showNoMaps(this.reason(answer.problem)); return; }
    // What was shown meanwhile, such as why there are no maps, is newer.
    if (wish.version >= (this.model.get('maps').v ?? 0)) this.showMaps(wish.arrange(answer), answer.buffers[0], wish.version);
  }

  reason(problem) { return problem === 'infinite' ? this.say('infinite') : problem; }

  showMaps(maps, levels, version) {
    this.titles = Object.fromEntries(maps.groups.map(group => [group.id, group.title]));
    this.model.set('maps', {...maps, v: version});
    this.model.set('levels', levels);
    this.model.fire('shown');
  }

  /** Why there are no maps; those of before stay, dimmed. `want`: groups, where there have been none. */
  showNoMaps(why, want = [{id: 'none', total: 0}], version = this.version) {
    const empty = want.map(group => ({title: '', channels: {from: 0, n: 0}, ...group}));
    const {groups = empty, columns = Math.min(2, want.length), ...more} = this.model.get('maps');
    const without = groups.map(({side, ...group}) => ({...group, says: why}));
    this.showMaps({...more, columns, groups: without}, new Uint8Array(), version);
  }

  async question(content) {
    if (content.do === 'rest') { this.model.fire('msg:custom', {...content}, []); return; }
    const asked = {...content, scene: this.name, do: 'value', large: content.do === 'large'};
    const {buffers = [], explained, problem, number: value, ...said} = await this.page.ask(asked);
    if (problem) said.gone = true;
    else if (!said.gone) Object.assign(said, {title: this.titles[content.group] ?? '', value: numeral(value)});
    if (explained) said.html = explained.map(each => valueHtml(each, this.say)).join(`<p class="quiet">${this.say('bn_given')}</p>`);
    this.model.fire('msg:custom', {...content, ...said}, buffers);
  }

  // ── what was done, and undone ──

  /** The wish for trained weights outlives numbers that have none, so what is undone brings it back too. */
  snapshot() {
    const {wished} = this, set = this.steering.filter(c => c.kind !== 'action').map(c => [c.name, c.value]);
    return {...Object.fromEntries(set), wished};
  }

  settled(control) {
    const now = this.snapshot();
    if (JSON.stringify(now) === JSON.stringify(this.state)) return;
    const [name, when] = this.last;
    if (control.name !== name || performance.now() - when > TOGETHER) this.history = [...this.history, this.state].slice(-100);
    this.last = [control.name, performance.now()];
    this.state = now;
    this.offerUndo();
  }

  offerUndo() {
    this.actions.undo.disabled = !this.history.length;
    this.actions.reset.disabled = JSON.stringify(this.state) === JSON.stringify(this.first);
    this.show();
  }

  restore(state) {
    for (const control of this.steering) if (control.name in state) control.value = state[control.name];
    this.wished = state.wished;
    this.update();
    this.state = this.snapshot();
    this.last = [null, 0];
    this.offerUndo();
  }

  undo() { if (this.history.length) this.restore(this.history.pop()); }

  reset() { this.history.push(this.state); this.restore(this.first); }

  // ── the pin ──

  setPin() { this.pin = this.snapshot(); this.showPin(this.pinnedNow()); }

  pinnedNow() { return {title: this.code(), figures: (this.held?.says ?? this.model.get('says')).figures ?? []}; }

  swap() {
    const there = this.pin, now = this.pinnedNow();
    this.pin = this.snapshot();
    this.history.push(this.pin);
    this.restore(there);
    this.showPin(now);
  }

  unpin() { this.pin = null; this.showPin({}); }

  showPin(pinned) {
    this.actions.swap.hidden = this.actions.unpin.hidden = !pinned.title;
    this.show({pinned});
  }

  // ── pictures ──

  pictures(names) { return Object.fromEntries(names.map(name => [this.say(name), name])); }

  /** Use a picture of the reader's own: it is given to the worker and goes nowhere else. */
  async own(blob) {
    const name = `own ${++ownPictures}`, {problem} = await this.page.ask({do: 'own', name, blob});
    if (problem) return this.say('unreadable', {name: blob.name ?? ''});
    this.picture.offer({[this.say('your_picture')]: name, ...this.pictures(this.names)}, name);
    this.picture.value = name;
    this.changed(this.picture);
    this.settled(this.picture);
    this.show();
    return this.say('stays');
  }

  async thumb(side) {
    const name = this.picture.value;
    if (this.thumbed === name) return;
    this.thumbed = name;
    const {buffers: [file], problem} = await this.page.ask({do: 'thumb', picture: name, side});
    if (!problem && this.thumbed === name) this.model.set('thumb', file);
  }
}

let ownPictures = 0;
