// State marks (a shape each, from the symbols in the page) and the small line of a row.

const SVG = 'http://www.w3.org/2000/svg';

export const STATES = ['danger', 'warning', 'action', 'low', 'stale', 'waiting', 'normal', 'no_threshold'];

export function svg(name, attributes = {}) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

/** An element with a class, text and children: all that building rows needs. */
export function el(name, className = '', ...children) {
  const node = document.createElement(name);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

/** Change text only where it differs: a reader's selection and a screen reader stay where they are. */
export function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function mark(state) {
  const drawn = svg('svg', { class: 'mark', viewBox: '0 0 24 16', 'aria-hidden': 'true' });
  drawn.append(svg('use', { href: `#m-${state}` }));
  drawn.dataset.state = state;
  return drawn;
}

export function setMark(drawn, state) {
  if (drawn.dataset.state === state) return;
  drawn.dataset.state = state;
  drawn.firstChild.setAttribute('href', `#m-${state}`);
}

/** The drawing of a small line; `drawSpark` fills it. */
export function sparkNode() {
  const drawn = svg('svg', { class: 'spark', viewBox: '0 -4 97 108', preserveAspectRatio: 'none', 'aria-hidden': 'true' });
  drawn.append(svg('path', { class: 'hair' }), svg('path', { class: 'line' }), svg('path', { class: 'dot' }));
  return drawn;
}

/** Steps are 0 (bottom) to 100; null is a gap, and a gap is no line. */
export function drawSpark(drawn, spark) {
  const [hair, line, dot] = drawn.children;
  if (!spark) {
    for (const path of drawn.children) path.setAttribute('d', '');
    return;
  }
  let d = '';
  let last = '';
  spark.steps.forEach((step, at) => {
    if (step === null) return;
    const point = `${at + 0.5} ${100 - step}`;
    if (at > 0 && spark.steps[at - 1] !== null) d += `L${point}`;
    // A single point between two gaps is a dot: a line of no length with a round end.
    else d += `M${point}${spark.steps[at + 1] === null || at + 1 === spark.steps.length ? 'h0' : ''}`;
    last = `M${point}h0`;
  });
  line.setAttribute('d', d);
  dot.setAttribute('d', last);
  hair.setAttribute('d', spark.line === null ? '' : `M0 ${100 - spark.line}H97`);
  hair.classList.toggle('beyond', spark.beyond);
}

/** How full a reservoir is, as a bar; `drawFill` fills it. The number stands beside it in words. */
export function fillNode() {
  const bar = el('span', 'fill', el('i'));
  bar.setAttribute('aria-hidden', 'true');
  return bar;
}

export function drawFill(bar, percent) {
  bar.hidden = percent === null;
  const share = Math.min(Math.max(percent ?? 0, 0), 100);
  bar.firstChild.style.setProperty('--full', `${share.toFixed(1)}%`);
  bar.classList.toggle('over', percent !== null && percent > 100);
}
