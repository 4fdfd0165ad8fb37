/**
 * Writes the report and its charts to a folder.
 *
 * @module
 */

import { join } from "node:path";
import type { MetricsDocument } from "../../metrics/document.ts";
import { replaceFile } from "../../system/replace_file.ts";
import type { TopLevelSpec } from "vega-lite";
import { type Chart, type Layout, LAYOUTS } from "../charts/chart.ts";
import { printable } from "../../system/printable.ts";
import { serverHeading, utc } from "../format.ts";
import { chartsOf } from "../charts/all.ts";
import { pngOf } from "./png.ts";
import { complete, svgOf } from "./svg.ts";
import type { DrawnChart } from "./page_parts.ts";
import { report } from "./report.ts";

/** What is written besides `report.html` and one SVG per chart. */
export interface ReportOptions {
  readonly png?: boolean;
  /** The Vega-Lite specification of each chart, with its data, so that users can edit it. */
  readonly spec?: boolean;
}

/**
 * Draws all charts that a document has data for.
 *
 * @param document with as many windows as a chart can show, see `Overview`.
 * @returns the paths of the files, the report first.
 * @throws {WriteError} when a file cannot be written; what was there before stays whole.
 */
export async function writeReport(
  document: MetricsDocument,
  folder: string,
  { png = false, spec = false }: ReportOptions = {},
): Promise<string[]> {
  const drawn: DrawnChart[] = [];
  const paths = [join(folder, "report.html")];
  const write = async (name: string, content: string | Uint8Array) => {
    paths.push(join(folder, name));
    await replaceFile(join(folder, name), content);
  };
  for (const chart of chartsOf(document)) {
    const svgs = new Map<string, string>();
    for (const layout of LAYOUTS) svgs.set(layout.name, await svgOf(chart.spec(layout)));
    drawn.push({ chart, svgs });
    const [wide] = LAYOUTS;
    const alone = titled(chart, wide!, document);
    const svg = await svgOf(alone);
    await write(`${chart.id}.svg`, onWhite(svg));
    if (png) await write(`${chart.id}.png`, await pngOf(svg));
    if (spec) {
      const json = JSON.stringify(complete(alone), null, 2);
      await write(`${chart.id}.vl.json`, `${json}\n`);
    }
  }
  await replaceFile(paths[0]!, report(document, drawn));
  return paths;
}

/** A chart with its title, the server and the start of the run, for a file that is shown alone. */
function titled(
  { title, spec }: Chart,
  layout: Layout,
  { server, capture: { started } }: MetricsDocument,
): TopLevelSpec {
  const parts = [serverHeading(server), ...started === null ? [] : [`from ${utc(started)}`]];
  const subtitle = printable(parts.join(", "));
  return { ...spec(layout), title: { text: title, subtitle, limit: layout.width } };
}

/** A picture on white: on a dark background its text would be unreadable. */
export function onWhite(svg: string): string {
  return svg.replace(/<svg [^>]*>/, '$&<rect width="100%" height="100%" fill="#ffffff"/>');
}
