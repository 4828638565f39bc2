// The picture of all stations as the server last told it, and who wants to know of changes.

const listeners = new Set();
let skew = 0;

export const model = { picture: null, link: 'loading', linkSince: null };

/** The server's clock: ages must not depend on a phone that is set wrong. */
export const now = () => Date.now() + skew;

export const onChange = (listener) => { listeners.add(listener); };

function tell(what) {
  for (const listener of listeners) listener(what);
}

export function takeTime(nowMs) { skew = nowMs - Date.now(); }

export function takePicture(picture) {
  takeTime(picture.now_ms);
  model.picture = picture;
  tell({ whole: true, stations: Object.keys(picture.stations) });
}

/** A picture kept on this device: shown as it was, and no clock is set by it. */
export function takeOldPicture(picture) {
  model.picture = picture;
  tell({ whole: true, stations: Object.keys(picture.stations) });
}

export function takeChange(change) {
  const { picture } = model;
  if (!picture) return;
  takeTime(change.now_ms);
  for (const [id, fields] of Object.entries(change.stations ?? {})) {
    const { sensors, ...rest } = fields;
    const station = (picture.stations[id] ??= { sensors: {} });
    Object.assign(station, rest);
    if (sensors) station.sensors = { ...station.sensors, ...sensors };
  }
  for (const name of ['order', 'summary', 'gateways', 'store', 'ready', 'version']) {
    if (name in change) picture[name] = change[name];
  }
  tell({ whole: false, stations: Object.keys(change.stations ?? {}) });
}

/** link: loading, open, away, forbidden. */
export function setLink(link, since = null) {
  if (model.link === link) return;
  model.link = link;
  model.linkSince = since;
  tell({ whole: false, stations: [] });
}

/** A sensor's last value in words of its own: [value, flag, time, seen, state] as the server sends it. */
export function lastOf(station, key) {
  const row = station.sensors?.[key];
  if (!row) return { value: null, flag: null, ms: null, seen: null, state: 'waiting' };
  const [value, flag, ms, seen, state] = row;
  return { value, flag, ms, seen, state };
}
