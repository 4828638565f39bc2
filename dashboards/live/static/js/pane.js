// One station: its state and value in large, what is wrong in words, and a chart of each of its series.
import { Chart } from './chart.js';
import { age, besideOf, change, shortTitle, shown, since, titleOf, unit, zoneName } from './format.js';
import { drawFill, el, fillNode, mark, put, setMark } from './marks.js';
import { lastOf, model, now } from './model.js';
import { RANGES } from './route.js';
import { has, say } from './words.js';

const DEVICE_HIDDEN = new Set(['count']);

export class Pane {
  /** `actions`: back(), range(name). */
  constructor(host, id, range, actions) {
    this.host = host;
    this.id = id;
    this.actions = actions;
    this.zooms = [];
    this.view = { range, zoom: null, onZoom: (from, to) => this.zoom(from, to) };
    this.charts = [];
    this.build();
  }

  build() {
    const about = model.picture.catalogue[this.id];
    this.about = about;
    if (!about) {
      this.host.replaceChildren(this.backButton(), el('p', 'hint', say('station.gone', { id: this.id })));
      return;
    }
    this.heading = el('h2', '', about.name);
    this.heading.tabIndex = -1;
    this.place = el('p', 'place', this.placeText());
    this.mark = mark('waiting');
    this.word = el('span', 'word');
    this.number = el('b');
    this.unit = el('span', 'unit');
    this.fill = fillNode();
    this.beside = el('span', 'beside');
    this.change = el('span', 'change');
    this.age = el('span', 'age');
    this.notes = el('ul', 'notes');
    this.ranges = el('div', 'ranges');
    this.ranges.setAttribute('role', 'radiogroup');
    this.ranges.setAttribute('aria-label', say('range.label'));
    for (const name of Object.keys(RANGES)) this.ranges.append(this.rangeButton(name));
    this.out = el('button', 'out', say('chart.zoom_out'));
    this.out.type = 'button';
    this.out.hidden = true;
    this.out.addEventListener('click', () => this.back());
    this.zone = el('span', 'zone');
    this.plots = el('div', 'plots');
    this.device = el('details', 'device');
    this.host.replaceChildren(
      el('div', 'head', this.backButton(), el('div', 'names', this.heading, this.place)),
      el('p', 'big', el('span', 'state', this.mark, this.word),
        el('span', 'value', this.number, ' ', this.unit),
        el('span', 'second', this.fill, this.beside), this.change, this.age),
      this.notes,
      el('div', 'bar', this.ranges, this.out, this.zone),
      this.plots, this.device);
    this.buildCharts(about);
    this.draw();
  }

  backButton() {
    const back = el('button', 'back');
    back.type = 'button';
    back.textContent = '←';
    back.setAttribute('aria-label', say('station.back'));
    back.addEventListener('click', () => this.actions.back());
    return back;
  }

  rangeButton(name) {
    const input = el('input');
    input.type = 'radio';
    input.name = 'range';
    input.value = name;
    input.checked = name === this.view.range;
    input.addEventListener('change', () => this.actions.range(name));
    return el('label', '', input, el('span', '', say(`range.${name}`)));
  }

  placeText() {
    const { district_name: district, water, kind } = this.about;
    return [water, has(`kind.${kind}`) ? say(`kind.${kind}`) : '', district].filter(Boolean).join(' · ');
  }

  buildCharts(about) {
    const keys = Object.keys(about.sensors);
    const ofWater = keys.filter((key) => !about.sensors[key].device);
    const ofDevice = keys.filter((key) => about.sensors[key].device && !DEVICE_HIDDEN.has(key.split('/')[0]));
    for (const key of ofWater) this.add(new Chart(this.id, key, about, this.view), this.plots);
    this.device.hidden = ofDevice.length === 0;
    if (!ofDevice.length) return;
    this.summary = el('summary');
    this.deviceKeys = ofDevice;
    const room = el('div', 'plots');
    this.device.append(this.summary, room);
    this.device.addEventListener('toggle', () => {
      if (!this.device.open || room.childElementCount) return;
      for (const key of ofDevice) this.add(new Chart(this.id, key, about, this.view, { small: true }), room);
    });
  }

  add(chart, room) {
    this.charts.push(chart);
    room.append(chart.node);
    chart.start();
  }

  /** New values: the head changes in place, the charts take the new points. */
  draw() {
    const station = model.picture?.stations[this.id];
    if (!this.about || !station) return;
    this.host.dataset.state = station.state;
    setMark(this.mark, station.state);
    put(this.word, say(`state.${station.state}`));
    const sensor = station.head ? this.about.sensors[station.head] : null;
    const last = station.head ? lastOf(station, station.head) : null;
    const known = last && last.value !== null;
    put(this.number, known ? shown(last.value, sensor) : '–');
    this.number.classList.toggle('doubt', Boolean(known && last.flag === 3));
    const many = sensor && Object.values(this.about.sensors).filter((one) => !one.device).length > 1;
    put(this.unit, sensor ? `${unit(sensor)}${many ? ` ${shortTitle(station.head, sensor)}` : ''}` : '');
    const other = besideOf(this.about, station, lastOf);
    put(this.beside, other ? other.text : '');
    drawFill(this.fill, other ? other.percent : null);
    const step = known ? change(station.change, sensor) : null;
    put(this.change, step ? say('station.change', { change: `${step.arrow} ${step.text}` }) : '');
    this.drawAge();
    this.drawNotes(station, sensor, last);
    put(this.zone, say('station.zone', { zone: zoneName(this.about.zone, now()) }));
    if (this.summary) put(this.summary, `${say('station.device')}: ${this.deviceText(station)}`);
    for (const chart of this.charts) chart.live(lastOf(station, chart.key));
  }

  drawAge() {
    const station = model.picture?.stations[this.id];
    if (!this.about || !station?.head) return;
    const last = lastOf(station, station.head);
    if (last.ms === null) put(this.age, '');
    else if (station.state === 'stale') put(this.age, say('row.since', { time: since(last.ms, this.about.zone, now()) }));
    else put(this.age, age(now() - last.ms));
  }

  drawNotes(station, sensor, last) {
    const lines = [];
    const time = (ms) => since(ms, this.about.zone, now());
    const gateways = new Set(Object.values(this.about.sensors).map((one) => one.gateway));
    const silent = model.picture.gateways.filter((one) => gateways.has(one.id));
    for (const one of silent) lines.push(say('station.gateway_silent', { name: one.name, time: time(one.since_ms) }));
    if (station.state === 'waiting') lines.push(say('station.waiting'));
    if (station.state === 'stale' && !silent.length && last?.ms) {
      const read = last.seen !== null && now() - last.seen <= 2000 * sensor.interval_s;
      lines.push(say(read ? 'station.sensor_missing' : 'station.sensor_silent', { time: time(last.ms) }));
    }
    for (const [key, one] of Object.entries(this.about.sensors)) {
      const other = lastOf(station, key);
      if (key === station.head || one.device || other.state !== 'stale' || silent.length || other.ms === null) continue;
      lines.push(`${titleOf(key, one)}: ${say('station.sensor_silent', { time: time(other.ms) })}`);
    }
    if (station.state === 'no_threshold') lines.push(say('station.no_threshold'));
    if (last?.flag === 3 && station.state !== 'stale') lines.push(say('station.suspect'));
    const wanted = lines.join('\n');
    this.notes.hidden = !lines.length;
    if (this.notes.dataset.text === wanted) return;
    this.notes.dataset.text = wanted;
    this.notes.replaceChildren(...lines.map((line) => el('li', '', line)));
  }

  deviceText(station) {
    return this.deviceKeys.map((key) => {
      const sensor = this.about.sensors[key];
      const last = lastOf(station, key);
      return `${titleOf(key, sensor).toLowerCase()} ${last.value === null ? '–' : `${shown(last.value, sensor)} ${unit(sensor)}`}`;
    }).join(', ');
  }

  setRange(range) {
    if (!this.about || (this.view.range === range && !this.view.zoom)) return;
    this.view.range = range;
    this.zooms = [];
    this.view.zoom = null;
    for (const input of this.ranges.querySelectorAll('input')) input.checked = input.value === range;
    this.reread();
  }

  /** Zoom all charts of the station; null goes back to the range. */
  zoom(from, to) {
    if (from === null) {
      if (!this.view.zoom) return;
      this.zooms = [];
      this.view.zoom = null;
    } else {
      this.zooms.push(this.view.zoom);
      this.view.zoom = [from, to];
    }
    this.reread();
  }

  /** One step back in the zoom; false when there is none left. */
  back() {
    if (!this.view.zoom) return false;
    this.view.zoom = this.zooms.pop() ?? null;
    this.reread();
    return true;
  }

  reread() {
    this.out.hidden = !this.view.zoom;
    for (const chart of this.charts) {
      if (chart.series && chart.drawn) chart.draw(globalThis.uPlot);
      chart.read();
    }
  }

  destroy() {
    for (const chart of this.charts) chart.destroy();
    this.charts = [];
    this.host.replaceChildren();
  }

  focus() { this.heading?.focus({ preventScroll: true }); }
}
