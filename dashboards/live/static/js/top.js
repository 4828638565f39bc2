// The top of the page: is anything wrong, in words; which gateways are silent; and whether the picture is fresh.
import { clock, clockSeconds, day, since, stamp, zoneName } from './format.js';
import { el, mark, put } from './marks.js';
import { model, now } from './model.js';
import { say } from './words.js';

const byId = (id) => document.getElementById(id);
const GATEWAYS_NAMED = 2;

export function drawTop() {
  const { picture } = model;
  document.body.dataset.link = model.link;
  drawBanner();
  if (!picture) {
    put(byId('sentence'), model.link === 'loading' ? say('top.loading') : '');
    document.title = model.link === 'loading' ? 'Aryk' : `${say('tab.away')} – Aryk`;
    return;
  }
  put(byId('title'), picture.title);
  drawClock();
  drawSentence(picture);
  drawNotes(picture);
  drawTab(picture);
}

export function drawClock() {
  const zone = firstZone();
  if (!zone || model.link !== 'open') return;
  const at = now();
  const [time, name] = byId('clock').children;
  put(time, `${day(at, zone)} ${clockSeconds(at, zone)}`);
  put(name, zoneName(zone, at));
}

const firstZone = () => Object.values(model.picture?.catalogue ?? {})[0]?.zone ?? null;

function textOf(part, total) {
  if (part.away) return say('sum.unknown', { n: total });
  if (part.state === 'normal' && part.count === total) return say('sum.all_normal', { n: total });
  if (part.state !== 'stale' || !part.since_ms) return say(`sum.${part.state}`, { n: part.count });
  const time = since(part.since_ms, part.zone, now());
  return say(part.together ? 'sum.stale.since' : 'sum.stale.first', { n: part.count, time });
}

function drawSentence(picture) {
  const sentence = byId('sentence');
  const total = Object.keys(picture.catalogue).length;
  // Without contact nothing is known of now, whatever was known last.
  const away = model.link === 'away' || model.link === 'forbidden';
  const summary = away ? [{ state: 'stale', away }] : picture.summary;
  const texts = picture.ready ? summary.map((part) => textOf(part, total)) : [say('top.loading')];
  const wanted = texts.join(say('sum.join'));
  if (sentence.dataset.text === wanted) return;
  sentence.dataset.text = wanted;
  if (!picture.ready) {
    put(sentence, wanted);
    return;
  }
  const parts = summary.map((part, at) => {
    const node = el('span', 'part', mark(part.state), texts[at] + (at + 1 < texts.length ? say('sum.join').trimEnd() : ''));
    node.dataset.state = part.state;
    return node;
  });
  // Text between the parts, so that it reads and copies as one sentence.
  sentence.replaceChildren(...parts.flatMap((node, at) => (at ? [' ', node] : [node])));
  if (total === 0) put(sentence, say('empty.title'));
}

function drawNotes(picture) {
  const notes = byId('notes');
  const { gateways } = picture;
  const time = (one) => since(one.since_ms, one.zone, now());
  const lines = gateways.length > GATEWAYS_NAMED
    ? [say('top.gateways', { n: gateways.length, time: time(gateways[0]) })]
    : gateways.map((one) => say('top.gateway', { name: one.name, time: time(one), n: one.stations.length }));
  const wanted = lines.join('\n');
  notes.hidden = lines.length === 0;
  if (notes.dataset.text === wanted) return;
  notes.dataset.text = wanted;
  notes.replaceChildren(...lines.map((line) => el('li', '', line)));
}

function drawBanner() {
  const banner = byId('banner');
  const text = bannerText();
  banner.hidden = text === '';
  put(banner, text);
}

function bannerText() {
  const { picture, link, linkSince } = model;
  const zone = firstZone();
  if (link === 'forbidden') return say('top.forbidden');
  if (link === 'away') {
    if (!picture) return say('top.away_first');
    return say('top.away', { time: linkSince && zone ? stamp(linkSince, zone) : clock(now(), 'UTC') });
  }
  if (picture && !picture.store.ok) return say('top.store', { time: zone ? since(picture.store.since_ms, zone, now()) : '' });
  return '';
}

function drawTab(picture) {
  const parts = picture.summary
    .filter((part) => ['danger', 'warning', 'action', 'low', 'stale'].includes(part.state))
    .map((part) => say(`tab.${part.state}`, { n: part.count }));
  const words = model.link === 'away' || model.link === 'forbidden' ? [say('tab.away')] : parts;
  const state = words.length ? words.join(say('sum.join')) : say('tab.normal');
  const title = `${state} – ${picture.title}`;
  if (document.title !== title) document.title = title;
}
