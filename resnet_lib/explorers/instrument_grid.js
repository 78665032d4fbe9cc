// Pixels in a grid, over which the window of a kernel walks: by arrow keys, a click, or by itself.

/** Draws `drawing.grid` where there is one; the returned function `show(svg, grid)` puts it into a drawing. */
function gridPart(model) {
  const at = [0, 0];
  let now = null, timer = null, place = () => {};

  function show(svg, grid) {
    now = null;
    if (!grid) return;
    now = grid;
    const {x, y, side, n, w, W, padding, kernel, stride, dilation, out, colours} = grid, cell = side / n;
    const rect = (column, row, wide, high, attributes) => make('svg:rect', {x: column * cell, y: row * cell, width: wide * cell, height: high * cell, ...attributes});
    const inner = make('svg:svg', {x, y, width: side, height: side, viewBox: `0 0 ${side} ${side}`});
    inner.append(rect(0, 0, n, n, {class: 'rl-padding'}));
    colours.forEach((colour, i) => inner.append(rect(padding + i % w, padding + Math.floor(i / w), 1.02, 1.02, {fill: `#${colour}`})));
    const lines = Array.from({length: n + 1}, (_, i) => `M${i * cell} 0V${side}M0 ${i * cell}H${side}`).join('');
    inner.append(make('svg:path', {d: lines, class: 'rl-cells'}));
    const reach = dilation * (kernel - 1) + 1, taps = Array.from({length: kernel}, (_, i) => i * dilation);
    const spots = taps.flatMap(row => taps.map(column => `M${column * cell} ${row * cell}h${cell}v${cell}h${-cell}z`)).join('');
    const moving = make('svg:g', {class: 'rl-window'}, make('svg:path', {d: spots, class: 'rl-taps'}),
      rect(0, 0, reach, reach, {class: 'rl-reach'}));
    inner.append(moving);
    // The output beside it: as many of its values as the window can come to here.
    const most = Math.max(1, Math.min(out, Math.floor((n - reach) / stride) + 1)), small = Math.min(cell, 70 / most), left = x + side + 14;
    const frame = make('svg:rect', {width: small, height: small, class: 'rl-taps'});
    const values = Array.from({length: most + 1}, (_, i) =>
      `M${left + i * small} ${y}v${most * small}M${left} ${y + i * small}h${most * small}`).join('');
    const label = make('svg:text', {x, y: y + side + 14}), head = make('svg:text', {x: left, y: y + most * small + 14});
    head.textContent = say(model, 'grid_out');
    const group = make('svg:g', {class: 'rl-grid', tabindex: 0, role: 'application', 'aria-label': say(model, 'grid'),
      'onrl-press': event => {
        const move = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]}[event.detail.key];
        if (!move) return;
        event.preventDefault();
        go(at[0] + move[0], at[1] + move[1]);
      },
      onclick: event => {
        const box = inner.getBoundingClientRect();
        const to = (point, from, size) => Math.round(((point - from) / size * n - reach / 2) / stride);
        go(to(event.clientY, box.y, box.height), to(event.clientX, box.x, box.width));
      }}, inner, make('svg:path', {d: values, class: 'rl-cells'}), frame, label, head);
    svg.append(group);
    const clamp = value => Math.min(Math.max(value, 0), most - 1);
    place = () => {
      [at[0], at[1]] = at.map(clamp);
      const [row, column] = at;
      moving.setAttribute('transform', `translate(${column * stride * cell} ${row * stride * cell})`);
      frame.setAttribute('x', left + column * small);
      frame.setAttribute('y', y + row * small);
      const [top, first] = [row * stride - padding, column * stride - padding];
      label.textContent = say(model, 'window_at', {row, column, top, bottom: top + reach - 1, left: first, right: first + reach - 1}).replaceAll('-', '−');
    };
    const go = (row, column) => { at[0] = row; at[1] = column; place(); };
    now.most = most;
    place();
  }

  function walk() {
    clearInterval(timer);
    if (!model.get('values')[say(model, 'walk')]) return;
    timer = setInterval(() => {
      if (!now) return;
      const i = (at[0] * now.most + at[1] + 1) % (now.most * now.most);
      at[0] = Math.floor(i / now.most);
      at[1] = i % now.most;
      place();
    }, 500);
  }
  model.on('change:values', walk);
  walk();
  return {show, close: () => { clearInterval(timer); model.off('change:values', walk); }};
}
