// Numbers in the reader's locale, times in the station's zone, ages in words.
import { readersLocale, say } from './words.js';

const MINUS = '−';
const numbers = new Map();

/** A number with this many decimals, as the reader's locale writes it. */
export function number(value, decimals = 0) {
  if (!numbers.has(decimals)) {
    numbers.set(decimals, new Intl.NumberFormat(readersLocale(), {
      minimumFractionDigits: decimals, maximumFractionDigits: decimals,
    }));
  }
  const rounded = Number(value.toFixed(decimals));
  return numbers.get(decimals).format(rounded === 0 ? 0 : rounded).replace('-', MINUS);
}

/** A stored value in the unit it is shown in. */
export const shown = (value, sensor) => number(value * sensor.scale, sensor.decimals);

// The server sends each zone's offsets: a browser's own table may be years behind the law.
let zones = {};
export const setZones = (table) => { zones = table; };

/** Seconds east of UTC at this moment. */
export function offsetOf(ms, zone) {
  let found = 0;
  for (const [from, offset] of zones[zone] ?? []) {
    if (from > ms) break;
    found = offset;
  }
  return found;
}

const two = (n) => String(n).padStart(2, '0');
const local = (ms, zone) => new Date(ms + offsetOf(ms, zone) * 1000);

export const day = (ms, zone) => local(ms, zone).toISOString().slice(0, 10);
export const monthDay = (ms, zone) => local(ms, zone).toISOString().slice(5, 10);
export const clock = (ms, zone) => local(ms, zone).toISOString().slice(11, 16);
export const clockSeconds = (ms, zone) => local(ms, zone).toISOString().slice(11, 19);
export const stamp = (ms, zone) => `${day(ms, zone)} ${clock(ms, zone)}`;
export const stampSeconds = (ms, zone) => `${day(ms, zone)} ${clockSeconds(ms, zone)}`;

/** The time alone if it is of today, else with its date. */
export const since = (ms, zone, now) => (day(ms, zone) === day(now, zone) ? clock(ms, zone) : stamp(ms, zone));

export function zoneName(zone, now) {
  const minutes = Math.round(offsetOf(now, zone) / 60);
  const sign = minutes < 0 ? MINUS : '+';
  const hours = Math.floor(Math.abs(minutes) / 60);
  const rest = Math.abs(minutes) % 60;
  const utc = minutes === 0 ? 'UTC' : `UTC${sign}${hours}${rest ? `:${two(rest)}` : ''}`;
  return zone === 'UTC' ? 'UTC' : `${zone}, ${utc}`;
}

/** How long ago, in at most two units. */
export function age(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return say('age.s', { n: s });
  const min = Math.floor(s / 60);
  if (min < 60) return say('age.min', { n: min });
  const h = Math.floor(min / 60);
  if (h < 10 && min % 60) return say('age.h_min', { n: h, min: min % 60 });
  if (h < 48) return say('age.h', { n: h });
  const d = Math.floor(h / 24);
  return d < 10 && h % 24 ? say('age.d_h', { n: d, h: h % 24 }) : say('age.d', { n: d });
}

/** "up 0.12" with an arrow: null when there is nothing to compare with. */
export function change(value, sensor) {
  if (value === null || value === undefined) return null;
  const text = number(Math.abs(value) * sensor.scale, sensor.decimals);
  const step = Math.abs(value) * sensor.scale;
  const flat = step < 0.5 * 10 ** -sensor.decimals;
  return { arrow: flat ? '→' : value > 0 ? '↑' : '↓', text, way: flat ? 'none' : value > 0 ? 'up' : 'down' };
}

/** The unit as it is written; it never breaks in two lines. */
export const unit = (sensor) => (sensor.unit === 'million m³' ? say('unit.million m³') : sensor.unit).replace(' ', '\u00a0');

export function titleOf(sensorKey, sensor) {
  return sensor.title || say(`quantity.${sensorKey.split('/')[0]}`);
}

export function shortTitle(sensorKey, sensor) {
  return sensor.title || say(`short.${sensorKey.split('/')[0]}`);
}

/** What stands beside a station's first number: its text, and for a reservoir how full it is; null when it is not of now. */
export function besideOf(about, station, lastOf) {
  const sensor = station.beside ? about.sensors[station.beside] : null;
  if (!sensor || station.state === 'stale') return null;
  const last = lastOf(station, station.beside);
  if (last.value === null || last.state === 'stale' || last.flag === 4) return null;
  const full = station.beside.startsWith('fill/');
  const plain = `${shown(last.value, sensor)} ${unit(sensor)}`;
  // Metres beside metres need a word.
  const word = unit(sensor) === unit(about.sensors[station.head]) ? ` ${shortTitle(station.beside, sensor).toLowerCase()}` : '';
  const text = full ? say('row.full', { n: number(last.value, 0) }) : `${plain}${word}`;
  return { text, percent: full ? last.value : null };
}
