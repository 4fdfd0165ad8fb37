/**
 * From Vega-Lite to SVG, without a browser. Loads Vega only when it is needed.
 *
 * @module
 */

import type { TopLevelSpec } from "vega-lite";
import { BOLD, textWidth } from "../charts/text_width.ts";
import { CONFIG } from "../charts/theme.ts";

const VEGA = "vega";
const VEGA_LITE = "vega-lite";

/** The complete specification, as drawn and as written by `--spec`. */
export function complete(spec: TopLevelSpec): TopLevelSpec {
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    ...spec,
    config: CONFIG,
  } as TopLevelSpec;
}

/** Draws a specification as SVG; the same specification always gives the same text. */
export async function svgOf(spec: TopLevelSpec): Promise<string> {
  const [vega, vegaLite] = await Promise.all([
    import(VEGA) as Promise<typeof import("vega")>,
    import(VEGA_LITE) as Promise<typeof import("vega-lite")>,
  ]);
  // Vega's types do not have it.
  (vega as unknown as { textMetrics: { width: typeof widthOf } }).textMetrics.width = widthOf;
  vega.resetSVGDefIds();
  const quiet = { ...vega.logger(vega.Error), warn: () => quiet, info: () => quiet };
  const { spec: drawn } = vegaLite.compile(complete(spec), { logger: quiet as never });
  const view = new vega.View(vega.parse(drawn), { renderer: "none", logger: quiet as never });
  try {
    return asXml(await view.toSVG());
  } finally {
    view.finalize();
  }
}

/** The approximate width of a text as drawn, pixels: cut if it has a limit. */
function widthOf(
  item: {
    readonly fontSize?: number;
    readonly fontWeight?: string | number;
    readonly limit?: number;
  },
  text?: unknown,
): number {
  const isBold = item.fontWeight === "bold" || Number(item.fontWeight) >= 600;
  const width = textWidth(String(text ?? ""), item.fontSize ?? 11) * (isBold ? BOLD : 1);
  return item.limit !== undefined && item.limit > 0 ? Math.min(width, item.limit) : width;
}

/** Replaces characters that XML forbids, even as a reference: a renderer would refuse the whole file. */
function asXml(svg: string): string {
  return svg.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd");
}
