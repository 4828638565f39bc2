// The link to the server: the first picture, then its changes; notices when the link is cut, and comes back by itself.
import { model, now, setLink, takeChange, takeOldPicture, takePicture, takeTime } from './model.js';

const KEPT = 'aryk.picture';
const RELOADED = 'aryk.reloaded';
const KEEP_EVERY_MS = 20_000;
const TRY_AGAIN_MS = 3_000;

let source = null;
let heardAt = 0;
let keptAt = 0;
let retry = 0;

/** Begin. Resolves once there is something to show: a picture, an old one, or a reason why not. */
export async function startFeed() {
  await fetchPicture();
  if (model.link !== 'forbidden') listen();
  setInterval(watch, 1000);
  addEventListener('online', reconnect);
  addEventListener('pagehide', () => keep(true));
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) keep(true);
    else if (model.link === 'away') reconnect();
  });
}

async function fetchPicture() {
  try {
    const answer = await fetch('/api/stations');
    if (answer.status === 401 || answer.status === 403) {
      setLink('forbidden');
    } else if (!answer.ok) {
      throw new Error(String(answer.status));
    } else {
      take(await answer.json());
      heardAt = Date.now();
    }
  } catch {
    const old = model.picture ? null : kept();
    if (old) takeOldPicture(old);
    away(old ? old.now_ms : null);
  }
}

/** A wall screen runs for months: when the server has a newer page than this one, this one loads itself again. */
function take(picture) {
  const mine = new URL(import.meta.url).pathname.startsWith(`${picture.page}/`);
  if (!mine && sessionStorage.getItem(RELOADED) !== picture.page) {
    sessionStorage.setItem(RELOADED, picture.page);
    location.reload();
    return;
  }
  takePicture(picture);
}

function listen() {
  clearTimeout(retry);
  source?.close();
  const have = model.picture && model.link !== 'away' ? `?have=${encodeURIComponent(model.picture.version)}` : '';
  source = new EventSource(`/events${have}`);
  source.addEventListener('open', heard);
  source.addEventListener('picture', (event) => { heard(); take(JSON.parse(event.data)); keep(false); });
  source.addEventListener('change', (event) => { heard(); takeChange(JSON.parse(event.data)); keep(false); });
  source.addEventListener('beat', (event) => { heard(); takeTime(JSON.parse(event.data).now_ms); });
  source.addEventListener('error', () => {
    away();
    // A stream that was refused is not tried again by the browser; one that broke off is, but one rule is enough.
    source.close();
    clearTimeout(retry);
    retry = setTimeout(reconnect, TRY_AGAIN_MS);
  });
}

async function reconnect() {
  clearTimeout(retry);
  if (model.link === 'open') return;
  try {
    const answer = await fetch('/healthz', { cache: 'no-store' });
    if (answer.status === 401 || answer.status === 403) {
      setLink('forbidden');
      return;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    listen();
  } catch {
    retry = setTimeout(reconnect, TRY_AGAIN_MS);
  }
}

function heard() {
  heardAt = Date.now();
  setLink('open');
}

function away(since = undefined) {
  if (model.link !== 'away') setLink('away', since === undefined ? now() - (Date.now() - heardAt) : since);
}

/** A link can be cut without a word: then the beats stop. */
function watch() {
  const patience = (model.picture?.beat_s ?? 10) * 2500;
  if (model.link === 'open' && Date.now() - heardAt > patience) {
    away();
    source?.close();
    reconnect();
  }
}

function keep(always) {
  if (!model.picture || model.link !== 'open' || (!always && Date.now() - keptAt < KEEP_EVERY_MS)) return;
  keptAt = Date.now();
  try {
    localStorage.setItem(KEPT, JSON.stringify({ ...model.picture, now_ms: now() }));
  } catch {
    // No room, or not allowed: the page works without.
  }
}

function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEPT));
  } catch {
    return null;
  }
}
