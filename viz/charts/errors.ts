/**
 * Errors by kind: when, and how many.
 *
 * @module
 */

import type { TopLevelSpec } from "vega-lite";
import type { MetricsDocument, Series } from "../../metrics/document.ts";
import type { Chart, Layout } from "./chart.ts";
import { printable } from "../../system/printable.ts";
import { counters, drawnEnds, errorName, integer, secondsOf, top } from "../series.ts";
import { shortNames } from "./text_width.ts";
import { COLOURS, MOST_SERIES, SERIES_COLOURS, timeAxis } from "./theme.ts";

/** The rare kinds together. */
const OTHER = "other";

/** The most bars that are readable. */
const MOST_BARS = 12;

/** Errors per second over time, stacked by kind, and their number; null without any. */
export function errors(document: MetricsDocument): Chart | null {
  const totals = eventsOf(document.totals).toSorted((a, b) => b.count - a.count);
  if (totals.length === 0) return null;
  const { kept, left } = top(totals, MOST_SERIES, ({ count }) => count);
  const names = [...kept.map(({ name }) => name), ...(left.length === 0 ? [] : [OTHER])];
  const isKept = new Set(kept.map(({ name }) => name));
  const ends = drawnEnds(document.windows);
  const rows = document.windows.flatMap((window) =>
    eventsOf(window.series).map(({ name, count }) => ({
      time: window.start,
      end: ends.get(window.start)!,
      kind: isKept.has(name) ? name : OTHER,
      rate: count / secondsOf(window),
    }))
  );
  const all = totals.reduce((sum, { count }) => sum + count, 0);
  return {
    id: "errors",
    title: "Errors by kind",
    caption: `${integer(all)} in all, most of them ${totals[0]!.name} ` +
      `(${
        integer(totals[0]!.count)
      }). One packet may cause several: an exception, one of Kea's own ` +
      "counters, and a missing answer.",
    table: {
      columns: ["kind", "events"],
      rows: totals.map(({ name, count }) => [name, integer(count)]),
    },
    spec: (layout) =>
      rows.length === 0 ? inAll(totals, layout) : overTime(document, rows, names, layout),
  };
}

interface Row {
  readonly time: string;
  readonly end: string;
  readonly kind: string;
  readonly rate: number;
}

function overTime(
  { windows }: MetricsDocument,
  rows: readonly Row[],
  names: readonly string[],
  { name, width, ticks }: Layout,
): TopLevelSpec {
  const isWide = name === "wide";
  const short = shortNames(names, isWide ? 260 : 240);
  const kinds = names.map(short);
  return {
    data: { values: rows.map((row) => ({ ...row, kind: short(row.kind) })) },
    width: width - 56,
    height: 150,
    mark: { type: "bar" },
    encoding: {
      x: timeAxis(ticks, windows),
      x2: { field: "end" },
      y: {
        field: "rate",
        type: "quantitative",
        title: "events/s",
        aggregate: "sum",
        axis: { tickCount: 4, format: "~s" },
      },
      color: {
        field: "kind",
        type: "nominal",
        sort: kinds,
        scale: { domain: kinds, range: SERIES_COLOURS.slice(0, names.length) },
        legend: { columns: isWide ? 3 : 1, labelLimit: 0 },
      },
    },
  };
}

/** Totals only, for a document without windows. */
function inAll(totals: readonly Total[], { name, width }: Layout): TopLevelSpec {
  const most = totals.slice(0, MOST_BARS);
  const short = shortNames(most.map((total) => total.name), name === "wide" ? 330 : 170);
  const shown = most.map((total) => ({ ...total, name: short(total.name) }));
  return {
    data: { values: shown },
    width,
    autosize: { type: "fit-x", contains: "padding" },
    height: { step: 22 },
    mark: { type: "bar", color: COLOURS.red },
    encoding: {
      x: {
        field: "count",
        type: "quantitative",
        title: "events",
        axis: { format: "~s", tickCount: 4 },
      },
      y: {
        field: "name",
        type: "nominal",
        sort: shown.map((total) => total.name),
        title: null,
        axis: { labelLimit: 0 },
      },
    },
  };
}

interface Total {
  readonly name: string;
  readonly count: number;
}

function eventsOf(series: readonly Series[]): Total[] {
  return counters(series, "error_rate", "events").flatMap(({ labels, value }) => {
    const name = printable(errorName(labels));
    return Number(value) > 0 ? [{ name, count: Number(value) }] : [];
  });
}
