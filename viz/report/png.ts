/**
 * From SVG to PNG. Loads the renderer only when it is needed.
 *
 * @module
 */

import { existsSync } from "node:fs";

const RESVG = "@resvg/resvg-js";

/** Debian's folder of fonts; without fonts, text would silently be missing from a picture. */
const FONTS = "/usr/share/fonts/truetype";

/**
 * Draws an SVG as PNG on white, twice its size.
 *
 * @throws {Error} on a Debian without fonts.
 */
export async function pngOf(svg: string): Promise<Uint8Array> {
  const { Resvg } = await import(RESVG) as typeof import("@resvg/resvg-js");
  if (Deno.build.os === "linux" && !existsSync(FONTS)) {
    throw new Error("Cannot draw PNG, there are no fonts: apt-get install fonts-dejavu-core");
  }
  const drawing = new Resvg(svg, {
    background: "#ffffff",
    fitTo: { mode: "zoom", value: 2 },
    font: {
      loadSystemFonts: true,
      defaultFontFamily: "DejaVu Sans",
      sansSerifFamily: "DejaVu Sans",
    },
  });
  return drawing.render().asPng();
}
