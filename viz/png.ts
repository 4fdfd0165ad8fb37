/**
 * From SVG to PNG. Loads the renderer only when it is asked for.
 *
 * @module
 */

const RESVG = "npm:@resvg/resvg-js@2.6.2";

/** Draws an SVG as PNG on white, twice as large as it says. */
export async function pngOf(svg: string): Promise<Uint8Array> {
  const { Resvg } = await import(RESVG) as typeof import("npm:@resvg/resvg-js@2.6.2");
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
