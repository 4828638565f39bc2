// What the address says: which station, over which range. #/station/ID/7d

export const RANGES = { '1h': 3_600_000, '24h': 86_400_000, '7d': 7 * 86_400_000, '30d': 30 * 86_400_000 };
export const USUAL_RANGE = '24h';

export function readRoute() {
  const [, kind, id, range] = location.hash.replace(/^#/, '').split('/');
  return {
    station: kind === 'station' && id ? decodeURIComponent(id) : null,
    range: range in RANGES ? range : USUAL_RANGE,
  };
}

export const hashOf = (id, range = USUAL_RANGE) =>
  `#/station/${encodeURIComponent(id)}${range === USUAL_RANGE ? '' : `/${range}`}`;
