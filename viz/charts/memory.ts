/**
 * The server's memory.
 *
 * @module
 */

import type { TopLevelSpec } from "vega-lite";
import type { MetricsDocument, Series, Window } from "../../metrics/document.ts";
import type { Chart } from "./chart.ts";
import { printable } from "../../system/printable.ts";
import { gauges, significant } from "../series.ts";
import { size } from "../format.ts";
import { MOST_SERIES } from "./theme.ts";
import { linePoints, linesSpec } from "./lines.ts";

/** A line for each kind of memory, from zero. */
export function memory(document: MetricsDocument): Chart | null {
  const totals = gauges(document.totals, "memory_usage", "bytes").filter(({ max }) => max > 0);
  if (totals.length === 0) return null;
  const names = totals.map(kindOf).slice(0, MOST_SERIES);
  const points = linePoints(document, names, (window, name) => {
    const found = kindIn(window, name);
    return found === undefined ? null : found.value / 2 ** 20;
  });
  const first = (name: string) => points.find((point) => point.name === name)?.value ?? 0;
  const [main] = totals;
  const growth = main!.value / 2 ** 20 - first(kindOf(main!));
  return {
    id: "memory",
    title: "Memory",
    caption: `Of the server process. Resident (${kindOf(main!)}) at the end: ` +
      `${size(main!.value)}, ${significant(Math.abs(growth))} MiB ` +
      `${growth < 0 ? "less" : "more"} than in the first window.`,
    table: {
      columns: ["kind", "at the end", "least", "mean", "greatest"],
      rows: totals.map((each) => [
        kindOf(each),
        ...[each.value, each.min, each.mean, each.max].map((bytes) => size(Math.round(bytes))),
      ]),
    },
    spec: (layout): TopLevelSpec =>
      linesSpec(document, points, names, layout, { title: "MiB", format: "~f" }),
  };
}

const kindOf = ({ labels }: Series) => printable(labels["kind"] ?? "");

function kindIn({ series }: Window, kind: string) {
  return gauges(series, "memory_usage", "bytes").find((each) => kindOf(each) === kind);
}
