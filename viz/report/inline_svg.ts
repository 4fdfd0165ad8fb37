/**
 * A drawing as a part of a page.
 *
 * @module
 */

import { escaped } from "../../system/printable.ts";
import { COLOURS, INK } from "../charts/theme.ts";

/**
 * An SVG of {@linkcode svgOf} for a page: its ids are unique, its colours are those of the page, so that they
 * change in dark mode.
 *
 * @param id begins the ids of its parts.
 * @param words what a screen reader says.
 */
export function inlineSvg(svg: string, id: string, words: string): string {
  let text = svg.replace(/^[^]*?<svg /, "<svg ")
    .replaceAll(/\bid="([^"]+)"/g, `id="${id}-$1"`)
    .replaceAll(/url\(#([^)]+)\)/g, `url(#${id}-$1)`)
    .replace("<svg ", `<svg role="img" aria-label="${escaped(words)}" `);
  for (const [name, colour] of Object.entries({ ...COLOURS, ...INK })) {
    text = text.replaceAll(`"${colour}"`, `"var(--${name})"`);
  }
  return text;
}
