// Fingers on a chart: one moves the crosshair, two zoom. Scrolling the page up and down stays the browser's.

export function followFingers(u, { least, done }) {
  const fingers = new Map();
  let start = null;
  const at = (event) => event.clientX - u.over.getBoundingClientRect().left;

  u.over.addEventListener('pointerdown', (event) => {
    if (event.pointerType !== 'touch') return;
    fingers.set(event.pointerId, at(event));
    if (fingers.size === 1) u.setCursor({ left: at(event), top: 20 });
    if (fingers.size === 2) {
      const { min, max } = u.scales.x;
      const [a, b] = [...fingers.values()].map((left) => u.posToVal(left, 'x'));
      start = { a, b, min, max };
    }
  });

  u.over.addEventListener('pointermove', (event) => {
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, at(event));
    if (fingers.size === 1 && !start) u.setCursor({ left: at(event), top: 20 });
    if (fingers.size !== 2 || !start) return;
    // The two moments that were under the fingers stay under them.
    const [left, right] = [...fingers.values()];
    const width = u.over.clientWidth;
    if (Math.abs(right - left) < 12) return;
    const perPixel = (start.b - start.a) / (right - left);
    if (perPixel <= 0) return;
    const min = start.a - left * perPixel;
    const max = min + width * perPixel;
    if (max - min >= least) u.setScale('x', { min, max });
  });

  const end = (event) => {
    if (!fingers.delete(event.pointerId)) return;
    if (start && fingers.size < 2) {
      start = null;
      const { min, max } = u.scales.x;
      done(min, max);
    }
  };
  u.over.addEventListener('pointerup', end);
  u.over.addEventListener('pointercancel', end);
}
