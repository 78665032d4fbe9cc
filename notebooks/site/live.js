// Brings the page's live parts to life: every <div id="rl-live-…"> that it has. Asks no other host for anything.

import instrument from './instrument.js';

const KINDS = {
  bottleneck: () => import('./live_bottleneck.js').then(module => module.Bottleneck),
  photograph: () => import('./live_photograph.js').then(module => module.Photograph),
  stem: () => import('./live_stem.js').then(module => module.Stem),
};
const folder = new URL('./', import.meta.url).href;
const json = name => fetch(folder + name).then(answer => answer.json());

/** The worker as a function: ask({do, …}) → its answer. */
function worker() {
  const thread = new Worker(`${folder}engine_worker.js`, {type: 'module'}), waiting = new Map();
  let last = 0;
  thread.addEventListener('message', ({data}) => { waiting.get(data.id)?.(data); waiting.delete(data.id); });
  const ask = job => new Promise(resolve => {
    waiting.set(++last, resolve);
    thread.postMessage({...job, id: last});
  });
  ask({do: 'start', at: folder});
  return ask;
}

const element = (tag, attributes = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), attributes);
  made.append(...children);
  return made;
};

/** A file or a drop becomes the scene's picture. It is opened here and sent nowhere. */
function ownPicture(scene, place, say) {
  const status = element('span', {className: 'rl-own-status'}), input = element('input', {type: 'file', accept: 'image/*'});
  status.setAttribute('role', 'status');
  const use = async file => { if (file) status.textContent = await scene.own(file); };
  input.addEventListener('change', () => use(input.files[0]));
  const button = element('label', {className: 'rl-own-label', title: say('own_why')}, say('own_label'), input);
  place.addEventListener('dragover', event => { event.preventDefault(); place.classList.add('rl-own-over'); });
  place.addEventListener('dragleave', () => place.classList.remove('rl-own-over'));
  place.addEventListener('drop', event => {
    event.preventDefault();
    place.classList.remove('rl-own-over');
    use([...event.dataTransfer.files].find(file => file.type.startsWith('image/')));
  });
  return element('div', {className: 'rl-own'}, button, status);
}

function notLive(say) {
  const text = element('pre', {}, element('code', {}, say('more_commands')));
  return element('details', {className: 'rl-more'}, element('summary', {}, say('more_title')), element('p', {}, say('more')), text);
}

/** Wait until an element is about to be seen: what is far below must not keep what is seen from answering. */
const near = place => new Promise(resolve => {
  const observer = new IntersectionObserver(entries => {
    if (entries.some(entry => entry.isIntersecting)) { observer.disconnect(); resolve(); }
  }, {rootMargin: '150px'});
  observer.observe(place);
});

async function bring() {
  const places = Object.keys(KINDS).map(name => [name, document.getElementById(`rl-live-${name}`)]).filter(pair => pair[1]);
  if (!places.length) return;
  document.head.append(...['instrument.css', 'live.css'].map(name => element('link', {rel: 'stylesheet', href: folder + name})));
  const [strings, data] = await Promise.all([json('strings.json'), json('scenes.json')]);
  const say = (name, values = {}) => (strings[name] ?? name).replace(/\{(\w+)\}/g, (_, key) => values[key] ?? '');
  const palettes = Uint8Array.from(atob(data.palettes), letter => letter.charCodeAt(0)), page = {...data, palettes, say, ask: worker()};
  const start = async (name, place) => {
    await near(place);
    try {
      const scene = new (await KINDS[name]())(page), el = element('div', {className: 'rl-live-scene'});
      place.replaceChildren(el, ownPicture(scene, place, say), notLive(say));
      instrument.render({model: scene.model, el});
      place.dataset.live = 'yes';
      (window.resnetLive ??= {})[name] = scene;
    } catch (problem) {
      place.append(element('p', {}, say('failed', {problem: problem.message})), notLive(say));
      console.error(problem);
    }
  };
  await Promise.all(places.map(pair => start(...pair)));
}

bring();
