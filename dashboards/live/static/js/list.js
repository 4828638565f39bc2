// The list of stations: one row each, values change in place, rows move only when nobody touches.
import { age, besideOf, change, shortTitle, shown, since, unit } from './format.js';
import { drawFill, drawSpark, el, fillNode, mark, put, setMark, sparkNode } from './marks.js';
import { lastOf, model, now } from './model.js';
import { hashOf } from './route.js';
import { has, say } from './words.js';

const byId = (id) => document.getElementById(id);
const TOUCH_REST_MS = 4000;
const DENSE_H = 44;
const HAIRLINE = 1;
const WALL_W = 1100;
const FEW = 14;
const TOOLS_FROM = 16;
const WIDE_ROW = 780;
const MIDDLE_ROW = 540;

const rows = new Map();
let touchedAt = 0;
let applied = '';
let selected = null;
let query = '';
let district = '';

class Row {
  constructor(id) {
    this.id = id;
    this.mark = mark('waiting');
    this.word = el('span', 'word');
    this.name = el('b');
    this.about = el('span');
    this.fill = fillNode();
    this.beside = el('span', 'beside');
    this.number = el('b');
    this.unit = el('span', 'unit');
    this.change = el('span');
    this.changeWords = el('span', 'unseen');
    this.change.setAttribute('aria-hidden', 'true');
    this.spark = sparkNode();
    this.age = el('span', 'age');
    this.link = el('a', 'row',
      el('span', 'state', this.mark, this.word),
      el('span', 'name', this.name, ' ', el('small', '', this.beside, this.fill, this.about)),
      el('span', 'value', this.number, ' ', this.unit),
      el('span', 'change', this.change, this.changeWords), this.spark, this.age);
    this.node = el('li', '', this.link);
    this.node.dataset.id = id;
  }

  draw() {
    const { catalogue, stations } = model.picture;
    const about = catalogue[this.id];
    const station = stations[this.id];
    const sensor = station.head ? about.sensors[station.head] : null;
    const last = station.head ? lastOf(station, station.head) : null;
    this.node.dataset.state = station.state;
    setMark(this.mark, station.state);
    put(this.word, say(`state.${station.state}`));
    put(this.name, about.name);
    const detail = [about.water, sensor ? shortTitle(station.head, sensor) : ''].filter(Boolean);
    const other = besideOf(about, station, lastOf);
    put(this.beside, other ? other.text : '');
    drawFill(this.fill, other ? other.percent : null);
    put(this.about, `${other && other.percent === null ? ' · ' : ''}${detail.join(' · ')}`);
    const known = last && last.value !== null;
    put(this.number, known ? shown(last.value, sensor) : '–');
    put(this.unit, known ? unit(sensor) : '');
    this.number.classList.toggle('doubt', Boolean(known && last.flag === 3));
    this.number.title = known && last.flag === 3 ? say('row.suspect') : '';
    const step = known ? change(station.change, sensor) : null;
    put(this.change, step ? `${step.arrow} ${step.text}` : '');
    put(this.changeWords, step ? say(`row.change_${step.way}`, { value: step.text, unit: unit(sensor) }) : '');
    if (this.drawnSpark !== station.spark) {
      this.drawnSpark = station.spark;
      drawSpark(this.spark, station.spark);
    }
    this.link.href = hashOf(this.id);
    this.drawAge();
  }

  drawAge() {
    const { catalogue, stations } = model.picture;
    const station = stations[this.id];
    const last = station.head ? lastOf(station, station.head) : null;
    if (!last || last.ms === null) put(this.age, '');
    else if (station.state === 'stale') put(this.age, say('row.since', { time: since(last.ms, catalogue[this.id].zone, now()) }));
    else put(this.age, age(now() - last.ms));
  }
}

export function startList() {
  const board = byId('board');
  const touched = () => { touchedAt = Date.now(); };
  for (const kind of ['pointerdown', 'pointermove', 'wheel', 'touchmove', 'keydown']) {
    board.addEventListener(kind, touched, { passive: true });
  }
  addEventListener('scroll', touched, { passive: true });
  byId('search').addEventListener('input', (event) => { query = event.target.value.trim().toLowerCase(); applyFilter(); });
  byId('district').addEventListener('change', (event) => { district = event.target.value; applyFilter(); });
  new ResizeObserver(layout).observe(board);
  addEventListener('resize', layout);
  put(byId('board-label'), say('list.label'));
  put(byId('search-label'), say('list.search'));
  byId('search').placeholder = say('list.search');
  put(byId('district-label'), say('list.district'));
  setInterval(() => { if (model.picture) order(); }, 1000);
}

export function drawList({ whole, stations }) {
  const { picture } = model;
  if (!picture) return;
  if (whole) {
    for (const [id, row] of rows) {
      if (!(id in picture.catalogue)) {
        row.node.remove();
        rows.delete(id);
      }
    }
    for (const id of Object.keys(picture.stations)) {
      if (!rows.has(id)) rows.set(id, new Row(id));
    }
    applied = '';
    drawTools();
  }
  for (const id of stations) rows.get(id)?.draw();
  drawEmpty();
  order(whole);
  if (whole) applyFilter();
}

export function drawAges() {
  for (const row of rows.values()) row.drawAge();
}

/** Which row's station is shown beside the list. */
export function select(id) {
  if (selected === id) return;
  rows.get(selected)?.link.removeAttribute('aria-current');
  selected = id;
  rows.get(id)?.link.setAttribute('aria-current', 'true');
}

export const few = () => Object.keys(model.picture?.catalogue ?? {}).length <= FEW;
export const wide = () => innerWidth >= WALL_W;
export const focusRow = (id) => rows.get(id)?.link.focus({ preventScroll: false });

/** Put the rows in order, unless somebody is at them: nothing moves under the finger. */
function order(always = false) {
  const wanted = model.picture.order.join();
  if (wanted === applied || (!always && Date.now() - touchedAt < TOUCH_REST_MS)) return;
  applied = wanted;
  const focused = document.activeElement;
  byId('stations').append(...model.picture.order.filter((id) => rows.has(id)).map((id) => rows.get(id).node));
  if (focused instanceof HTMLElement && focused !== document.activeElement) focused.focus({ preventScroll: true });
  layout();
}

function visible() {
  return [...byId('stations').children].filter((node) => !node.hidden);
}

/** Columns and the height of a row: as many stations as can be on the screen without scrolling, as large as they can be. */
function layout() {
  const list = byId('stations');
  const count = visible().length;
  const width = byId('board').clientWidth;
  if (!width || !count) {
    byId('heads').hidden = true;
    return;
  }
  const height = Math.max(innerHeight - list.getBoundingClientRect().top - scrollY - byId('keys').offsetHeight, 0);
  let columns = 1;
  while (columns < 4 && Math.ceil(count / columns) * (DENSE_H + HAIRLINE) > height && width / (columns + 1) >= WIDE_ROW) columns += 1;
  const lines = Math.ceil(count / columns);
  const rowWidth = width / columns;
  const kind = rowWidth >= WIDE_ROW ? 'wide' : rowWidth >= MIDDLE_ROW ? 'middle' : 'phone';
  const least = kind === 'wide' ? DENSE_H : kind === 'middle' ? 64 : 84;
  const most = kind === 'phone' ? 84 : 88;
  const rowHeight = Math.floor(Math.min(Math.max(height / lines - HAIRLINE, least), most));
  list.dataset.kind = kind;
  list.style.setProperty('--columns', columns);
  list.style.setProperty('--lines', lines);
  list.style.setProperty('--row', `${rowHeight}px`);
  list.style.setProperty('--number', `${Math.round(Math.min(Math.max(rowHeight * 0.42, 22), 34))}px`);
  drawHeads(columns, kind);
}

function drawHeads(columns, kind) {
  const heads = byId('heads');
  heads.hidden = kind !== 'wide';
  heads.style.setProperty('--columns', columns);
  if (heads.childElementCount === columns) return;
  heads.replaceChildren(...Array.from({ length: columns }, () => el('div', 'row',
    ...['state', 'station', 'now', 'change', 'line', 'age'].map((name) => el('span', `h-${name}`, say(`head.${name}`))))));
}

function drawTools() {
  const { catalogue } = model.picture;
  const names = new Map(Object.values(catalogue).map((one) => [one.district, one.district_name]));
  byId('tools').hidden = Object.keys(catalogue).length < TOOLS_FROM && names.size < 2;
  byId('district-field').hidden = names.size < 2;
  if (!names.has(district)) district = '';
  const choice = (value, text) => {
    const option = el('option', '', text);
    option.value = value;
    option.selected = value === district;
    return option;
  };
  byId('district').replaceChildren(choice('', say('list.all_districts')),
    ...[...names].sort((a, b) => a[1].localeCompare(b[1])).map(([id, name]) => choice(id, name)));
}

function applyFilter() {
  const { catalogue } = model.picture;
  for (const [id, row] of rows) {
    const about = catalogue[id];
    const text = `${id} ${about.name} ${about.water} ${has(`kind.${about.kind}`) ? say(`kind.${about.kind}`) : ''}`.toLowerCase();
    row.node.hidden = !(text.includes(query) && (district === '' || about.district === district));
  }
  drawEmpty();
  layout();
}

function drawEmpty() {
  const empty = byId('empty');
  const { catalogue, registry } = model.picture;
  const none = Object.keys(catalogue).length === 0;
  const found = none || visible().length > 0 || rows.size === 0;
  empty.hidden = !none && found;
  const wanted = none ? 'none' : found ? '' : query;
  if (empty.dataset.text === wanted) return;
  empty.dataset.text = wanted;
  if (none) {
    empty.replaceChildren(el('p', '', say('empty.text', { file: registry })), el('pre', '', SAMPLE));
  } else {
    empty.replaceChildren(el('p', '', found ? '' : say('list.none_found', { text: byId('search').value })));
  }
}

const SAMPLE = `[districts.chu]
name = "Chu"
timezone = "Asia/Bishkek"

[[gateways]]
id = "gw-1"
district = "chu"

[[stations]]
id = "head-gate"
name = "Head gate"
district = "chu"
river_or_canal = "Big Chu canal"

[[stations.sensors]]
id = "level"
gateway = "gw-1"
quantity = "level"
unit = "m"
interval = "15min"
thresholds = { action = 1.8, minor = 2.1, moderate = 2.4, major = 2.7 }
`;
