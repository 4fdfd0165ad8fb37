/**
 * How the live page looks: on a screen, on a phone, in dark mode.
 *
 * @module
 */

import { FINDINGS_CSS, PALETTE } from "../../viz/report/report_style.ts";

/** The style sheet. The drawings that are shown depend on the width, as in `live.js`. */
export const CSS = `${PALETTE}
${FINDINGS_CSS}
:root { --shade: #eaeef2; }
@media (prefers-color-scheme: dark) { :root { --shade: #21262d; } }
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 0 24px 40px; max-width: 1280px; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif;
}
a { color: inherit; text-decoration-color: var(--muted); text-underline-offset: 3px; }
a:hover { text-decoration-color: currentColor; }
h1, h2, p, dl, dd, ul { margin: 0; }
h1 { font-size: 24px; line-height: 1.25; overflow-wrap: anywhere; }
h2 { font-size: 17px; line-height: 1.3; overflow-wrap: anywhere; }
.skip { position: absolute; left: 16px; top: -60px; padding: 8px 14px; background: var(--panel);
  border-radius: 0 0 8px 8px; }
.skip:focus { top: 0; }
:focus-visible { outline: 2px solid var(--blue); outline-offset: 2px; border-radius: 4px; }
main:focus { outline: none; }
.bar { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 18px; padding: 22px 0 16px; }
.bar h1, .bar nav { flex: 1 1 auto; }
.clock { color: var(--muted); font-variant-numeric: tabular-nums; }
#connection:empty { display: none; }
#connection::before { content: ""; display: inline-block; width: 9px; height: 9px; margin-right: 7px;
  border-radius: 50%; background: var(--good); }
[data-state="lost"] #connection { color: var(--bad); font-weight: 600; }
[data-state="lost"] #connection::before { background: var(--bad); }
[data-state="paused"] #connection::before { background: var(--poor); }
[data-state="lost"] main { filter: grayscale(1); }
.badge { display: inline-block; font-size: 12px; font-weight: 700; letter-spacing: .05em; padding: 1px 10px;
  border-radius: 99px; border: 1.5px solid; white-space: nowrap; }
.badge.good { color: var(--good); }
.badge.poor { color: var(--poor); }
.badge.bad { color: var(--bad); }

.server { display: grid; grid-template-columns: minmax(220px, 2fr) 7fr; gap: 14px 24px; padding: 18px 20px;
  margin-bottom: 14px; background: var(--panel); border: 1px solid var(--line); border-radius: 10px; }
.server .name { min-width: 0; }
.server h2 { display: inline; margin-right: 10px; font-size: 20px; }
.server p { color: var(--muted); font-size: 13px; overflow-wrap: anywhere; }
.server .name .badge + p { margin-top: 6px; }
.server .reason { color: var(--text); margin-top: 4px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(136px, 1fr)); gap: 14px 20px; }
.server .tiles { grid-template-columns: repeat(6, minmax(0, 1fr)); }
.tile { display: flex; flex-direction: column; min-width: 0; }
dt { font-size: 12px; color: var(--muted); }
.tile dd { display: flex; flex-direction: column; flex: 1; }
.tile b { font-size: 20px; line-height: 1.3; font-weight: 600; font-variant-numeric: tabular-nums;
  overflow-wrap: anywhere; }
.tile small { font-size: 12px; color: var(--muted); line-height: 1.35; }
.tile.bad b { color: var(--bad); }
.spark { display: block; width: 100%; height: 28px; margin-top: auto; padding-top: 4px; }
.spark path { fill: none; stroke: var(--blue); stroke-width: 1.5; vector-effect: non-scaling-stroke;
  stroke-linejoin: round; }
.spark.red path { stroke: var(--red); }
.spark path.ground { stroke: var(--line); stroke-width: 1; }
.gone .spark, .unwatched .spark { opacity: .55; }
.waiting { padding: 40px 24px; text-align: center; background: var(--panel); border: 1px dashed var(--line);
  border-radius: 10px; }
.waiting p { color: var(--muted); margin: 8px auto 0; max-width: 60ch; }
.messages { margin-top: 28px; }
.messages ul { list-style: none; padding: 0; margin-top: 6px; font-size: 13px; }
.messages li { padding: 4px 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
.messages time { color: var(--muted); margin-right: 10px; font-variant-numeric: tabular-nums; }

.heading { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 14px; margin-bottom: 10px; }
.facts { display: flex; flex-wrap: wrap; gap: 6px 28px; margin-bottom: 18px; }
.facts dd { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
#numbers .tiles { background: var(--panel); border: 1px solid var(--line); border-radius: 10px;
  padding: 16px 20px; grid-template-columns: repeat(6, minmax(0, 1fr)); }
#numbers .tile.long { grid-column: span 4; }
.reasons { margin-top: 16px; padding: 12px 18px; border: 1px solid var(--poor); border-radius: 10px; }
.reasons ul { padding-left: 20px; margin-top: 4px; }
.reasons li { overflow-wrap: anywhere; }
.state { margin-top: 16px; color: var(--muted); }
.columns { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0 28px; align-items: start; }
figure, .columns section { margin: 32px 0 0; }
figcaption p, .columns section > p { margin: 2px 0 8px; color: var(--muted); font-size: 13px;
  overflow-wrap: anywhere; }
.drawing svg { display: block; max-width: 100%; height: auto; }
.drawing.narrow { display: none; }
details { margin-top: 6px; }
summary { cursor: pointer; color: var(--muted); font-size: 13px; width: max-content; padding: 2px 0; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.table { overflow: auto; max-height: 360px; margin-top: 6px; border: 1px solid var(--line);
  border-radius: 6px; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; width: 100%; }
th, td { padding: 4px 12px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap;
  font-weight: 400; }
thead th { position: sticky; top: 0; background: var(--panel); color: var(--muted); }
.words { text-align: left; }
tbody tr:last-child > * { border-bottom: 0; }
.not-available td, .not-available th { white-space: normal; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }
.about, footer { color: var(--muted); font-size: 13px; }
.about { margin-top: 24px; }
footer { margin-top: 40px; padding-top: 12px; border-top: 1px solid var(--line); }
.not-available th { min-width: 14em; }
@media (max-width: 1100px) {
  #numbers .tiles { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  #numbers .tile.long { grid-column: span 3; }
  .columns { grid-template-columns: minmax(0, 1fr); }
  .server { grid-template-columns: minmax(0, 1fr); }
}
@media (max-width: 700px) {
  body { padding: 0 16px 28px; }
  .bar { padding-top: 16px; }
  h1 { font-size: 21px; }
  .server { padding: 14px 16px; }
  .server .tiles, #numbers .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  #numbers .tiles { padding: 14px 16px; }
  #numbers .tile.long { grid-column: span 2; }
  .not-available th { min-width: 8em; }
  .drawing.wide { display: none; }
  .drawing.narrow { display: block; }
}
@media (prefers-reduced-motion: no-preference) {
  [data-state="live"] #connection::before { animation: breathe 3s ease-in-out infinite; }
  @keyframes breathe { 50% { opacity: .35; } }
}
@media print { .skip, #connection, details { display: none; } body { max-width: none; } }
`;
