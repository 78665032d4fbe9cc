// The maps: tiles of pixels on canvases, whole pixels only. Pointing at one asks the kernel for its value, a click
// enlarges it.

/** Levels as they were before the kernel has packed them, within 3. */
async function unpack(packed) {
  const steps = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(steps).arrayBuffer()).map(step => 6 * step + 1);
}

function mapsPart(model, places, room) {
  const {maps: element, hover, bar, note, live} = places;
  const {colours, paint, big} = painter(model);
  const {set} = asking(model);
  let groups = [], large = null, version = 0;
  let keyed = false;  // whether what is pointed at was come to by keys, and is read aloud
  let resting = '', pointed = false;  // what is said under the maps while nothing is pointed at

  function arrive(scene, levels) {
    element.hidden = !scene.groups?.length;
    if (element.hidden) return;
    let at = 0;
    const now = scene.groups.map((said, i) => {
      if (!said.side) return {said, old: groups[i]?.tiles && groups[i], tiles: null};
      const n = channelsOf(said).length, size = n * said.side[0] * said.side[1];
      const tiles = levels.subarray(at, at += size);
      return {said, tiles, n};
    });
    if (at !== levels.length) return;  // half of a message: the other half follows
    const same = now.length === groups.length && now.every((g, i) => g.said.id === groups[i].said.id);
    groups = now.map((g, i) => ({...g, ...(same ? parts(groups[i]) : build(g, i))}));
    if (!same) element.replaceChildren(...groups.map(g => g.cell));
    version = scene.v;
    draw();
    foot(scene);
  }
  const parts = ({cell, canvas, title, veil, names}) => ({cell, canvas, title, veil, names});

  function build(group, index) {
    const title = make('div', {class: 'rl-title'}), veil = make('div', {class: 'rl-veil', hidden: true});
    const canvas = make('canvas', {tabindex: 0, role: 'application', 'aria-roledescription': say(model, 'kind')});
    const names = make('div', {class: 'rl-names', hidden: true});
    const cell = make('div', {class: 'rl-group'}, title, make('div', {class: 'rl-sheet'}, canvas, names, veil));
    const point = event => { const place = placeOf(index, event); if (place) ask(index, place); };
    canvas.addEventListener('pointermove', point);
    canvas.addEventListener('pointerleave', () => { pointed = false; hover.textContent = resting; });
    canvas.addEventListener('click', event => { const place = placeOf(index, event); if (place) enlarge(index, place); });
    canvas.addEventListener('rl-press', event => keys(index, event));
    return {cell, canvas, title, veil, names};
  }

  /** The layout of n tiles in a box, in the screen's own pixels: as large as whole pixels allow, nearly square. */
  function fit(n, [h, w], width, height) {
    let best = {k: 0};
    for (let columns = 1; columns <= n; columns++) {
      const rows = Math.ceil(n / columns);
      const k = Math.floor(Math.min(((width - 1) / columns - 1) / w, ((height - 1) / rows - 1) / h));
      // Whole rows before square ones.
      const odd = (columns * rows - n) * 100 + Math.abs(columns - Math.ceil(Math.sqrt(n)));
      if (k > best.k || k === best.k && k && odd < best.odd) best = {k, columns, rows, odd};
    }
    if (best.k) return best;
    const columns = Math.max(1, Math.floor((width - 1) / (w + 1)));
    return {k: 1, columns, rows: Math.ceil(n / columns)};
  }

  // What a canvas may take, measured where it may have changed: to measure makes the browser lay out at once.
  let measured = null;
  function measure() {
    const ratio = window.devicePixelRatio || 1, {columns} = model.get('maps'), of = `${groups.length} ${columns} ${ratio}`;
    const before = measured?.all;
    const [width, height] = room(groups.length, columns).map(pixels => Math.floor(pixels * ratio));
    measured = {of, ratio, width, height, all: `${of} ${width} ${height}`};
    return measured.all !== before;
  }

  function draw() {
    if (measured?.of !== `${groups.length} ${model.get('maps').columns} ${window.devicePixelRatio || 1}`) measure();
    const {ratio, width, height} = measured;
    const fits = group => fit(channelsOf(group.said).length, group.said.side, width, height);
    const most = model.get('maps').same ? Math.min(...groups.filter(g => g.tiles).map(g => fits(g).k)) : Infinity;
    for (const group of groups) {
      const {said, canvas, title, veil} = group, shown = group.tiles ? group : group.old;
      title.textContent = said.title;
      title.title = said.limit ? say(model, 'scale', {low: number(said.signed ? -said.limit : 0), high: number(said.limit)}) : '';
      group.cell.className = `rl-group rl-${said.role || 'plain'}${group.tiles ? '' : ' rl-old'}`;
      veil.hidden = Boolean(group.tiles);
      veil.textContent = said.says ?? '';
      if (!shown?.tiles) { canvas.width = canvas.height = 1; canvas.style.width = canvas.style.height = '100%'; continue; }
      list(group, shown.said);
      const {side} = shown.said, n = channelsOf(shown.said).length;
      const free = fit(n, side, width, height), grid = {...free, k: Math.min(free.k, most)};
      group.grid = {...grid, n, side};
      paint(canvas, shown.tiles, grid, n, side, colours[shown.said.signed ? 1 : 0], ratio);
      mark(canvas, grid, side, channelsOf(said).indexOf(model.get('maps').marked), ratio);
      canvas.setAttribute('aria-label', say(model, 'maps', {title: said.title, channels: range(said)}));
    }
    element.dataset.version = version;
  }

  /** Values that have names, one under another in place of maps of one pixel. */
  function list({canvas, names}, said) {
    canvas.hidden = Boolean(said.names);
    names.hidden = !said.names;
    if (!said.names) return;
    const {marked} = model.get('maps'), table = colours[said.signed ? 1 : 0], zero = said.signed ? 127 : 0;
    const focused = [...names.children].indexOf(document.activeElement);
    names.replaceChildren(...channelsOf(said).map((channel, i) => {
      const share = Math.max(-1, Math.min(1, said.values[i] / said.limit)), colour = table[Math.round(zero + share * (254 - zero))];
      return make('button', {
        type: 'button', 'aria-pressed': String(channel === marked), onclick: () => set('place', [channel, 0, 0]),
      }, make('i', {style: `background:rgb(${colour & 255},${colour >> 8 & 255},${colour >> 16 & 255})`}), make('span', {}, said.names[i]), make('b', {}, number(said.values[i])));
    }));
    names.children[focused]?.focus();
  }

  /** The frame around the chosen channel: dark within light, so that it is seen on any colour. */
  function mark(canvas, {k, columns}, [h, w], i, ratio) {
    if (i < 0) return;
    const context = canvas.getContext('2d'), thick = Math.ceil(ratio);
    for (const [colour, out] of [['#fff', thick], ['#000', 0]]) {
      context.strokeStyle = colour;
      context.lineWidth = thick;
      context.strokeRect(i % columns * (w * k + 1) + .5 - out, Math.floor(i / columns) * (h * k + 1) + .5 - out, w * k + 1 + 2 * out, h * k + 1 + 2 * out);
    }
  }

  const range = said => {
    const channels = channelsOf(said);
    return model.get('maps').sorted
      ? say(model, 'sorted', {n: channels.length, total: said.total})
      : say(model, 'channels', {first: channels[0], last: channels[channels.length - 1], total: said.total});
  };

  function foot(scene) {
    const live = groups.filter(g => g.tiles), first = live[live.length - 1]?.said;
    const own = scene.each ? 'own_scales' : live.some(g => g.said.limit !== first.limit || g.said.signed !== first.signed) ? 'group_scales' : '';
    bar.hidden = !first;
    if (!first) return;
    const low = first.signed ? -first.limit : 0;
    bar.querySelector('i').style.background = gradient(colours[first.signed ? 1 : 0]);
    const [left, right] = bar.querySelectorAll('span');
    left.textContent = own ? '' : number(low);
    right.textContent = own ? say(model, own) : number(first.limit);
    bar.setAttribute('aria-label', own ? say(model, own)
      : say(model, 'scale', {low: number(low), high: number(first.limit)}));
    note.textContent = range(first);
    const bins = live.map(g => g.said).filter(said => said.bin);
    const binned = bins.map(said => (live.length > 1 ? `${said.title}: ` : '') + say(model, 'binned', {k: said.bin}));
    if (scene.packed) binned.push(say(model, 'packed'));
    resting = [...binned, scene.note ?? ''].filter(Boolean).join(' · ');
    resting = hover.title = resting || say(model, 'point');
    if (!pointed) hover.textContent = resting;
  }

  // ── pointing ──

  /** Which channel and which of its values are under the mouse. */
  function placeOf(index, event) {
    const {canvas, grid, said, tiles} = groups[index];
    if (!tiles) return null;
    const box = canvas.getBoundingClientRect();
    const x = (event.clientX - box.x) / box.width * canvas.width - 1, y = (event.clientY - box.y) / box.height * canvas.height - 1;
    const [h, w] = grid.side, [high, wide] = [h * grid.k + 1, w * grid.k + 1];
    const i = Math.floor(y / high) * grid.columns + Math.floor(x / wide);
    const [row, column] = [y % high / grid.k, x % wide / grid.k];
    if (x < 0 || y < 0 || x >= wide * grid.columns || i >= grid.n || row >= h || column >= w) return null;
    const bin = said.bin ?? 1;
    return {i, row: Math.floor(row * bin), column: Math.floor(column * bin)};
  }

  const [askValue, forgetValue] = questions(model, 'value', answer => {
    if (answer.gone) return;
    const [row, column] = [answer.row + answer.corner[0], answer.column + answer.corner[1]];
    if (pointed) hover.textContent = say(model, 'value', {...answer, row, column});
    if (keyed) live.textContent = hover.textContent;
  });
  function ask(index, {i, row, column}, key = false) {
    pointed = true;
    keyed = key;
    const {said} = groups[index];
    askValue({group: said.id, channel: channelsOf(said)[i], row, column});
  }

  let at = [0, 0];  // the group and the tile that keys have come to
  function keys(index, event) {
    const {grid, said, tiles, canvas} = groups[index];
    if (!tiles) return;
    let i = at[0] === index ? Math.min(at[1], grid.n - 1) : 0;
    const moves = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: grid.columns, ArrowUp: -grid.columns};
    const {key} = event.detail;
    if (key in moves) i = Math.min(Math.max(i + moves[key], 0), grid.n - 1);
    else if (key !== 'Enter' && key !== ' ') return;
    event.preventDefault();
    at = [index, i];
    const [h, w] = said.full ?? said.side, middle = {i, row: h >> 1, column: w >> 1};
    if (key in moves) { frame(canvas, grid, i); ask(index, middle, true); } else enlarge(index, middle);
  }

  /** The frame around the tile that keys have come to. */
  function frame(canvas, {k, columns, side: [h, w]}, i) {
    draw();
    const context = canvas.getContext('2d');
    context.strokeStyle = getComputedStyle(element).color;
    context.lineWidth = 2;
    context.strokeRect(i % columns * (w * k + 1) + 1, Math.floor(i / columns) * (h * k + 1) + 1, w * k, h * k);
  }

  // ── enlarged ──

  const [askLarge, forgetLarge] = questions(model, 'large', (answer, buffers) => {
    if (answer.gone) close(); else if (large) fillLarge(answer, buffers);
  });

  function enlarge(index, place) {
    const group = groups[index];
    if (model.get('maps').tells) {
      set('place', [channelsOf(group.said)[place.i], place.row, place.column]);
      return;
    }
    if (!large) openLarge(group.canvas);
    large.group = group;
    large.channel = channelsOf(group.said)[place.i];
    go(place.row, place.column);
  }
  const go = (row, column) => askLarge({group: large.group.said.id, channel: large.channel, row, column});

  function openLarge(from) {
    const map = make('canvas', {tabindex: 0, role: 'application', class: 'rl-big'});
    const input = make('canvas', {role: 'img', class: 'rl-big'}), caption = make('p', {class: 'rl-quiet'});
    const title = make('b'), value = make('span', {role: 'status'}), html = make('div', {class: 'rl rl-sums'});
    const exit = make('button', {type: 'button', onclick: () => close()}, `✕ ${say(model, 'close')}`);
    const window_ = make('div', {}, input, caption);
    const dialog = make('div', {class: 'rl-large', role: 'dialog', 'aria-label': ''},
      make('div', {class: 'rl-large-head'}, title, value, exit), make('div', {class: 'rl-pair'}, map, window_), html);
    dialog.addEventListener('rl-press', event => {
      if (event.detail.key === 'Escape') { event.preventDefault(); close(); }
    });
    map.addEventListener('click', event => {
      const box = map.getBoundingClientRect(), [h, w] = large.side;
      go(Math.floor((event.clientY - box.y) / box.height * h), Math.floor((event.clientX - box.x) / box.width * w));
    });
    map.addEventListener('rl-press', event => {
      const move = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]}[event.detail.key];
      if (!move || !large.side) return;
      event.preventDefault();
      large.row = Math.min(Math.max(large.row + move[0], 0), large.side[0] - 1);
      large.column = Math.min(Math.max(large.column + move[1], 0), large.side[1] - 1);
      go(large.row, large.column);
    });
    large = {dialog, map, input, caption, title, value, html, window_, from};
    element.after(dialog);
    map.focus({preventScroll: true});
  }

  function fillLarge(answer, buffers) {
    const {title, channel, side, row, column, corner} = answer;
    Object.assign(large, {side, row, column});
    large.title.textContent = say(model, 'large_title', {title, channel});
    large.value.textContent = say(model, 'value', {...answer, row: row + corner[0], column: column + corner[1]});
    large.dialog.setAttribute('aria-label', large.title.textContent);
    large.map.setAttribute('aria-label', say(model, 'large', {title, channel}));
    const room = Math.min(large.dialog.clientWidth / (answer.window ? 2 : 1) - 16, Math.max(150, large.dialog.clientHeight - 70), 260);
    big(large.map, bytes(buffers[0]), side, answer.signed, room, [[row, row + 1, column, column + 1]]);
    large.window_.hidden = !answer.window;
    if (answer.window) {
      const {rows, columns, channel: source} = answer.window;
      big(large.input, bytes(buffers[1]), answer.window.side, answer.window.signed, room, [[...rows, ...columns]]);
      large.caption.textContent = answer.window.said ?? say(model, 'window', {channel: source});
      large.input.setAttribute('aria-label', large.caption.textContent);
    }
    large.html.innerHTML = answer.html ?? '';
    if (answer.why) large.html.textContent = answer.why;
  }

  function close() {
    if (!large) return;
    const {from} = large;
    large.dialog.remove();
    large = null;
    from.focus({preventScroll: true});
  }

  // ── what is out of date ──

  let late = null;
  function stale() {
    clearTimeout(late);
    const {v, rest} = model.get('says');
    element.classList.remove('rl-late');
    element.removeAttribute('aria-busy');
    if (v === undefined || v === model.get('maps').v) return;
    late = setTimeout(() => {
      // Maps that take long are computed when the hand rests.
      if (rest) model.send({do: 'rest'});
      if (model.get('says').v === model.get('maps').v) return;
      element.classList.add('rl-late');
      element.setAttribute('aria-busy', 'true');
    }, 150);
  }

  let turn = 0;
  function receive() {
    const scene = model.get('maps'), sent = bytes(model.get('levels')), mine = ++turn;
    const show = levels => { if (mine === turn) { arrive(scene, levels); stale(); } };
    if (scene.packed) unpack(sent).then(show, () => {}); else show(sent);  // refused: half of a message
  }
  const follow = once(receive);
  model.on('change:maps', follow);
  model.on('change:levels', follow);
  const check = once(stale);
  model.on('change:says', check);
  receive();
  return {
    resize: () => { if (groups.length && measure()) draw(); },
    close: () => {
      model.off('change:maps', follow);
      model.off('change:levels', follow);
      model.off('change:says', check);
      forgetValue();
      forgetLarge();
    },
  };
}
