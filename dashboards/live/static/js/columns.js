// From what the server answers to what is drawn: columns with gaps put in, the water's own range. No DOM here.

const GAP_INTERVALS = 2;
const FAILED = 4;
const SUSPECT = 3;
const ROOM = 0.08;
const NAME_ROOM = 0.16;
const LEAST_STEPS = 10;
const NEAR = 0.6;

/**
 * Columns in the unit that is shown: x (ms), low, high, value (null where nothing is known), flag.
 * A failed value is in `failed`, not in the line; a bucket that holds a doubtful value stays in it.
 */
export function columns(series, scale) {
  const out = { x: [], low: [], high: [], value: [], flag: [], failed: [], gaps: [] };
  const thinned = series.bucket_ms > 0;
  const most = Math.max(GAP_INTERVALS * series.interval_ms, series.bucket_ms) * 1.001;
  const put = (x, low, high, value, flag) => {
    out.x.push(x); out.low.push(low); out.high.push(high); out.value.push(value); out.flag.push(flag);
  };
  let last = null;
  for (let at = 0; at < series.time_ms.length; at += 1) {
    const ms = series.time_ms[at];
    const flag = series.flag[at];
    const raw = series.value[at];
    const value = raw === null ? null : raw * scale;
    const failed = !thinned && flag === FAILED;
    if (failed && value !== null) out.failed.push({ x: ms, value });
    if (value === null || failed) {
      put(ms, null, null, null, flag);
      continue;
    }
    if (last !== null && ms - last > most) {
      out.gaps.push([last + (thinned ? series.bucket_ms : 0), ms]);
      put((last + ms) / 2, null, null, null, 9);
    }
    put(ms, thinned ? series.low[at] * scale : null, thinned ? series.high[at] * scale : null, value, flag);
    last = ms;
  }
  // A bucket's time is its start: what it holds reaches to its end.
  out.end = last === null ? null : last + series.bucket_ms;
  out.patience = GAP_INTERVALS * series.interval_ms;
  // A missing or failed reading can stand where a gap's middle was put: the drawing needs rising times.
  for (let at = 1; at < out.x.length; at += 1) {
    if (out.x[at] <= out.x[at - 1]) return sorted(out);
  }
  return out;
}

function sorted(out) {
  const places = out.x.map((_, at) => at).sort((a, b) => out.x[a] - out.x[b]);
  for (const name of ['x', 'low', 'high', 'value', 'flag']) {
    const column = out[name];
    out[name] = places.map((at) => column[at]);
  }
  return out;
}

export const doubtful = (flag) => flag === SUSPECT || flag === FAILED;

/**
 * The y axis: the water's own range with a little room, and a threshold that is near. Never from a zero that hides a
 * flood, never below one where nothing is negative, and never so narrow that noise looks like a wave.
 */
export function yRange(low, high, thresholds, decimals) {
  if (low === null || high === null || low === undefined || high === undefined) return [0, 1];
  const step = 10 ** -decimals;
  let bottom = low;
  let top = high;
  const span = Math.max(high - low, LEAST_STEPS * step);
  for (const limit of thresholds) {
    if (limit > top && limit - high <= NEAR * span) top = limit;
    if (limit < bottom && low - limit <= NEAR * span) bottom = limit;
  }
  const lacking = LEAST_STEPS * step - (top - bottom);
  if (lacking > 0) {
    bottom -= lacking / 2;
    top += lacking / 2;
  }
  const extent = top - bottom;
  bottom -= extent * ROOM;
  // A line at the top needs room for its name.
  top += extent * (thresholds.includes(top) ? NAME_ROOM : ROOM);
  if (low >= 0 && bottom < 0) bottom = 0;
  return [bottom, top];
}
