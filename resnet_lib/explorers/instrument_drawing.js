// The drawing: boxes for steps, arrows for tensors, texts with their shapes. A click on a box shows its maps.

function drawingPart(model, element) {
  const {act} = asking(model), grids = gridPart(model);
  let before = {}, plan = null, texts = [], nodes = [], lines = [];

  const ARROW = 7;
  function arrow(points) {
    const [[x0, y0], [x, y]] = points.slice(-2);
    const along = Math.atan2(y - y0, x - x0), turn = (dx, dy) =>
      `${x + dx * Math.cos(along) - dy * Math.sin(along)},${y + dx * Math.sin(along) + dy * Math.cos(along)}`;
    return `M${turn(0, 0)} L${turn(-ARROW, 3.5)} L${turn(-ARROW, -3.5)} z`;
  }

  function draw() {
    const now = model.get('drawing');
    const text = JSON.stringify(now);
    if (!now.nodes) { element.hidden = true; return; }
    element.hidden = false;
    if (text !== plan) {
      plan = text;
      before = {};
      build(now);
    }
    fill();
  }

  function build({width, height, nodes: boxes, edges, grid, labels = [], title = say(model, 'drawing')}) {
    texts = []; nodes = []; lines = [];
    const svg = make('svg:svg', {viewBox: `0 0 ${width} ${height}`, role: 'group', 'aria-label': title});
    for (const edge of edges) {
      const group = make('svg:g', {class: `rl-edge rl-${edge.role}`});
      const {points} = edge;
      group.append(make('svg:path', {class: 'rl-line', d: `M${points.map(p => p.join(',')).join(' L')}`}));
      if (edge.arrow) group.append(make('svg:path', {class: 'rl-head', d: arrow(points)}));
      if (edge.text) {
        const label = make('svg:text', {x: edge.at[0], y: edge.at[1], 'text-anchor': edge.anchor});
        group.append(label);
        texts.push([label, edge]);
      }
      lines.push([group, edge]);
      svg.append(group);
    }
    for (const node of boxes) {
      const {x, y, w, h, hit} = node;
      const shape = node.thumb
        ? make('svg:image', {x, y, width: w, height: h, class: 'rl-thumb', preserveAspectRatio: 'none'})
        : node.round
        ? make('svg:circle', {cx: x + w / 2, cy: y + h / 2, r: w / 2})
        : make('svg:rect', {x, y, width: w, height: h, rx: 3});
      const label = make('svg:text', {x: x + w / 2, y: y + h / 2 + 4.5, 'text-anchor': 'middle'});
      const look = () => { if (group.getAttribute('aria-disabled') !== 'true') act('look', node.of); };
      const group = make('svg:g', {
        class: `rl-node rl-${node.role}${node.round ? ' rl-round' : ''}`, role: 'button', tabindex: 0, 'data-step': node.of,
        onclick: look, 'onrl-press': event => { if (['Enter', ' '].includes(event.detail.key)) { event.preventDefault(); look(); } },
      }, shape, node.text || node.round ? label : null, hit && make('svg:rect', {x: hit[0], y: hit[1], width: hit[2], height: hit[3], class: 'rl-hit'}));
      if (node.id === 'x' && !node.thumb) {
        group.append(make('svg:image', {x: x + w + 4, y: y - 1, width: 26, height: 26, class: 'rl-thumb'}));
      }
      if (node.text) texts.push([label, node]);
      nodes.push([group, node]);
      svg.append(group);
    }
    for (const label of labels) {
      const text = make('svg:text', {x: label.at[0], y: label.at[1], 'text-anchor': label.anchor ?? 'middle', class: label.strong ? 'rl-strong' : null});
      texts.push([text, label]);
      svg.append(text);
    }
    grids.show(svg, grid);
    const focused = element.contains(document.activeElement) ? document.activeElement : null;
    element.replaceChildren(svg);
    if (focused?.matches('.rl-grid')) svg.querySelector('.rl-grid')?.focus();
    else if (focused) nodes.find(([, node]) => node.of === focused.dataset.step)?.[0].focus();
    thumb();
  }

  function fill() {
    const steps = Object.fromEntries(model.get('steps').map(step => [step[0], step]));
    const {marked = [], clash = [], shapes = []} = model.get('says'), changed = [];
    for (const [label, {of, text}] of texts) {
      const [, kind = '', shape] = steps[of] ?? [];
      const wrong = clash.indexOf(of);
      const s = wrong >= 0 && shapes[wrong] && !label.parentNode.classList.contains('rl-node') ? shapes[wrong] : shape;
      const now = text.replace('{k}', kind).replace('{C}', shape ? grouped(shape[0]) : '?').replace('{s}', s ? shapeText(s) : '');
      if (label.textContent === now) continue;
      const known = before[of] !== undefined || label.textContent !== '';
      label.textContent = now;
      if (known) changed.push(label);
      fit(label);
    }
    flash(changed);
    for (const [group, edge] of lines) group.classList.toggle('rl-clash', clash.includes(edge.of) && Boolean(edge.text?.match(/[FGx]/)));
    for (const [group, node] of nodes) {
      const step = steps[node.of], here = marked.includes(node.of);
      const name = step ? say(model, 'step', {step: `${node.of}, ${step[1]}`, shape: shapeText(step[2])})
        : say(model, 'no_step', {step: node.of});
      group.setAttribute('aria-label', name);
      group.setAttribute('aria-pressed', String(here));
      group.setAttribute('aria-disabled', String(!step));
      group.classList.toggle('rl-marked', here);
      group.classList.toggle('rl-none', !step);
      if (node.round) {
        group.classList.toggle('rl-clash', clash.length > 0);
        const sign = group.querySelector('text'), now = clash.length ? '✕' : '+';
        if (sign.textContent !== now) sign.textContent = now;
      }
    }
    before = steps;
  }

  /** Text that is too long for its place is drawn narrower. */
  function fit(label) {
    const box = label.parentNode.matches('.rl-node') && label.parentNode.querySelector('rect');
    if (!box) return;
    const room = Number(box.getAttribute('width')) - 6;
    label.removeAttribute('textLength');
    // By the number of letters: measuring would make the browser lay out at every step of a drag.
    if (label.textContent.length * 6.7 > room) {
      label.setAttribute('textLength', room);
      label.setAttribute('lengthAdjust', 'spacingAndGlyphs');
    }
  }

  // What has changed stays coloured until the hand rests, and fades then: an animation would make the browser draw all
  // the time that a drag lasts.
  let resting = null;
  function flash(labels) {
    if (!labels.length) return;
    for (const label of labels) label.classList.add('rl-changed');
    clearTimeout(resting);
    resting = setTimeout(() => { for (const [label] of texts) label.classList.remove('rl-changed'); }, 500);
  }

  let address = null;
  function thumb() {
    const image = element.querySelector('.rl-thumb'), file = bytes(model.get('thumb'));
    if (!image) return;
    image.setAttribute('display', file.length ? 'inline' : 'none');
    if (!file.length) return;
    if (address) URL.revokeObjectURL(address);
    address = URL.createObjectURL(new Blob([file], {type: 'image/png'}));
    image.setAttribute('href', address);
  }

  const follow = once(draw);
  for (const name of ['drawing', 'steps', 'says']) model.on(`change:${name}`, follow);
  model.on('change:thumb', thumb);
  draw();
  return () => {
    for (const name of ['drawing', 'steps', 'says']) model.off(`change:${name}`, follow);
    model.off('change:thumb', thumb);
    grids.close();
    clearTimeout(resting);
    if (address) URL.revokeObjectURL(address);
  };
}
