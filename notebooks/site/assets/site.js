// The pages' own behaviour: light and dark, the search, what is folded while printing. A plain script, because modules
// are not loaded where a page is opened as a file.
'use strict';

const root = document.documentElement;

// ── Light and dark ──

const remembered = {
  get() { try { return localStorage.getItem('theme'); } catch { return null; } },
  set(value) { try { localStorage.setItem('theme', value); } catch { /* a file may not remember */ } },
};
if (remembered.get()) root.dataset.theme = remembered.get();
document.querySelector('.theme').addEventListener('click', () => {
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  remembered.set(root.dataset.theme);
});

// ── The menu ──

const menu = document.querySelector('.menu');
document.addEventListener('click', event => { if (!menu.contains(event.target)) menu.open = false; });

const contents = document.querySelector('.contents details');
if (contents && matchMedia('(max-width: 999px)').matches) contents.open = false;

// ── The search ──

const MOST = 30;
const form = document.querySelector('.search');
const field = form.querySelector('input');
const panel = form.querySelector('.found');
const list = panel.querySelector('ol');
const told = panel.querySelector('p');
let loading;

// The index is fetched when it is first wanted.
function sections() {
  loading ??= new Promise(ready => {
    const script = document.createElement('script');
    script.src = 'search.js';
    script.onload = () => ready(window.COURSE_SECTIONS.map(prepared));
    document.head.append(script);
  });
  return loading;
}

// Words of letters and digits alone, so that 7×7 and 7x7, or Grad-CAM and grad cam, find each other.
function plain(text) {
  const simple = text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/(\d)×(?=\d)/g, '$1x');
  return simple.replace(/[^\p{L}\p{N}]+/gu, ' ').trim();
}

function prepared([address, page, heading, text, also]) {
  const [title, head, body] = [page, heading.replace(/^\d+ · /, ''), text].map(part => ` ${plain(part)} `);
  return {address, page, heading, text, title, head, body, terms: [head.trim(), ...also.split(', ').map(plain)]};
}

const times = (text, part) => text.split(part).length - 1;

// How well a section answers; 0 where it lacks a word. Words are found by their beginnings, or loosely by any part.
function rank({title, head, body, terms}, query, loose) {
  const exact = text => terms.includes(text) || terms.includes(text.replace(/s$/, ''));
  let sum = exact(query) ? 100 : head.includes(` ${query}`) ? 20 : body.includes(` ${query}`) ? 5 : 0;
  for (const word of query.split(' ')) {
    const part = loose ? word : ` ${word}`, often = times(body, part);
    const whole = times(body, ` ${word} `) + times(body, ` ${word}s `), other = terms.some(term => ` ${term}`.includes(part));
    const named = exact(word) ? 20 : head.includes(` ${word} `) ? 12 : head.includes(part) ? 8 : other ? 6 : title.includes(part) ? 3 : 0;
    if (!named && !often) return 0;
    sum += named + 4 * Math.min(word.length > 1 ? 5 : 1, whole + often / 5) / (1 + body.length / 2000);
  }
  return sum;
}

// The question in the course's words too: what it calls a skip connection.
function questions(query) {
  const own = Object.entries(window.COURSE_SYNONYMS).reduce(
    (text, [other, word]) => text.replace(` ${plain(other)} `, ` ${plain(word)} `), ` ${query} `);
  return [...new Set([own.trim(), query])];
}

function matching(all, query) {
  for (const loose of [false, true]) {
    const ranks = at => Math.max(...questions(query).map(words => rank(at, words, loose)));
    const found = all.map(at => ({...at, rank: ranks(at)})).filter(at => at.rank);
    if (found.length) return found.sort((a, b) => b.rank - a.rank);
  }
  return [];
}

// The text around the first word found in it.
function around(text, words) {
  const low = text.toLowerCase().replaceAll('×', 'x');
  const at = Math.max(0, Math.min(...words.map(word => low.indexOf(word)).filter(i => i >= 0), Infinity));
  const from = Number.isFinite(at) ? Math.max(0, at - 50) : 0;
  return (from ? '… ' : '') + text.slice(from, from + 150) + (text.length > from + 150 ? ' …' : '');
}

function entry(each, words) {
  const item = document.createElement('li');
  const link = document.createElement('a');
  const below = document.createElement('span');
  link.href = each.address;
  link.textContent = each.heading === each.page ? each.page : `${each.page}: ${each.heading}`;
  below.textContent = around(each.text, words);
  item.append(link, below);
  return item;
}

async function look() {
  const query = plain(field.value);
  panel.hidden = !query;
  if (!query) return;
  const all = await sections(), found = matching(all, query);
  list.replaceChildren(...found.slice(0, MOST).map(each => entry(each, query.split(' '))));
  const sentence = !found.length ? form.dataset.none : found.length > MOST ? form.dataset.more : form.dataset.found;
  told.textContent = sentence.replace('{n}', found.length).replace('{shown}', MOST);
}

field.addEventListener('input', look);
field.addEventListener('focus', sections, {once: true});
form.addEventListener('submit', event => {
  event.preventDefault();
  list.querySelector('a')?.click();
});
document.addEventListener('keydown', event => {
  if (event.key === 'Escape') panel.hidden = true;
  if (event.key === '/' && !event.target.closest('input, textarea, select')) { event.preventDefault(); field.focus(); }
});
document.addEventListener('click', event => { if (!form.contains(event.target)) panel.hidden = true; });
panel.addEventListener('click', event => { if (event.target.closest('a')) panel.hidden = true; });

// ── On paper, everything is open ──

let opened = [];
addEventListener('beforeprint', () => {
  opened = [...document.querySelectorAll('main details:not([open])')];
  for (const each of opened) each.open = true;
  for (const each of document.querySelectorAll('img[loading="lazy"]')) each.loading = 'eager';
});
addEventListener('afterprint', () => { for (const each of opened) each.open = false; });
