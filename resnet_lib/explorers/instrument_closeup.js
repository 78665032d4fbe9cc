// What is always in sight of one value: {title, value, html, at: [row, column], pictures}. A picture is {said, side: [h, w]}
// with levels and signed, or with file (of a picture) and crisp; frames and rings as instrument_paint.js draws them; and
// grid: [h, w] where a click or an arrow key chooses one of so many values: the kernel is told [null, row, column].

function closeupPart(model, element, controls, height) {
  const {set} = asking(model), {big, strokes} = painter(model);
  const head = make('b'), value = make('span', {role: 'status'}), line = make('div', {class: 'rl-closeup-head'}, head, value);
  const row = make('div', {class: 'rl-pictures'}), sums = make('div', {class: 'rl rl-sums', tabindex: 0, role: 'region', 'aria-label': say(model, 'sums')});
  element.append(controls, line, row, sums);
  let figures = [], at = [0, 0], last = '';

  const place = (row, column, [h, w]) => {
    at = [Math.min(Math.max(row, 0), h - 1), Math.min(Math.max(column, 0), w - 1)];
    set('place', [null, ...at]);
  };
  function figure() {
    const canvas = make('canvas'), said = make('figcaption', {class: 'rl-quiet'});
    const made = {canvas, said, element: make('figure', {}, canvas, said), shown: null, file: null};
    canvas.addEventListener('click', event => {
      const {grid} = made.shown, box = canvas.getBoundingClientRect();
      if (grid) place(Math.floor((event.clientY - box.y) / box.height * grid[0]), Math.floor((event.clientX - box.x) / box.width * grid[1]), grid);
    });
    canvas.addEventListener('rl-press', event => {
      const move = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]}[event.detail.key];
      if (!move || !made.shown.grid) return;
      event.preventDefault();
      place(at[0] + move[0], at[1] + move[1], made.shown.grid);
    });
    return made;
  }

  function show() {
    const {title = '', value: said = '', pictures = [], html = '', at: now} = model.get('closeup');
    element.hidden = !pictures.length && !html;
    head.textContent = title;
    value.textContent = said;
    if (now) at = now;
    while (figures.length < pictures.length) figures.push(figure());
    figures.length = pictures.length;
    row.replaceChildren(...figures.map(each => each.element));
    if (html !== last) sums.innerHTML = last = html;
    sums.hidden = !html;
    pictures.forEach((picture, i) => {
      const {canvas, said: caption} = figures[i];
      figures[i].shown = picture;
      caption.textContent = caption.title = picture.said;
      canvas.tabIndex = picture.grid ? 0 : -1;
      canvas.setAttribute('role', picture.grid ? 'application' : 'img');
      canvas.setAttribute('aria-label', picture.grid ? say(model, 'place', {what: picture.said}) : picture.said);
      canvas.style.cursor = picture.grid ? 'crosshair' : 'default';
    });
    draw();
  }

  /** The side of the pictures: what the arithmetic leaves of the height, and never so little that nothing is seen. */
  function draw() {
    if (element.hidden) return;
    const rest = height() - line.offsetHeight - controls.offsetHeight - sums.scrollHeight - 24;
    const room = Math.floor(Math.max(100, Math.min((element.clientWidth - 6 * (figures.length - 1)) / figures.length, rest, 288)));
    for (const made of figures) {
      const {levels, side, signed, frames = [], rings = []} = made.shown;
      if (levels) big(made.canvas, bytes(levels), side, signed, room, frames, rings);
      else photograph(made, room);
    }
  }

  /** A picture that came as a file; it is decoded once. */
  async function photograph(made, room) {
    const {shown, canvas} = made, ratio = window.devicePixelRatio || 1;
    if (made.file !== shown.file) {
      made.file = shown.file;
      made.decoded = createImageBitmap(new Blob([bytes(shown.file)]));
    }
    const image = await made.decoded;
    if (made.shown !== shown) return;
    const pixels = Math.floor(room * ratio), context = canvas.getContext('2d');
    Object.assign(canvas, {width: pixels, height: pixels});
    canvas.style.width = canvas.style.height = `${pixels / ratio}px`;
    context.imageSmoothingEnabled = !shown.crisp;
    context.drawImage(image, 0, 0, pixels, pixels);
    strokes(context, pixels / shown.side[0], shown.frames ?? [], shown.rings ?? [], 0);
  }

  const follow = once(show);
  model.on('change:closeup', follow);
  show();
  return {resize: draw, close: () => model.off('change:closeup', follow)};
}

/** What the network answers, and how far it has come. */
function answerPart(model, element) {
  const text = make('div', {class: 'rl'}), bar = make('progress', {'aria-label': say(model, 'computing')});
  element.append(bar, text);
  let last = '';
  const show = () => {
    const html = model.get('answer'), [done, total] = model.get('progress');
    if (html !== last) text.innerHTML = last = html;
    element.hidden = !html;
    bar.style.visibility = total ? 'visible' : 'hidden';
    if (total) Object.assign(bar, {max: total, value: done});
  };
  for (const name of ['answer', 'progress']) model.on(`change:${name}`, show);
  show();
  return () => { for (const name of ['answer', 'progress']) model.off(`change:${name}`, show); };
}
