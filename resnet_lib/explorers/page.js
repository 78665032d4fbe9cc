// What Jupyter's own widgets lack, for the explorer that this stands in; elsewhere the controls beside do all the same.
// - Sliders, number fields and bars of progress have no names, buttons side by side do not say which is pressed, and
//   nothing says aloud what has become of a choice.
// - Front ends take keys from what has the focus: JupyterLab from drop-downs and radio buttons
//   (jupyter-widgets/ipywidgets#3912), Notebook 7 from sliders too. They are handled before.

const set = (element, name, value) => {
  if (element && element.getAttribute(name) !== value) element.setAttribute(name, value);
};
const label = element => element.querySelector('.widget-label')?.textContent.trim() ?? '';

/** Names and states as the widgets are now. */
function name(root, words) {
  for (const slider of root.querySelectorAll('.widget-slider')) {
    for (const handle of slider.querySelectorAll('.noUi-handle')) set(handle, 'aria-label', label(slider));
    const typed = slider.querySelector('.widget-readout');
    set(typed, 'role', 'textbox');
    set(typed, 'aria-label', words.typed.replace('{name}', label(slider)));
  }
  for (const one of root.querySelectorAll('.widget-hprogress')) {
    const bar = one.querySelector('.progress'), done = parseFloat(one.querySelector('.progress-bar')?.style.width) || 0;
    set(bar, 'role', 'progressbar');
    set(bar, 'aria-label', label(one) || words.way);
    set(bar, 'aria-valuenow', String(Math.round(done)));
  }
  for (const many of root.querySelectorAll('.widget-toggle-buttons')) {
    set(many, 'role', 'group');
    set(many, 'aria-label', label(many) || words.one_of);
    for (const button of many.querySelectorAll('button')) {
      set(button, 'aria-pressed', String(button.classList.contains('mod-active')));
    }
  }
}

/** What is shown now, in words: what the pictures and drawings say of themselves, else what is written. */
function said(root) {
  const shown = [...root.querySelectorAll('.widget-html-content, img.widget-image')].filter(one => one.offsetParent);
  const pictures = shown.flatMap(one => one.matches('img') ? [one.title] : [...one.querySelectorAll('svg[role=img]')].map(svg => svg.getAttribute('aria-label')));
  const texts = shown.flatMap(one => [...one.querySelectorAll('p')].filter(p => !p.closest('[role=alert], details')).map(p => p.textContent));
  return [...new Set(pictures.some(Boolean) ? pictures : texts)].filter(Boolean).join(' ').replace(/\s+/g, ' ').slice(0, 600);
}

/** Follows what the widgets do: names what is new, and reads aloud what has changed when it rests, not too often. */
function follow(root, words) {
  const live = document.createElement('div');
  live.setAttribute('role', 'status');
  live.setAttribute('style', 'position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap');
  root.append(live);
  let rest = null, last = performance.now(), before = said(root);
  const tell = () => {
    rest = null;
    const now = said(root);
    if (now === before) return;
    before = live.textContent = now;
    last = performance.now();
  };
  const watcher = new MutationObserver(changes => {
    name(root, words);
    if (!changes.some(({target, type}) => !live.contains(target) && type === 'childList')) return;
    if (rest) clearTimeout(rest);
    rest = setTimeout(tell, Math.max(800, last + 5000 - performance.now()));
  });
  name(root, words);
  watcher.observe(root, {subtree: true, childList: true, attributes: true, attributeFilter: ['class', 'style', 'title']});
  return () => { watcher.disconnect(); clearTimeout(rest); live.remove(); };
}

const MOVES = ['ArrowRight', 'ArrowUp', 'ArrowLeft', 'ArrowDown', 'PageUp', 'PageDown', 'Home', 'End'];
function keysFor(root) {
  const listen = event => {
    const {target, key} = event;
    if (!event.isTrusted || !root.contains(target) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.matches('.noUi-handle') && MOVES.includes(key)) {
      event.preventDefault();
      event.stopPropagation();
      // The slider listens for the event itself. Front ends know keys by their codes, which this one is without.
      target.dispatchEvent(new KeyboardEvent('keydown', {key, cancelable: true}));
    } else if (target.matches('select, input[type=radio], input[type=checkbox], button, summary') && key !== 'Tab' && !event.shiftKey) {
      event.stopPropagation();  // what the browser does with it by itself goes on
    }
  };
  window.addEventListener('keydown', listen, true);
  return () => window.removeEventListener('keydown', listen, true);
}

export default {
  render({model, el}) {
    let closers = [];
    // A view is made before it is put into the explorer's own element, on a busy machine long before.
    const begin = () => {
      const root = el.parentElement;
      if (!el.isConnected || !root) {
        closers = [cancelAnimationFrame.bind(null, requestAnimationFrame(begin))];
        return;
      }
      set(root, 'role', 'group');
      set(root, 'aria-label', model.get('title'));
      closers = [follow(root, model.get('words')), keysFor(root)];
    };
    begin();
    return () => closers.forEach(close => close());
  },
};
