"""The page's style sheet: ink on paper, hairlines, one accent; cards on a phone; A4 landscape in print."""

CSS = """
:root { --ink: #16202a; --soft: #56636f; --hair: #cfd6dc; --paper: #fff; --band: #f4f6f8; --accent: #0072b2; --warn: #8a4b00;
  --bad: #b3261e; color-scheme: light; }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; padding: 24px 28px 32px; max-width: 1400px; background: var(--paper); color: var(--ink);
  font: 14px/1.4 system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; font-variant-numeric: tabular-nums; }
header { display: grid; grid-template-columns: 1fr auto; align-items: end; border-bottom: 3px solid var(--ink);
  padding-bottom: 10px; column-gap: 24px; }
.office { grid-column: 1 / -1; margin: 0 0 4px; color: var(--soft); font-size: 16px; }
h1 { margin: 0; font-size: 30px; line-height: 1.15; font-weight: 650; }
h1 span { font-weight: 400; margin-left: .6em; }
.subtitle { margin: 0; color: var(--soft); font-size: 16px; text-align: right; }
.banner { margin: 12px 0 0; padding: 8px 12px; background: var(--band); display: flex; gap: 10px; }
.banner i { font-style: normal; font-weight: 700; color: var(--accent); }
.banner.careful { outline: 1.5px dashed var(--warn); outline-offset: -1.5px; }
.banner.careful i { color: var(--warn); font-size: 17px; line-height: 1.1; }
.figures { display: flex; flex-wrap: wrap; gap: 16px 48px; margin: 20px 0 8px; }
.figure { display: grid; max-width: 300px; }
.figure dd { margin: 0; font-size: 34px; line-height: 1.1; font-weight: 650; letter-spacing: -.01em; }
.figure dt { color: var(--soft); }
.figure dd.note { font-size: 14px; line-height: 1.4; font-weight: 600; letter-spacing: 0; }
.figure.warn dd:first-child { color: var(--warn); }
.figure.bad dd:first-child { color: var(--bad); }
h2, figcaption { margin: 28px 0 6px; font-size: 17px; font-weight: 650; }
figure { margin: 0; }
table { border-collapse: collapse; width: 100%; font-size: 12.5px; }
table:not(.wide) { width: auto; min-width: 60%; }
th, td { padding: 5px; border-bottom: 1px solid var(--hair); text-align: right; vertical-align: baseline; }
thead th { font-weight: 600; vertical-align: bottom; line-height: 1.2; border-bottom: 1.5px solid var(--ink); }
thead small { display: block; color: var(--soft); font-weight: 400; font-size: 11px; white-space: nowrap; }
thead td { border: 0; }
thead th.group { text-align: left; border-bottom: 0; color: var(--soft); font-weight: 600; padding-bottom: 0; }
th.text, td.text, tbody th, tfoot th { text-align: left; }
tbody th { font-weight: 500; }
.wide tbody th { min-width: 150px; }
.wide td.text { line-height: 1.2; min-width: 76px; }
.g { display: none; }
td.number > span { white-space: nowrap; }
.group, .edge { border-left: 1px solid var(--hair); }
.group, .edge { padding-left: 8px; }
tfoot th, tfoot td { font-weight: 650; border-top: 1.5px solid var(--ink); border-bottom: 0; }
td.soft { color: var(--soft); }
td.warn { color: var(--warn); font-weight: 600; }
td.bad { color: var(--bad); font-weight: 700; }
.small, footer p { margin: 6px 0 0; color: var(--soft); font-size: 12px; max-width: 110ch; }
.chart { display: block; width: 100%; height: auto; }
.chart text { font-size: 12px; fill: var(--soft); }
.chart text.strong { font-weight: 700; fill: var(--ink); }
.chart .fact, .bar .fact { fill: var(--accent); }
.chart .partly { fill: url(#hatch); stroke: var(--accent); }
.chart .paper { fill: var(--paper); }
.chart .hair { stroke: var(--hair); }
.chart .plan { stroke: var(--ink); stroke-width: 2.5; }
.bar { display: block; width: 60px; height: 8px; margin: 2px 0 0 auto; }
.bar .room { fill: #dfe4e8; }
.bar .due { stroke: var(--ink); stroke-width: 1.6; }
footer { margin-top: 28px; }
.signs { display: flex; gap: 64px; margin-bottom: 16px; }
.sign { flex: 0 1 340px; display: grid; grid-template-columns: auto 1fr; column-gap: 10px; }
.sign span { border-bottom: 1px solid var(--ink); min-height: 26px; }
.sign small { grid-column: 2; color: var(--soft); }

@media screen and (min-width: 721px) { section { overflow-x: auto; } }
@media screen and (max-width: 1100px) and (min-width: 721px) {
  table.wide { min-width: 1060px; }
}
@media screen and (max-width: 720px) {
  body { padding: 16px; font-size: 15px; }
  header { display: block; }
  h1 { font-size: 26px; }
  h1 span { display: block; margin: 2px 0 0; font-size: 22px; }
  .subtitle { text-align: left; }
  .figures { display: grid; grid-template-columns: 1fr 1fr; gap: 20px 16px; }
  .figure dd { font-size: 28px; }
  .scroll { overflow-x: auto; }
  .chart { min-width: 720px; }
  table.cards, table.cards:not(.wide) { width: 100%; min-width: 0; font-size: 15px; }
  .cards thead { display: none; }
  .cards, .cards tbody, .cards tfoot { display: block; }
  .cards tr { display: flex; flex-direction: column; border-top: 1.5px solid var(--ink); padding: 10px 0 14px; }
  .cards th { order: -2; border: 0; padding: 0 0 4px; font-size: 16px; font-weight: 650; }
  .cards td { display: flex; justify-content: space-between; gap: 16px; border: 0; padding: 3px 0; text-align: right; }
  .cards td::before { content: attr(data-label); color: var(--soft); font-weight: 400; text-align: left; }
  .cards td.text { text-align: right; order: -1; min-width: 0; }
  .cards td:has(> .g) { flex-wrap: wrap; margin-top: 8px; row-gap: 2px; }
  .g { display: block; order: -1; flex-basis: 100%; text-align: left; color: var(--ink); font-weight: 600; }
  .cards td[data-label=""] { justify-content: start; text-align: left; }
  .cards td.empty { display: none; }
  .group, .edge { padding-left: 0; border: 0; }
  .signs { display: grid; gap: 24px; }
}
@page { size: A4 landscape; margin: 10mm; }
@media print {
  body { padding: 0; max-width: none; font-size: 9pt; }
  h1 { font-size: 19pt; }
  .office, .subtitle { font-size: 11pt; }
  .figures { margin: 8pt 0 0; gap: 8pt 32pt; }
  .figure dd { font-size: 19pt; }
  .figure dd.note { font-size: 9pt; }
  .banner { padding: 4pt 8pt; margin-top: 6pt; }
  h2, figcaption { margin: 12pt 0 3pt; font-size: 11pt; break-after: avoid; }
  table { font-size: 8pt; }
  table.wide { font-size: 7.6pt; }
  th, td { padding: 2.5pt 3pt; }
  .group, .edge { padding-left: 5pt; }
  .wide tbody th { min-width: 100pt; }
  .wide td.text { min-width: 50pt; }
  .chart { width: auto; height: 39mm; }
  .bar { width: 44pt; height: 6pt; margin-top: 1pt; }
  thead small { font-size: 6.5pt; }
  thead { display: table-header-group; }
  tr, figure, .signs { break-inside: avoid; }
  .small, footer p { font-size: 7pt; max-width: none; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
