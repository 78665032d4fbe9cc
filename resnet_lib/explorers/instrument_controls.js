// The controls: sliders with stops and marks, menus, buttons. Native inputs, so that names and states are the browser's.

/** All controls of the scene in their places, `places[where]`; they follow the model. */
function controlsPart(model, places) {
  const {set, act, pending} = asking(model);
  const drawn = new Map();
  const kinds = {number: numberControl, menu: menuControl, buttons: buttonsControl, switch: switchControl, action: actionControl, upload: uploadControl, text: textControl};

  function describe() {
    const changed = model.get('changed') ?? {};
    for (const [name, first] of Object.entries(model.get('controls'))) {
      const said = {...first, ...changed[name]}, text = JSON.stringify(said);
      const old = drawn.get(name);
      if (old?.text === text) continue;
      const place = places[said.where];
      if (!place) continue;
      if (old && old.update(said)) {
        old.text = text;
      } else {
        const control = kinds[said.kind](model, name, said, {set, act});
        if (old) old.element.replaceWith(control.element); else place.append(control.element);
        drawn.set(name, {...control, text});
      }
      drawn.get(name).element.hidden = Boolean(said.hidden);
    }
    for (const place of Object.values(places)) place.hidden = ![...place.children].some(child => !child.hidden);
    follow();
  }
  function follow() {
    for (const [name, value] of Object.entries(model.get('values'))) {
      if (drawn.has(name) && !pending(name)) drawn.get(name).show(value);
    }
  }
  const anew = once(describe);
  for (const name of ['controls', 'changed']) model.on(`change:${name}`, anew);
  model.on('change:values', follow);
  describe();
  return () => {
    for (const name of ['controls', 'changed']) model.off(`change:${name}`, anew);
    model.off('change:values', follow);
  };
}

const nextStop = (said, value, way) => {
  const stops = said.stops.length ? said.stops : null;
  if (!stops) return Math.min(Math.max(value + way * said.step, said.min), said.max);
  const beyond = stops.filter(stop => way * (stop - value) > 0 && stop >= said.min && stop <= said.max);
  return beyond.length ? (way > 0 ? beyond[0] : beyond[beyond.length - 1]) : way > 0 ? said.max : said.min;
};

function numberControl(model, name, said, {set}) {
  if (said.where === 'foot') return pageControl(model, name, said, {set});
  const slider = make('input', {type: 'range', min: said.min, max: said.max, step: said.step, 'aria-label': name});
  const field = make('input', {type: 'text', inputmode: 'numeric', size: 4, 'aria-label': say(model, 'typed', {name})});
  const marks = make('div', {class: 'rl-marks', 'aria-hidden': 'true'});
  const heading = make('div', {class: 'rl-slider-head'},
    make('b', {'aria-hidden': 'true'}, name), field, make('span', {class: 'rl-quiet'}, said.meaning));
  const element = make('div', {class: 'rl-slider'}, heading, slider, marks);
  const show = value => {
    if (slider.value !== String(value)) slider.value = value;
    if (field.value !== String(value) && document.activeElement !== field) field.value = value;
    const mark = said.marks.find(([marked]) => marked === value);
    slider.setAttribute('aria-valuetext', `${value}, ${said.meaning}${mark ? `, ${mark[1]}` : ''}`);
    for (const tick of marks.children) tick.classList.toggle('rl-here', Number(tick.dataset.value) === value);
  };
  const go = value => { show(value); field.value = value; set(name, value); };
  slider.addEventListener('input', () => go(Number(slider.value)));
  slider.addEventListener('rl-key', ({detail: {way, fine}}) => {
    const value = Number(slider.value);
    const to = fine ? Math.min(Math.max(value + way * said.step, said.min), said.max) : nextStop(said, value, way);
    if (to !== value) go(to);
  });
  field.addEventListener('change', () => {
    const value = Number(field.value.replace(/[\s,]/g, ''));
    const right = Number.isInteger(value) && field.value.trim() && value >= said.min && value <= said.max;
    field.setCustomValidity(right ? '' : say(model, 'beyond', {name, min: said.min, max: said.max}));
    field.reportValidity();
    if (right) go(value); else field.value = slider.value;
  });
  const update = now => {
    said = now;
    Object.assign(slider, {min: said.min, max: said.max, step: said.step});
    slider.disabled = field.disabled = Boolean(said.disabled);
    marks.replaceChildren(...said.marks.map(([value, why]) => make('i', {
      'data-value': value, title: say(model, 'mark', {value, why}),
      style: `left:${100 * (value - said.min) / (said.max - said.min || 1)}%`,
    })));
    return true;
  };
  update(said);
  return {element, show, update};
}

/** Which channels are shown: their numbers, one page back or forth, and a field to jump to one. */
function pageControl(model, name, said, {set}) {
  let value = 0;
  const go = to => set(name, Math.min(Math.max(to, 0), said.max));
  const back = make('button', {type: 'button', 'aria-label': say(model, 'earlier'), onclick: () => go(value - said.step)}, '◀');
  const forth = make('button', {type: 'button', 'aria-label': say(model, 'later'), onclick: () => go(value + said.step)}, '▶');
  const field = make('input', {
    type: 'text', inputmode: 'numeric', size: 4, 'aria-label': `${name}`,
    onchange: () => { const to = Number(field.value); if (Number.isInteger(to)) go(to); else field.value = value; },
  });
  const element = make('span', {class: 'rl-page'}, back, make('label', {}, `${name} `, field), forth);
  const follow = () => { back.disabled = value <= 0; forth.disabled = value + said.step > said.max; };
  const show = now => { value = now; field.value = now; follow(); };
  const update = now => { said = now; follow(); return true; };
  update(said);
  return {element, show, update};
}

function menuControl(model, name, said, {set}) {
  const select = make('select', {'aria-label': name, title: name, onchange: () => set(name, select.value)});
  const element = make('span', {class: 'rl-menu'}, select);
  const update = now => {
    const {value} = select, groups = new Map();
    select.replaceChildren();
    for (const label of now.options) {
      const option = make('option', {value: label, disabled: label.startsWith('–')}, label);
      const heading = now.groups?.[label];
      if (heading && !groups.has(heading)) {
        groups.set(heading, make('optgroup', {label: heading}));
        select.append(groups.get(heading));
      }
      (groups.get(heading) ?? select).append(option);
    }
    select.value = value;
    select.disabled = Boolean(now.disabled);
    return true;
  };
  update(said);
  return {element, update, show: value => { select.value = value; }};
}

function buttonsControl(model, name, said, {set}) {
  const element = make('div', {class: 'rl-buttons', role: 'group', 'aria-label': name, title: said.meaning || null});
  const press = label => { show(label); set(name, label); };
  const show = value => {
    for (const button of element.children) button.setAttribute('aria-pressed', String(button.textContent === value));
  };
  const update = now => {
    const value = [...element.children].find(b => b.getAttribute('aria-pressed') === 'true')?.textContent;
    element.replaceChildren(...now.options.map(label =>
      make('button', {type: 'button', disabled: now.disabled, onclick: () => press(label)}, label)));
    show(value);
    return true;
  };
  update(said);
  return {element, show, update};
}

function switchControl(model, name, said, {set}) {
  const button = make('button', {
    type: 'button', 'aria-pressed': 'false',
    onclick: () => { const on = button.getAttribute('aria-pressed') !== 'true'; show(on); set(name, on); },
  }, name);
  const show = value => button.setAttribute('aria-pressed', String(Boolean(value)));
  const update = now => { button.disabled = Boolean(now.disabled); return true; };
  update(said);
  return {element: button, show, update};
}

function actionControl(model, name, said, {act}) {
  const words = model.get('words');
  const button = make('button', {type: 'button', title: words[`${name}_why`] ?? null, onclick: () => act(name)});
  const update = now => {
    button.textContent = now.says || words[name] || name;
    // Not `disabled`: the focus would be lost while it is being used.
    button.setAttribute('aria-disabled', String(Boolean(now.disabled)));
    return true;
  };
  update(said);
  return {element: button, update, show: () => {}};
}

/** A line of text, told when it is entered. */
function textControl(model, name, said, {set}) {
  const field = make('input', {type: 'text', 'aria-label': name, placeholder: said.meaning, onchange: () => set(name, field.value)});
  return {element: field, update: () => true, show: value => { if (document.activeElement !== field) field.value = value; }};
}

/** A button that chooses a file. One dropped on the explorer goes into it as well. */
function uploadControl(model, name, said) {
  const field = make('input', {type: 'file', accept: 'image/*', hidden: true});
  const button = make('button', {type: 'button', title: said.meaning, onclick: () => field.click()}, name);
  const element = make('span', {class: 'rl-upload'}, button, field);
  const give = async file => {
    if (!file) return;
    const small = await smaller(file);
    model.send({do: 'file', control: name, name: file.name}, undefined, [await small.arrayBuffer()]);
    field.value = '';
  };
  field.addEventListener('change', () => give(field.files[0]));
  element.addEventListener('rl-drop', event => give(event.detail));
  return {element, update: () => true, show: () => {}};
}

/** A file too large for one message to the kernel, 10 MB, as a smaller picture. */
async function smaller(file) {
  if (file.size <= 8e6) return file;
  try {
    const whole = await createImageBitmap(file), scale = Math.min(1, 2048 / Math.max(whole.width, whole.height));
    const sheet = new OffscreenCanvas(Math.ceil(whole.width * scale), Math.ceil(whole.height * scale));
    const context = sheet.getContext('2d');
    context.imageSmoothingQuality = 'high';
    context.drawImage(whole, 0, 0, sheet.width, sheet.height);
    return await sheet.convertToBlob({type: 'image/jpeg', quality: 0.95});
  } catch {
    return file.slice(0, 1e6);  // no picture, or far too large: the kernel says so
  }
}

/** Files that are dropped on an explorer with such a button. */
function dropsOf(root) {
  const taker = event => event.dataTransfer?.types.includes('Files') && root.querySelector('.rl-upload');
  root.addEventListener('dragover', event => { if (taker(event)) { event.preventDefault(); event.stopPropagation(); } });
  root.addEventListener('drop', event => {
    const upload = taker(event);
    if (!upload) return;
    event.preventDefault();
    event.stopPropagation();
    upload.dispatchEvent(new CustomEvent('rl-drop', {detail: event.dataTransfer.files[0]}));
  });
}
