// Small helpers of all parts of the instrument. The files instrument*.js are joined into one module.

const SVG = 'http://www.w3.org/2000/svg';

/** An element with attributes (null: none; on…: listeners) and children, which may be text. */
function make(tag, attributes = {}, ...children) {
  const [name, svg] = tag.startsWith('svg:') ? [tag.slice(4), true] : [tag, false];
  const element = svg ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children.filter(child => child !== null && child !== undefined));
  return element;
}

/** A sentence of the table of words with {…} filled in. */
const say = (model, name, values = {}) =>
  (model.get('words')[name] ?? name).replace(/\{(\w+)\}/g, (_, key) => values[key] ?? '');

const shapeText = shape => `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;
const grouped = n => Math.round(n).toString().replace(/\B(?=(\d{3})+$)/g, ',');

/** Three significant digits with a letter for large numbers; small ones whole. */
function short(n) {
  if (n < 1e6) return grouped(n);
  const [unit, size] = n < 1e9 ? ['M', 1e6] : n < 1e12 ? ['G', 1e9] : ['T', 1e12];
  return `${Number((n / size).toPrecision(3))} ${unit}`;
}

const number = n => {
  const size = Math.abs(n);
  const text = size && (size < 1e-3 || size >= 1e5) ? n.toExponential(2) : String(Number(n.toPrecision(3)));
  return text.replace('-', '−');
};

/** The channels of a group of maps, as numbers. */
const channelsOf = group =>
  group.channels.are ?? Array.from({length: group.channels.n}, (_, i) => group.channels.from + i);

const bytes = view => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/** The work once, after all parts of a message have arrived. */
function once(work) {
  let due = false;
  return () => {
    if (due) return;
    due = true;
    queueMicrotask(() => { due = false; work(); });
  };
}

/** The palettes as colours of pixels: [without, with negatives]. */
function tables(model) {
  const source = bytes(model.get('palettes')), tables = [];
  for (const start of [0, 768]) {
    const table = new Uint32Array(256);
    for (let i = 0; i < 256; i++) {
      const [r, g, b] = source.subarray(start + 3 * i, start + 3 * i + 3);
      table[i] = 0xff000000 | b << 16 | g << 8 | r;
    }
    tables.push(table);
  }
  return tables;
}

/** A palette as the background of a bar. */
function gradient(table) {
  const stops = Array.from({length: 9}, (_, i) => table[Math.round(i * 254 / 8)]);
  return `linear-gradient(90deg, ${stops.map(c => `rgb(${c & 255},${c >> 8 & 255},${c >> 16 & 255})`).join(',')})`;
}

/**
 * anywidget gives up on an explorer that has not begun after two seconds, and from then on hears nothing of the kernel:
 * where a whole notebook is run at once on a busy machine, that would be its end. Then the model is made to hear again.
 */
async function hearAfterAll(model) {
  const own = await model.widget_manager?.get_model?.(model.get('me'));
  try {
    await own?._handle_comm_msg({content: {data: {method: 'none'}}});
  } catch {
    const heard = Object.getPrototypeOf(Object.getPrototypeOf(own))._handle_comm_msg;
    own.comm.on_msg(message => heard.call(own, message));
    own.comm.send({method: 'request_state'}, {});  // what has been missed
  }
}

// ── What is asked of the kernel ──

const askings = new WeakMap();

/**
 * What the views of one model have asked for. The front end keeps one message under way and merges the rest, so what is
 * asked stays in `asked` until the kernel says that it has heard it.
 */
function asking(model) {
  if (!askings.has(model)) {
    const state = {last: 0, waiting: {}};
    const heard = () => {
      const {n} = model.get('says');
      for (const [name, [when]] of Object.entries(state.waiting)) if (when <= n) delete state.waiting[name];
    };
    model.on('change:says', heard);
    state.set = (name, value) => {
      state.last = Math.max(state.last + 1, Date.now());
      state.waiting[name] = [state.last, value];
      model.set('asked', {...state.waiting});
      model.save_changes();
    };
    /** For what counts each time: two clicks on "undo" are two. */
    state.act = (name, value = null) => state.set(`${name}@${Math.max(state.last + 1, Date.now())}`, value);
    /** Whether the kernel has yet to hear of the latest value of a control. */
    state.pending = name => name in state.waiting;
    askings.set(model, state);
  }
  return askings.get(model);
}

/** A question to the kernel, one under way at a time; of several asked meanwhile the last is sent. */
function questions(model, kind, answer) {
  let under = false, next = null;
  const send = content => { under = true; model.send({do: kind, ...content}); };
  const hear = (content, buffers) => {
    if (content.do !== kind) return;
    under = false;
    const latest = next;
    next = null;
    if (latest) send(latest);
    answer(content, buffers);
  };
  model.on('msg:custom', hear);
  const ask = content => { if (under) next = content; else send(content); };
  return [ask, () => model.off('msg:custom', hear)];
}

/**
 * Tells the kernel whether the connection is slow, measured by round trips: then it packs the maps. The shortest of some
 * counts, as a busy kernel answers late too, and while maps are packed it is measured again.
 */
function paceOf(model) {
  let sent = 0, left = 3, least = Infinity, slow = false;
  const measure = () => { sent = performance.now(); ask({slow}); };
  const [ask, forget] = questions(model, 'pace', () => {
    least = Math.min(least, performance.now() - sent);
    sent = 0;
    const now = --left <= 0 && least > 60;
    if (left <= 0 && now === slow) return;
    slow = now;
    measure();
  });
  const again = () => { if (slow && !sent) measure(); };
  model.on('change:maps', again);
  if (model.widget_manager && window.DecompressionStream) measure();  // there is a kernel
  return () => { model.off('change:maps', again); forget(); };
}
