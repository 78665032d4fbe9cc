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
    script.onload = () => ready(window.COURSE_SECTIONS);
    document.head.append(script);
  });
  return loading;
}

function plain(text) {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}

// Sections with all the words, those with most of them in their headings first.
function matching(all, words) {
  const found = [];
  for (const [address, page, heading, text] of all) {
    const [head, body] = [plain(`${page} ${heading}`), plain(text)];
    if (!words.every(word => head.includes(word) || body.includes(word))) continue;
    found.push({address, page, heading, text, rank: words.filter(word => plain(heading).includes(word)).length});
  }
  return found.sort((a, b) => b.rank - a.rank);
}

// The text around the first word found in it.
function around(text, words) {
  const low = text.toLowerCase();
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
  const words = plain(field.value).split(/\s+/).filter(Boolean);
  panel.hidden = !words.length;
  if (!words.length) return;
  const found = matching(await sections(), words);
  list.replaceChildren(...found.slice(0, MOST).map(each => entry(each, words)));
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
