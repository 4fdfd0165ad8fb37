/**
 * A chart for a file: whoever gets nothing but that must see what it shows, and of which server.
 *
 * @module
 */

import type { TopLevelSpec } from "vega-lite";
import type { MetricsDocument } from "../metrics/document.ts";
import type { Chart, Layout } from "./charts/chart.ts";
import { printable } from "../system/printable.ts";
import { serverName, utc } from "./server_name.ts";

/** The specification of a chart with its heading, and under it the server and when the run began. */
export function titled(
  { title, spec }: Chart,
  layout: Layout,
  { server, capture: { started } }: MetricsDocument,
): TopLevelSpec {
  const parts = [serverName(server), ...started === null ? [] : [`from ${utc(started)}`]];
  const subtitle = printable(parts.join(", "));
  return { ...spec(layout), title: { text: title, subtitle, limit: layout.width } };
}
