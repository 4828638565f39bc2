// One series as a chart: uPlot with thresholds, gaps, doubtful values, crosshair and zoom.
import { columns, doubtful, yRange } from './columns.js';
import { number, since, stamp, stampSeconds, titleOf, unit } from './format.js';
import { el, put } from './marks.js';
import { model, now } from './model.js';
import { RANGES } from './route.js';
import { labels, ticks } from './ticks.js';
import { followFingers } from './touch.js';
import { say } from './words.js';

const THRESHOLDS = ['low', 'action', 'minor', 'moderate', 'major', 'adverse', 'dangerous'];
const STRONG = new Set(['major', 'dangerous']);
const BROKEN = new Set(['low', 'action']);
const TRY_AGAIN_MS = 5000;
const READ_AT_LEAST_MS = 1000;
const READ_AT_MOST_MS = 60_000;
const LEAST_ZOOM_MS = 60_000;
const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';

let library = null;

/** uPlot is read only when the first chart is opened: the list does not wait for it. */
function loadLibrary() {
  library ??= new Promise((resolve, reject) => {
    const root = new URL('../vendor/', import.meta.url);
    const style = el('link');
    style.rel = 'stylesheet';
    style.href = new URL('uplot-1.6.32.min.css', root).href;
    const script = el('script');
    script.src = new URL('uplot-1.6.32.min.js', root).href;
    script.onload = () => resolve(globalThis.uPlot);
    script.onerror = () => { library = null; reject(new Error('uPlot')); };
    document.head.append(style, script);
  });
  return library;
}

export class Chart {
  /** `view` is shared by a station's charts: { range, zoom: [from, to] or null, onZoom(from, to) }. */
  constructor(stationId, key, about, view, { small = false } = {}) {
    this.stationId = stationId;
    this.key = key;
    this.sensor = about.sensors[key];
    this.zone = about.zone;
    this.view = view;
    this.small = small;
    this.series = null;
    this.drawn = null;
    this.request = null;
    this.readAt = 0;
    this.timer = 0;
    this.title = el('h3', '', titleOf(key, this.sensor));
    this.units = el('span', 'unit', unit(this.sensor));
    this.readout = el('output', 'readout');
    this.csv = el('a', 'csv', say('chart.csv'));
    this.csv.setAttribute('aria-label', say('chart.csv_label', { what: titleOf(key, this.sensor) }));
    this.csv.addEventListener('click', () => { this.csv.href = this.address('/api/series.csv', this.window()); });
    this.csv.href = '#';
    this.plot = el('div', 'plot');
    this.plot.tabIndex = 0;
    this.plot.setAttribute('role', 'img');
    this.message = el('p', 'message');
    this.message.hidden = true;
    this.node = el('figure', small ? 'chart small' : 'chart',
      el('figcaption', '', this.title, this.units, this.readout, this.csv), this.plot, this.message);
    this.plot.addEventListener('keydown', (event) => this.onKey(event));
    this.sizes = new ResizeObserver(() => this.resize());
  }

  async start() {
    this.sizes.observe(this.plot);
    this.say(say('chart.loading'));
    await this.read();
  }

  destroy() {
    this.sizes.disconnect();
    this.request?.abort();
    clearTimeout(this.timer);
    this.drawn?.destroy();
    this.drawn = null;
    this.gone = true;
  }

  /** From and to in ms: the zoom, or the range up to now. */
  window() {
    if (this.view.zoom) return this.view.zoom;
    const end = now();
    return [end - RANGES[this.view.range], end];
  }

  address(path, [from, to], points = null) {
    const [quantity, sensor] = this.key.split('/');
    const query = new URLSearchParams({ station: this.stationId, quantity, sensor, from: Math.floor(from), to: Math.ceil(to) });
    if (points) query.set('points', points);
    return `${path}?${query}`;
  }

  /** Read the range from the server and draw it; what was asked before no longer matters. */
  async read() {
    clearTimeout(this.timer);
    this.request?.abort();
    const request = new AbortController();
    this.request = request;
    const asked = this.window();
    this.readAt = Date.now();
    const points = Math.min(Math.max(Math.round(this.plot.clientWidth || 600), 200), 1600);
    try {
      const [uPlot, answer] = await Promise.all([
        loadLibrary(),
        fetch(this.address('/api/series', asked, points), { signal: request.signal }),
      ]);
      if (!answer.ok) throw new Error(String(answer.status));
      const series = await answer.json();
      if (this.request !== request || this.gone) return;
      this.series = series;
      this.draw(uPlot);
    } catch (error) {
      if (error.name === 'AbortError' || this.request !== request || this.gone) return;
      this.say(say('chart.failed'));
      this.timer = setTimeout(() => this.read(), TRY_AGAIN_MS);
    }
  }

  /** A new reading has come in: it is drawn at once, and the whole read again now and then. */
  live(last) {
    if (this.view.zoom || !this.series) return;
    const { series } = this;
    const known = series.time_ms.at(-1) ?? 0;
    if (last.ms > known && last.value !== null) {
      series.time_ms.push(last.ms);
      series.value.push(last.value);
      series.flag.push(last.flag);
      series.low?.push(last.value);
      series.high?.push(last.value);
    }
    const every = Math.min(Math.max(RANGES[this.view.range] / 400, READ_AT_LEAST_MS), READ_AT_MOST_MS);
    if (Date.now() - this.readAt >= every) this.read();
    else if (this.drawn) this.draw(globalThis.uPlot);
  }

  draw(uPlot) {
    this.columns = columns(this.series, this.sensor.scale);
    const { x, low, high, value } = this.columns;
    this.colors = readColors(this.node);
    if (!this.drawn) {
      const { width, height } = this.size();
      this.drawn = new uPlot(this.options(uPlot, width, height), [x, low, high, value], this.plot);
      followFingers(this.drawn, { least: LEAST_ZOOM_MS, done: (from, to) => this.view.onZoom(from, to) });
    } else {
      this.drawn.setData([x, low, high, value], false);
    }
    const [from, to] = this.window();
    this.drawn.setScale('x', { min: from, max: to });
    const empty = !value.some((one, at) => one !== null && x[at] >= from && x[at] <= to);
    this.plot.classList.toggle('none', empty);
    this.say(empty ? this.whyEmpty(from) : '');
    this.plot.setAttribute('aria-label', say('chart.label', {
      what: titleOf(this.key, this.sensor), unit: unit(this.sensor), from: stamp(from, this.zone), to: stamp(to, this.zone),
    }));
    this.showLast();
  }

  whyEmpty(from) {
    const row = model.picture.stations[this.stationId]?.sensors[this.key];
    const ms = row?.[2];
    return ms && ms < from ? say('chart.empty_last', { time: stamp(ms, this.zone) }) : say('chart.empty');
  }

  say(text) {
    this.message.hidden = text === '';
    put(this.message, text);
  }

  size() {
    return { width: Math.max(this.plot.clientWidth, 120), height: Math.max(this.plot.clientHeight, 80) };
  }

  resize() {
    const size = this.size();
    if (this.drawn && (size.width !== this.drawn.width || size.height !== this.drawn.height)) this.drawn.setSize(size);
  }

  limits() {
    return THRESHOLDS.filter((name) => name in this.sensor.thresholds)
      .map((name) => ({ name, value: this.sensor.thresholds[name] * this.sensor.scale }))
      .sort((a, b) => a.value - b.value);
  }

  options(uPlot, width, height) {
    const { zone, sensor } = this;
    const decimals = Math.min(sensor.decimals, 3);
    const limits = this.limits().map((one) => one.value);
    const color = (name) => () => this.colors[name];
    return {
      width,
      height,
      legend: { show: false },
      padding: [8, 8, 0, 0],
      scales: {
        x: { time: false },
        y: { range: (_, low, high) => yRange(low, high, limits, decimals) },
      },
      axes: [
        {
          stroke: color('muted'), font: FONT, size: 40, gap: 6,
          grid: { stroke: color('grid'), width: 1 }, ticks: { show: false },
          splits: (u, _, min, max) => ticks(min, max, u.bbox.width / devicePixelRatio, zone),
          values: (_, marks) => labels(marks, zone),
        },
        {
          stroke: color('muted'), font: FONT, gap: 6, space: 36,
          size: (u, values) => Math.max(48, ...(values ?? []).map((text) => text.length * 7.5 + 14)),
          grid: { stroke: color('grid'), width: 1 }, ticks: { show: false },
          values: (_, marks) => marks.map((mark) => number(mark, decimalsFor(marks))),
        },
      ],
      series: [
        {},
        { points: { show: false }, paths: () => null },
        { points: { show: false }, paths: () => null },
        { stroke: color('line'), width: 2, points: { size: 5, fill: color('line'), stroke: color('line') } },
      ],
      bands: [],
      cursor: {
        y: false,
        drag: { x: true, y: false, setScale: false, dist: 6 },
        // The crosshair is shown in all charts; a drag is this chart's own, and the view passes the zoom on.
        sync: { key: 'aryk', scales: ['x', null], setSeries: false, filters: { pub: (type) => type === 'mousemove' || type === 'mouseleave' } },
        points: { size: 9, width: 2, fill: color('background'), stroke: color('line') },
        bind: { dblclick: () => () => this.view.onZoom(null) },
      },
      hooks: {
        drawClear: [(u) => { drawGaps(u, this.columns, this.window(), this.colors); }],
        drawAxes: [(u) => { drawBand(u, this.columns, this.colors); drawLimits(u, this.limits(), this.colors); }],
        draw: [(u) => {
          drawDoubt(u, this.columns, this.colors, this.series.bucket_ms > 0 ? 2.25 : 3.5);
          nameLimits(u, this.limits(), this.columns, this.colors, decimals);
        }],
        setCursor: [(u) => this.point(u)],
        setSelect: [(u) => this.selected(u)],
      },
    };
  }

  selected(u) {
    const { left, width } = u.select;
    if (width < 6) return;
    const from = u.posToVal(left, 'x');
    const to = u.posToVal(left + width, 'x');
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    if (to - from >= LEAST_ZOOM_MS) this.view.onZoom(from, to);
  }

  /** The crosshair: value, unit, flag, time. */
  point(u) {
    const at = u.cursor.idx;
    if (at === null || at === undefined || (u.cursor.left ?? -1) < 0) {
      this.showLast();
      return;
    }
    const { x, value, low, high, flag } = this.columns;
    const parts = [];
    if (value[at] === null) parts.push(say('chart.no_data'));
    else {
      parts.push(`${number(value[at], this.sensor.decimals)} ${unit(this.sensor)}`);
      if (low[at] !== null && high[at] - low[at] >= 10 ** -this.sensor.decimals) {
        parts.push(say('chart.range_of', { low: number(low[at], this.sensor.decimals), high: number(high[at], this.sensor.decimals) }));
      }
      parts.push(say(`flag.${flag[at]}`));
    }
    parts.push(this.view.range === '1h' || this.view.zoom ? stampSeconds(x[at], this.zone) : stamp(x[at], this.zone));
    put(this.readout, parts.join('  '));
    this.readout.classList.add('pointing');
  }

  /** Without a crosshair: the last value, and how old it is where it is not of now. */
  showLast() {
    this.readout.classList.remove('pointing');
    const station = model.picture.stations[this.stationId];
    const row = station?.sensors[this.key];
    if (!row || row[0] === null) {
      put(this.readout, '');
      return;
    }
    const [value, , ms, , state] = row;
    const text = `${number(value * this.sensor.scale, this.sensor.decimals)} ${unit(this.sensor)}`;
    const stale = state === 'stale';
    put(this.readout, stale ? `${say('state.stale')}  ${say('row.since', { time: since(ms, this.zone, now()) })}` : text);
  }

  onKey(event) {
    if (!this.drawn || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) {
      event.preventDefault();
      this.step(event.shiftKey ? step * 10 : step);
    } else if (event.key === '+' || event.key === '=') {
      this.zoomBy(0.5);
    } else if (event.key === '-') {
      this.view.onZoom(null);
    }
  }

  step(by) {
    const u = this.drawn;
    const { x, value } = this.columns;
    if (!x.length) return;
    const way = Math.sign(by);
    let at = u.cursor.idx === null || u.cursor.idx === undefined || (u.cursor.left ?? -1) < 0 ? x.length - 1 : u.cursor.idx + by;
    at = Math.min(Math.max(at, 0), x.length - 1);
    while (value[at] === null && at + way >= 0 && at + way < x.length) at += way;
    u.setCursor({ left: u.valToPos(x[at], 'x'), top: 20 });
  }

  zoomBy(share) {
    const [from, to] = this.window();
    const u = this.drawn;
    const middle = u.cursor.left > 0 ? u.posToVal(u.cursor.left, 'x') : (from + to) / 2;
    const half = Math.max(((to - from) * share) / 2, LEAST_ZOOM_MS / 2);
    this.view.onZoom(middle - half, middle + half);
  }
}

/** As many decimals as the marks' step has: 2.25 is not 2.3. */
function decimalsFor(marks) {
  const step = marks.length < 2 ? 0.01 : Math.abs(marks[1] - marks[0]);
  let decimals = 0;
  while (decimals < 5 && Math.abs(step * 10 ** decimals - Math.round(step * 10 ** decimals)) > 1e-6) decimals += 1;
  return decimals;
}

function readColors(node) {
  const style = getComputedStyle(node);
  const of = (name) => style.getPropertyValue(name).trim();
  return {
    line: of('--accent'), muted: of('--muted'), grid: of('--hair'), ink: of('--ink'), background: of('--ground'),
    band: of('--band'), gap: of('--gap'), low: of('--low'), action: of('--action'), minor: of('--warning'),
    moderate: of('--danger'), major: of('--danger'), adverse: of('--warning'), dangerous: of('--danger'),
  };
}

/** Least to greatest of each bucket: an area where one pixel holds more than one point. */
function drawBand(u, { x, low, high }, colors) {
  const { ctx } = u;
  ctx.save();
  clip(u);
  ctx.fillStyle = colors.band;
  let from = 0;
  while (from < x.length) {
    while (from < x.length && low[from] === null) from += 1;
    let to = from;
    while (to < x.length && low[to] !== null) to += 1;
    if (to - from > 1) {
      ctx.beginPath();
      for (let at = from; at < to; at += 1) ctx.lineTo(u.valToPos(x[at], 'x', true), u.valToPos(high[at], 'y', true));
      for (let at = to - 1; at >= from; at -= 1) ctx.lineTo(u.valToPos(x[at], 'x', true), u.valToPos(low[at], 'y', true));
      ctx.fill();
    }
    from = to;
  }
  ctx.restore();
}

/** A gap is hatched, and says so where there is room: nobody takes it for a quiet day. */
function drawGaps(u, { gaps, end: known, patience }, [, to], colors) {
  const { ctx, bbox } = u;
  const all = [...gaps];
  const end = Math.min(to, now());
  if (known !== null && end - known > patience) all.push([known, end]);
  ctx.save();
  clip(u);
  ctx.strokeStyle = colors.gap;
  ctx.fillStyle = colors.muted;
  ctx.lineWidth = devicePixelRatio;
  for (const [a, b] of all) {
    const left = Math.max(u.valToPos(a, 'x', true), bbox.left);
    const right = Math.min(u.valToPos(b, 'x', true), bbox.left + bbox.width);
    if (right - left < 2) continue;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, bbox.top, right - left, bbox.height);
    ctx.clip();
    ctx.beginPath();
    const step = 7 * devicePixelRatio;
    for (let at = left - bbox.height - (left % step); at < right; at += step) {
      ctx.moveTo(at, bbox.top + bbox.height);
      ctx.lineTo(at + bbox.height, bbox.top);
    }
    ctx.stroke();
    ctx.restore();
    const text = say('chart.no_data');
    setFont(ctx);
    if (right - left > ctx.measureText(text).width + 16 * devicePixelRatio) {
      ctx.textAlign = 'center';
      label(ctx, text, (left + right) / 2, bbox.top + bbox.height - 10 * devicePixelRatio, colors.muted, colors.background);
    }
  }
  ctx.restore();
}

/** Thresholds that lie in the picture, as lines under the water's. */
function drawLimits(u, limits, colors) {
  const { ctx, bbox } = u;
  const px = devicePixelRatio;
  ctx.save();
  for (const limit of inside(u, limits)) {
    const y = limitY(u, limit);
    ctx.beginPath();
    ctx.strokeStyle = colors[limit.name];
    ctx.lineWidth = (STRONG.has(limit.name) ? 2 : 1.25) * px;
    ctx.setLineDash(BROKEN.has(limit.name) ? [6 * px, 4 * px] : []);
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
  }
  ctx.restore();
}

const inside = (u, limits) => limits.filter(({ value }) => value >= u.scales.y.min && value <= u.scales.y.max);
const limitY = (u, { value }) => Math.round(u.valToPos(value, 'y', true)) + 0.5;

/**
 * The thresholds' names and values, where they cover neither the water's line nor each other; the nearest ones outside the
 * picture are named at its edge.
 */
function nameLimits(u, limits, columns, colors, decimals) {
  const { ctx, bbox } = u;
  const { min, max } = u.scales.y;
  const px = devicePixelRatio;
  ctx.save();
  setFont(ctx);
  ctx.textAlign = 'left';
  const water = waterline(u, columns);
  const taken = [];
  const place = (text, ys, color) => {
    const width = ctx.measureText(text).width;
    const room = bbox.width - width - 12 * px;
    const xs = [1, 0, 0.5, 0.25, 0.75, 0.125, 0.875, 0.375, 0.625].map((share) => bbox.left + 6 * px + share * Math.max(room, 0));
    let best = null;
    for (const y of ys) {
      for (const x of xs) {
        const box = { left: x - 3 * px, right: x + width + 3 * px, top: y - 11 * px, bottom: y + 4 * px };
        const bad = taken.some((one) => overlap(one, box)) ? Infinity : covered(water, box);
        if (best === null || bad < best.bad) best = { bad, x, y, box };
      }
      if (best.bad === 0) break;
    }
    taken.push(best.box);
    label(ctx, text, best.x, best.y, color, colors.background);
  };
  const text = (limit) => `${say(`threshold.${limit.name}`)} ${number(limit.value, decimals)}`;
  for (const limit of inside(u, limits)) {
    const y = limitY(u, limit);
    const ys = [y - 5 * px, y + 14 * px].filter((one) => one > bbox.top + 10 * px && one < bbox.top + bbox.height - 3 * px);
    place(text(limit), ys.length ? ys : [y - 5 * px], colors.ink);
  }
  const above = limits.find((one) => one.value > max);
  const below = limits.findLast((one) => one.value < min && one.name === 'low');
  if (above) place(`${text(above)} ↑`, [bbox.top + 12 * px], colors.muted);
  if (below) place(`${text(below)} ↓`, [bbox.top + bbox.height - 6 * px], colors.muted);
  ctx.restore();
}

const overlap = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

/** Where the water is drawn: for each point its x, and the highest and lowest y of its band, in pixels. */
function waterline(u, { x, low, high, value }) {
  const out = [];
  for (let at = 0; at < x.length; at += 1) {
    if (value[at] === null) continue;
    out.push({
      x: u.valToPos(x[at], 'x', true),
      top: u.valToPos(high[at] ?? value[at], 'y', true),
      bottom: u.valToPos(low[at] ?? value[at], 'y', true),
    });
  }
  return out;
}

/** How much of the water's line a box would cover: points inside, and stretches that cross it between two points. */
function covered(water, box) {
  let count = 0;
  for (let at = 0; at < water.length; at += 1) {
    const one = water[at];
    if (one.x > box.right) break;
    const next = water[at + 1] ?? one;
    if (next.x < box.left) continue;
    if (Math.min(one.top, next.top) < box.bottom && Math.max(one.bottom, next.bottom) > box.top) count += 1;
  }
  return count;
}

/** Suspect values are hollow, failed ones crosses; none is hidden. */
function drawDoubt(u, { x, value, flag, failed }, colors, radius) {
  const { ctx, bbox } = u;
  const px = devicePixelRatio;
  ctx.save();
  clip(u, 6 * px);
  ctx.lineWidth = 1.5 * px;
  ctx.strokeStyle = colors.line;
  ctx.fillStyle = colors.background;
  for (let at = 0; at < x.length; at += 1) {
    if (value[at] === null || !doubtful(flag[at])) continue;
    ctx.beginPath();
    ctx.arc(u.valToPos(x[at], 'x', true), u.valToPos(value[at], 'y', true), radius * px, 0, 2 * Math.PI);
    ctx.fill();
    ctx.stroke();
  }
  ctx.strokeStyle = colors.ink;
  for (const one of failed) {
    const left = u.valToPos(one.x, 'x', true);
    const top = Math.min(Math.max(u.valToPos(one.value, 'y', true), bbox.top + 4 * px), bbox.top + bbox.height - 4 * px);
    ctx.beginPath();
    ctx.moveTo(left - 3.5 * px, top - 3.5 * px);
    ctx.lineTo(left + 3.5 * px, top + 3.5 * px);
    ctx.moveTo(left + 3.5 * px, top - 3.5 * px);
    ctx.lineTo(left - 3.5 * px, top + 3.5 * px);
    ctx.stroke();
  }
  ctx.restore();
}

function clip(u, more = 0) {
  const { left, top, width, height } = u.bbox;
  u.ctx.beginPath();
  u.ctx.rect(left - more, top - more, width + 2 * more, height + 2 * more);
  u.ctx.clip();
}

function setFont(ctx) {
  ctx.font = FONT.replace(/^\d+/, (size) => String(Math.round(Number(size) * devicePixelRatio)));
}

function label(ctx, text, x, y, color, ground) {
  ctx.setLineDash([]);
  ctx.lineWidth = 4 * devicePixelRatio;
  ctx.lineJoin = 'round';
  ctx.strokeStyle = ground;
  ctx.strokeText(text, x, y);
  ctx.fillStyle = color;
  ctx.fillText(text, x, y);
}
