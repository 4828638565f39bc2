// The composition root: the feed fills the model, the model's changes are drawn, the address says what is open.
import { setZones } from './format.js';
import { startFeed } from './feed.js';
import { drawAges, drawList, few, focusRow, select, startList, wide } from './list.js';
import { el } from './marks.js';
import { model, onChange } from './model.js';
import { hashOf, RANGES, readRoute, USUAL_RANGE } from './route.js';
import { drawClock, drawTop } from './top.js';
import { chooseLanguage, say } from './words.js';

const AGES_EVERY_MS = 5000;
const host = document.getElementById('station');

let pane = null;
let PaneClass = null;
let range = USUAL_RANGE;

/** Open, change or close the station beside (or, on a phone, over) the list. */
async function show({ focus = false } = {}) {
  if (!model.picture) return;
  if (!PaneClass && (readRoute().station ?? following())) {
    try {
      PaneClass = (await import('./pane.js')).Pane;
    } catch {
      return; // no contact, which the top of the page says; the next change tries again
    }
  }
  const route = readRoute();
  const id = route.station ?? following();
  if (route.station) range = route.range;
  document.body.dataset.pane = route.station ? 'chosen' : id ? 'following' : 'none';
  select(id);
  if (pane && pane.id !== id) {
    pane.destroy();
    pane = null;
  }
  host.hidden = !id;
  if (!id) return;
  if (pane) {
    if (pane.view.range !== range) pane.setRange(range);
    return;
  }
  pane = new PaneClass(host, id, range, { back, range: chooseRange });
  if (focus) pane.focus();
  if (!wide()) scrollTo(0, 0);
}

/** With few stations on a wide screen there is room for a chart: of the station that needs looking at most. */
function following() {
  if (!wide() || !few()) return null;
  return model.picture.order[0] ?? null;
}

function chooseRange(name) {
  range = name;
  const route = readRoute();
  if (route.station) history.replaceState(null, '', hashOf(route.station, name));
  pane?.setRange(name);
}

function back() {
  const id = readRoute().station;
  if (!id) return;
  history.replaceState(null, '', location.pathname + location.search);
  show().then(() => focusRow(id));
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target instanceof HTMLInputElement && event.target.type === 'search';
  if (event.key === 'Escape') {
    if (typing && event.target.value) {
      event.target.value = '';
      event.target.dispatchEvent(new Event('input'));
    } else if (!pane?.back()) {
      back();
    }
    return;
  }
  if (typing || event.target instanceof HTMLSelectElement) return;
  const names = Object.keys(RANGES);
  if (/^[1-4]$/.test(event.key) && pane) chooseRange(names[Number(event.key) - 1]);
  else if (event.key === '/' && !document.getElementById('tools').hidden) {
    event.preventDefault();
    document.getElementById('search').focus();
  } else if (['ArrowDown', 'ArrowUp', 'j', 'k'].includes(event.key)) {
    moveFocus(event);
  }
}

function moveFocus(event) {
  if (event.target instanceof Element && event.target.closest('#station')) return;
  const links = [...document.querySelectorAll('#stations li:not([hidden]) > a')];
  if (!links.length) return;
  const at = links.indexOf(document.activeElement);
  const by = event.key === 'ArrowDown' || event.key === 'j' ? 1 : -1;
  const next = at < 0 ? 0 : Math.min(Math.max(at + by, 0), links.length - 1);
  event.preventDefault();
  links[next].focus();
}

function drawKeys() {
  const keys = document.getElementById('keys');
  keys.hidden = !model.picture || Object.keys(model.picture.catalogue).length === 0;
  const hints = [['↑ ↓', 'keys.move'], ['Enter', 'keys.open'], ['1–4', 'keys.range'], ['/', 'keys.find'], ['Esc', 'keys.back']]
    .filter(([key]) => key !== '/' || !document.getElementById('tools').hidden);
  keys.replaceChildren(...hints.map(([key, text]) => el('span', '', el('kbd', '', key), ` ${say(text)}`)));
}

onChange((what) => {
  if (what.whole) setZones(model.picture.zones);
  drawTop();
  drawList(what);
  if (what.whole) drawKeys();
  if (what.whole && pane && !(pane.id in model.picture.catalogue)) {
    pane.destroy();
    pane = null;
  }
  if (what.whole || document.body.dataset.pane === 'following') show();
  pane?.draw();
});

addEventListener('hashchange', () => show({ focus: true }));
addEventListener('keydown', onKey);
addEventListener('resize', () => show());
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => pane?.reread());

await chooseLanguage(document.documentElement.dataset.locale);
startList();
drawKeys();
drawTop();
await startFeed();
setInterval(drawClock, 1000);
setInterval(() => {
  if (!model.picture) return;
  drawAges();
  drawTop();
  pane?.drawAge();
}, AGES_EVERY_MS);
navigator.serviceWorker?.register('/sw.js').catch(() => {});
