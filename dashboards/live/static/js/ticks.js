// Where the time axis has its marks and what they say, counted in the station's zone. No DOM here.
import { clock, monthDay, offsetOf } from './format.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
  HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 5 * DAY, 10 * DAY, 30 * DAY, 90 * DAY,
];
const SPACE = 64;
const HALF_LABEL = 18;

/** Round times of the station's clock between two moments (ms), with room for a label each on this width (px). */
export function ticks(min, max, width, zone) {
  const most = Math.max(Math.floor(width / SPACE), 2);
  const step = STEPS.find((one) => (max - min) / one <= most) ?? STEPS.at(-1);
  const offset = offsetOf(min, zone) * 1000;
  // A label that would hang over the edge is left out.
  const end = max - ((max - min) * HALF_LABEL) / width;
  const out = [];
  for (let at = Math.ceil((min + offset) / step) * step - offset; at <= end; at += step) out.push(at);
  return out;
}

/** The time of each mark; under the first one and where a day begins also the date. */
export function labels(marks, zone) {
  const daily = marks.length > 1 && marks[1] - marks[0] >= DAY;
  let before = '';
  return marks.map((ms) => {
    const date = monthDay(ms, zone);
    if (daily) return date;
    const text = date === before ? clock(ms, zone) : `${clock(ms, zone)}\n${date}`;
    before = date;
    return text;
  });
}
