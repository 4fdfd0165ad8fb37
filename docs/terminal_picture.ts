/**
 * A terminal's screen as SVG. Knows the styles that the live view uses: bold, dim, red.
 *
 * @module
 */

import { escaped } from "../system/printable.ts";

/** Pixels of a character, and around the screen. */
const [WIDTH, HEIGHT, EDGE] = [8.43, 18, 14];

// deno-lint-ignore no-control-regex
const STYLE = /\x1b\[([\d;]*)m/;

/**
 * Draws lines of text with escape sequences for their styles.
 *
 * @param columns of the terminal.
 */
export function terminalPicture(lines: readonly string[], columns: number): string {
  const [width, height] = [columns * WIDTH + 2 * EDGE, lines.length * HEIGHT + 2 * EDGE];
  // A style stays until the next one, also across lines.
  const styles = new Set<string>();
  const rows = lines.map((line, row) =>
    // Browsers keep spaces because of the style, other renderers because of this.
    `<text xml:space="preserve" x="${EDGE}" y="${EDGE + (row + 0.75) * HEIGHT}">${
      spansOf(line, styles)
    }</text>`
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `viewBox="0 0 ${width} ${height}">
<style>
text { font: 14px "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #d6dde6; white-space: pre; }
.bold { font-weight: bold; fill: #ffffff; } .dim { fill: #7d8896; } .red { fill: #ff7b72; }
</style>
<rect width="100%" height="100%" rx="8" fill="#10151c"/>
${rows.join("\n")}
</svg>
`;
}

/** The parts of a line, each at its own column, because fonts differ in the width of blocks. */
function spansOf(line: string, styles: Set<string>): string {
  let column = 0;
  return line.split(new RegExp(`(${STYLE.source})`)).flatMap((part, index) => {
    // Odd parts are the numbers of the escape sequences.
    if (index % 3 === 2) return [];
    const style = STYLE.exec(part);
    if (style !== null) {
      change(styles, style[1]!);
      return [];
    }
    if (part === "") return [];
    const [from, length] = [EDGE + column * WIDTH, [...part].length];
    column += length;
    return [
      `<tspan x="${from.toFixed(2)}" textLength="${(length * WIDTH).toFixed(2)}"` +
      `${styles.size === 0 ? "" : ` class="${[...styles].join(" ")}"`}>${escaped(part)}</tspan>`,
    ];
  }).join("");
}

function change(styles: Set<string>, codes: string): void {
  for (const code of codes.split(";")) {
    if (code === "1") styles.add("bold");
    else if (code === "2") styles.add("dim");
    else if (code === "31") styles.add("red");
    else if (code === "39") styles.delete("red");
    else if (code === "0" || code === "") styles.clear();
  }
}
