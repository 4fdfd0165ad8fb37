/**
 * How the report looks: on a screen, on a phone, in dark mode, on paper.
 *
 * @module
 */

/** Colours of a page; their names are those of the theme. In dark mode, data is brighter. */
export const PALETTE = `
:root {
  --blue: #0072b2; --orange: #b87f00; --green: #008563; --red: #d55e00; --purple: #b8578f;
  --sky: #3a9bd9; --grey: #7d8590; --brown: #8c564b;
  --text: #1f2328; --muted: #59636e; --line: #d1d9e0;
  --page: #ffffff; --panel: #f6f8fa; --good: #1a7f37; --poor: #9a6700; --bad: #cf222e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --blue: #4ca9e8; --orange: #f0b33c; --green: #35c99b; --red: #ff8a4c; --purple: #e59bc6;
    --sky: #86cbf5; --grey: #8b949e; --brown: #c49c94; --text: #e6edf3; --muted: #9da7b3; --line: #30363d;
    --page: #0d1117; --panel: #161b22; --good: #56d364; --poor: #e3b341; --bad: #ff7b72;
  }
}`;

/** How findings look, on every page. */
export const FINDINGS_CSS = `.finding { margin: 10px 0; }
.finding p { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
.finding b { font-size: 12px; letter-spacing: .06em; margin-right: 6px; }
.finding.lost b, .finding.slow b { color: var(--bad); }
.finding.risk b { color: var(--poor); }
.finding ul { margin: 2px 0; padding-left: 20px; }
.findings { margin-top: 24px; }
.findings ol { margin: 4px 0; padding-left: 22px; }`;

/** The style sheet. */
export const CSS = `${PALETTE}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 32px 24px 48px; max-width: 1020px; background: var(--page);
  color: var(--text); font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif;
}
h1 { font-size: 26px; line-height: 1.2; margin: 4px 0 12px; overflow-wrap: anywhere; }
h2 { font-size: 17px; margin: 0 0 2px; }
.verdict { display: inline-block; margin: 0; font-size: 12px; font-weight: 700;
  letter-spacing: .06em; padding: 2px 10px; border-radius: 99px; border: 1.5px solid; }
.complete { color: var(--good); }
.partial { color: var(--poor); }
dl { display: flex; flex-wrap: wrap; gap: 4px 28px; margin: 0 0 16px; }
dt { font-size: 12px; color: var(--muted); }
dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.headlines { margin: 0; padding: 14px 18px 14px 34px; background: var(--panel); border-radius: 8px; }
.headlines li { margin: 3px 0; }
${FINDINGS_CSS}
.reasons { margin-top: 16px; }
.reasons ul { margin: 4px 0; padding-left: 20px; }
figure, section { margin: 40px 0 0; }
figcaption p { margin: 0 0 10px; color: var(--muted); max-width: 75ch; overflow-wrap: anywhere; }
.drawing svg { display: block; max-width: 100%; height: auto; }
.drawing.narrow { display: none; }
details { margin-top: 6px; }
summary { cursor: pointer; color: var(--muted); font-size: 13px; width: max-content; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.table { overflow-x: auto; max-height: 420px; overflow-y: auto; margin-top: 6px;
  border: 1px solid var(--line); border-radius: 6px; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; width: 100%; }
th, td { padding: 4px 12px; text-align: right; border-bottom: 1px solid var(--line);
  white-space: nowrap; font-weight: 400; }
thead th { position: sticky; top: 0; background: var(--panel); color: var(--muted); }
.words { text-align: left; }
tbody tr:last-child > * { border-bottom: 0; }
#not-available td, #not-available th { white-space: normal; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }
#not-available th { min-width: 13em; }
footer { margin-top: 48px; border-top: 1px solid var(--line); color: var(--muted); font-size: 13px; }
:focus-visible { outline: 2px solid var(--blue); outline-offset: 2px; }
@media (max-width: 700px) {
  body { padding: 20px 16px 32px; }
  h1 { font-size: 22px; }
  #not-available th { min-width: 8em; }
  .drawing.wide { display: none; }
  .drawing.narrow { display: block; }
}
@media print {
  :root { --blue: #0072b2; --orange: #b87f00; --green: #008563; --red: #d55e00; --purple: #b8578f;
    --sky: #3a9bd9; --grey: #7d8590; --brown: #8c564b; --text: #000; --muted: #444; --line: #ccc; --page: #fff;
    --bad: #cf222e; --panel: #f4f4f4; --good: #1a7f37; --poor: #9a6700; }
  body { max-width: none; padding: 0; font-size: 11pt; }
  figure, header, tr { break-inside: avoid; }
  details { display: none; }
  .drawing.wide { display: block; }
  .drawing.narrow { display: none; }
}
`;
