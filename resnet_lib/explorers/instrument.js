// The instrument as a whole: where its parts are, how large, and which keys are theirs.

/** The line of numbers, the problem where there is one, the bar of MACs, and what was pinned. */
function numbersPart(model, {figures, problem, about, bar, pinned, live}) {
  let timer = null;
  const ratio = (now, then) => {
    if (!then || !now) return '';
    const times = now / then;
    return times === 1 ? say(model, 'same') : say(model, 'times', {times: Number(times.toPrecision(2))});
  };
  function show() {
    const says = model.get('says'), pin = model.get('pinned');
    const line = says.figures ?? [];
    figures.replaceChildren(...line.map(([value, unit], i) => {
      const then = pin.figures?.[i]?.[0], whole = typeof value === 'number';
      const times = whole && typeof then === 'number' ? ratio(value, then) : '';
      return make('span', {class: 'rl-figure'},
        make('b', {title: whole ? grouped(value) : null}, whole ? short(value) : value), unit ? ` ${unit}` : '',
        times ? make('span', {class: 'rl-times'}, times) : null);
    }));
    problem.replaceChildren(...[says.problem && make('b', {}, says.problem), says.advice && make('span', {}, ` ${says.advice}`)].filter(Boolean));
    problem.hidden = !says.problem;
    about.textContent = says.about ?? '';
    about.hidden = !says.about;
    pinned.textContent = pin.title ? say(model, 'pinned', {title: pin.title}) : '';
    shares();
    clearTimeout(timer);
    // Read aloud when the hand rests, not at every step of a drag.
    timer = setTimeout(() => {
      const text = says.problem ?? line.map(([value, unit]) => `${typeof value === 'number' ? grouped(value) : value} ${unit}`).join(', ');
      if (live.textContent !== text) live.textContent = text;
    }, 600);
  }
  function shares() {
    const costly = model.get('steps').filter(step => step[4] > 0), all = costly.reduce((sum, step) => sum + step[4], 0);
    bar.hidden = !costly.length;
    const percent = step => Math.round(100 * step[4] / all);
    bar.setAttribute('aria-label', say(model, 'share', {shares: costly.map(s => `${s[0]} ${percent(s)} %`).join(', ')}));
    bar.replaceChildren(...costly.map((step, i) => {
      const name = step[0].startsWith('shortcut') ? 'G' : step[0];
      const side = name === 'G' ? 'shortcut' : 'main';
      return make('span', {class: `rl-${side} rl-share${i % 2}`, style: `flex:${step[4]} 0 0`, title: `${step[0]}: ${grouped(step[4])} MACs, ${percent(step)} %`},
        make('i'), make('b', {}, name), make('b', {}, `${percent(step)} %`));
    }));
  }
  const follow = once(show);
  for (const name of ['says', 'pinned', 'steps']) model.on(`change:${name}`, follow);
  show();
  return () => {
    clearTimeout(timer);
    for (const name of ['says', 'pinned', 'steps']) model.off(`change:${name}`, follow);
  };
}

/** The button that shows what is set as a line of Python, and copies it. */
function codePart(model, code) {
  const button = make('button', {type: 'button', 'aria-expanded': 'false', title: say(model, 'code_why')}, say(model, 'code'));
  button.addEventListener('click', async () => {
    const open = code.hidden;
    code.hidden = !open;
    button.setAttribute('aria-expanded', String(open));
    if (!open) return;
    try { await navigator.clipboard.writeText(model.get('says').code); } catch { /* it can be selected */ }
  });
  const show = () => {
    code.textContent = model.get('says').code ?? '';
    button.hidden = !code.textContent;
  };
  model.on('change:says', show);
  show();
  return [button, () => model.off('change:says', show)];
}

// Front ends take keys from what has the focus: arrows go to the next cell, letters are commands. Those that are meant
// for the instrument are handled before, and go no further.
function keysOf(root) {
  const arrows = {ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1};
  const listen = event => {
    const {target} = event;
    if (!root.contains(target) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.matches('input[type=range]') && event.key in arrows) {
      event.preventDefault();
      event.stopPropagation();
      target.dispatchEvent(new CustomEvent('rl-key', {detail: {way: arrows[event.key], fine: event.shiftKey}}));
    } else if (event.key !== 'Tab' && !(event.key === 'Enter' && event.shiftKey)) {
      // The parts get it under a name of its own; what the browser does with it by itself goes on unless they took it.
      event.stopPropagation();
      const press = new CustomEvent('rl-press', {detail: {key: event.key}, bubbles: true, cancelable: true});
      if (!target.dispatchEvent(press)) event.preventDefault();
    }
  };
  window.addEventListener('keydown', listen, true);
  return () => window.removeEventListener('keydown', listen, true);
}

function render({model, el}) {
  hearAfterAll(model);
  const line = (name, attributes = {}) => make('div', {class: `rl-${name}`, ...attributes});
  const top = line('top'), sliders = line('sliders'), diagram = line('diagram'), problems = line('fix');
  const pins = make('span');
  const figures = line('figures'), problem = line('problem', {role: 'alert', hidden: true});
  const bar = line('shares', {role: 'img'}), pinned = make('span'), actions = line('actions');
  const code = make('code', {class: 'rl-code', hidden: true}), live = line('live', {role: 'status', 'aria-live': 'polite'});
  const maps = line('maps'), hover = line('hover'), note = line('note'), foot = line('paging');
  const scale = make('div', {class: 'rl-bar', role: 'img'}, make('span'), make('i'), make('span'));
  const details = line('details', {class: 'rl rl-details'});
  const about = line('about'), answer = line('answer'), walk = line('walk'), closeup = line('closeup'), close = line('closeup-controls');
  const numbers = make('div', {class: 'rl-numbers'}, problem, problems, figures, about, bar, make('div', {class: 'rl-pinned'}, pinned, pins));
  const left = make('div', {class: 'rl-left'}, answer, diagram, walk, numbers, actions, code);
  const under = make('div', {class: 'rl-foot'}, make('div', {class: 'rl-foot-line'}, hover, scale), make('div', {class: 'rl-foot-line'}, foot, note));
  const right = make('div', {class: 'rl-right'}, maps, under);
  const body = make('div', {class: 'rl-body'}, left, right, closeup);
  const root = make('div', {class: 'rl-explorer rl-instrument', role: 'group', 'aria-label': model.get('title') ?? ''}, top, sliders, body, details, live);
  el.append(root);

  const [codeButton, forgetCode] = codePart(model, code);
  const closers = [forgetCode, keysOf(root), paceOf(model)];
  closers.push(controlsPart(model, {top, sliders, actions, problem: problems, pinned: pins, foot, walk, closeup: close}));
  actions.append(codeButton);
  actions.hidden = false;
  closers.push(drawingPart(model, diagram), answerPart(model, answer));
  dropsOf(root);
  closers.push(numbersPart(model, {figures, problem, about, bar, pinned, live}));

  /** The pixels that the canvas of one of the groups may take. */
  function room(count, columns) {
    const narrow = root.classList.contains('rl-narrow'), wide = root.classList.contains('rl-wide');
    const across = Math.min(columns, Math.max(1, Math.floor(right.clientWidth / (wide ? 90 : 180)))), rows = Math.ceil(count / across);
    maps.style.setProperty('--rl-across', across);
    const width = (right.clientWidth - 8 * (across - 1)) / across;
    if (narrow) return [width, width * 1.2];  // the page scrolls: groups as high as wide, not one map under another
    const beside = wide || walks() ? left.offsetHeight + 4 : 0;
    return [width, (height - above() - beside - under.offsetHeight - 2) / rows - 19 - 3];
  }
  const pair = () => model.get('arrangement') === 'pair';  // two pictures, as high as they are
  const isWide = () => pair() || model.get('arrangement') === 'over' || (model.get('drawing').width ?? 0) > 400;  // such a drawing is over the maps, not beside them
  const walks = () => model.get('arrangement') === 'walk';  // the answer and the walk are over the maps, the closeup beside them
  const above = () => top.offsetHeight + sliders.offsetHeight + 5;
  let height = 620;
  const drawn = mapsPart(model, {maps, hover, bar: scale, note, live}, room);
  const near = closeupPart(model, closeup, close, () => height - above() - (isWide() || walks() ? left.offsetHeight + 4 : 0) - (pair() ? 40 : 0));
  closers.push(drawn.close, near.close);

  /** As high as the pane shows, so that all of it is on the screen at once. */
  function arrange() {
    const pane = root.closest('.jp-WindowedPanel-outer, .jp-Notebook')?.clientHeight ?? window.innerHeight;
    height = Math.min(618, Math.max(430, pane - 24));
    root.classList.toggle('rl-narrow', root.clientWidth < 560);
    root.classList.toggle('rl-wide', isWide());
    root.classList.toggle('rl-walks', walks());
    root.dataset.arrangement = model.get('arrangement');
    body.style.height = root.classList.contains('rl-narrow') || pair() ? 'auto' : `${height - above()}px`;
    right.hidden = !(model.get('maps').groups?.length);
    drawn.resize();
    near.resize();
  }
  const watcher = new ResizeObserver(() => requestAnimationFrame(arrange));
  for (const part of [root, left, top, sliders, under, close]) watcher.observe(part);
  window.addEventListener('resize', arrange);
  const table = () => { details.innerHTML = model.get('details'); details.hidden = !details.innerHTML; };
  const shape = once(arrange);
  model.on('change:details', table);
  const turn = () => { if (isWide() !== root.classList.contains('rl-wide')) shape(); };
  const first = () => { if (right.hidden === Boolean(model.get('maps').groups?.length)) shape(); };
  model.on('change:drawing', turn);
  model.on('change:maps', first);
  table();
  return () => {
    watcher.disconnect();
    window.removeEventListener('resize', arrange);
    model.off('change:details', table);
    model.off('change:drawing', turn);
    model.off('change:maps', first);
    for (const close of closers) close();
  };
}

export default {render};
