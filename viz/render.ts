/**
 * From Vega-Lite to SVG, without a browser. Loads Vega only when something is drawn.
 *
 * @module
 */

import type { TopLevelSpec } from "npm:vega-lite@6.5.0";
import { CONFIG } from "./theme.ts";

const VEGA = "npm:vega@6.4.0";
const VEGA_LITE = "npm:vega-lite@6.5.0";

/** A specification as it is drawn and as `--spec` writes it. */
export function complete(spec: TopLevelSpec): TopLevelSpec {
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    ...spec,
    config: CONFIG,
  } as TopLevelSpec;
}

/** Draws a specification as SVG; the same one is the same text every time. */
export async function svgOf(spec: TopLevelSpec): Promise<string> {
  const [vega, vegaLite] = await Promise.all([
    import(VEGA) as Promise<typeof import("npm:vega@6.4.0")>,
    import(VEGA_LITE) as Promise<typeof import("npm:vega-lite@6.5.0")>,
  ]);
  // Its types do not know it.
  (vega as unknown as { textMetrics: { width: typeof widthOf } }).textMetrics.width = widthOf;
  vega.resetSVGDefIds();
  const quiet = { ...vega.logger(vega.Error), warn: () => quiet, info: () => quiet };
  const { spec: drawn } = vegaLite.compile(complete(spec), { logger: quiet as never });
  const view = new vega.View(vega.parse(drawn), { renderer: "none", logger: quiet as never });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

/** About the width of a text in DejaVu Sans, pixels: there is no canvas that could measure it. */
function widthOf(
  item: { readonly fontSize?: number; readonly fontWeight?: string | number },
  text?: unknown,
): number {
  const characters = [...String(text ?? "")];
  const units = characters.reduce((sum, character) => sum + unitsOf(character), 0);
  const isBold = item.fontWeight === "bold" || Number(item.fontWeight) >= 600;
  return units * (isBold ? 1.13 : 1) * (item.fontSize ?? 11);
}

function unitsOf(character: string): number {
  if (/[A-Z@%]/.test(character)) return 0.7;
  if (/[ .,:;'|!ilj]/.test(character)) return 0.33;
  if (/[mwMW\u2192]/.test(character)) return 0.95;
  return character.codePointAt(0)! > 0x2e80 ? 1 : 0.62;
}
