/**
 * The processing time of all packets over time, not only three percentiles.
 *
 * @module
 */

import type { TopLevelSpec } from "vega-lite";
import type { MetricsDocument, Window } from "../../metrics/document.ts";
import type { Chart } from "./chart.ts";
import {
  clockOf,
  gapBefore,
  histograms,
  integer,
  secondsOf,
  shortestSeen,
  significant,
} from "../series.ts";
import { duration } from "../format.ts";
import { COLOURS, INK, timeAxis, timesAxis } from "./theme.ts";

/** The most columns of visible cells. */
const MOST_COLUMNS = 120;

interface Cell {
  readonly time: string;
  readonly end: string;
  readonly lower: number;
  readonly upper: number;
  /** Packets per second. */
  readonly rate: number;
  readonly count: number;
}

/** A cell for each stretch of time and each quarter of a power of two of the processing time. */
export function heatMap(document: MetricsDocument): Chart | null {
  const cells = cellsOf(document);
  if (cells.length === 0) return null;
  const clock = clockOf(document.windows);
  const total = cells.reduce((sum, { count }) => sum + count, 0);
  const most = cells.reduce((a, b) => b.rate > a.rate ? b : a);
  return {
    id: "latency-heat-map",
    title: "Every packet's processing time",
    caption:
      "Each cell counts answered packets by time and processing time; a stronger colour means " +
      `more packets, ${integer(total)} in all. The strongest cell has ${
        significant(most.rate)
      } per ` +
      `second at ${duration(most.lower)}\u2013${duration(most.upper)}.` +
      (gapsOf(document.windows).length === 0 ? "" : " Grey: not watched."),
    table: {
      columns: ["UTC", "packets", "shortest", "most at", "longest"],
      rows: byTime(cells).map((column) => {
        const crowded = column.reduce((a, b) => b.count > a.count ? b : a);
        return [
          clock(column[0]!.time),
          integer(column.reduce((sum, { count }) => sum + count, 0)),
          duration(Math.min(...column.map(({ lower }) => lower))),
          `${duration(crowded.lower)}\u2013${duration(crowded.upper)}`,
          duration(Math.max(...column.map(({ upper }) => upper))),
        ];
      }),
    },
    spec: ({ width, ticks }): TopLevelSpec => {
      const domain: [number, number] = [
        Math.min(...cells.map(({ lower }) => lower)),
        Math.max(...cells.map(({ upper }) => upper)),
      ];
      const x = { x: timeAxis(ticks, document.windows), x2: { field: "end" } };
      const drawn = {
        data: { values: cells },
        mark: { type: "rect" as const, color: COLOURS.blue },
        encoding: {
          ...x,
          y: { field: "lower", ...timesAxis(domain) },
          y2: { field: "upper" },
          // Not fillOpacity: Vega has no legend for that.
          opacity: {
            field: "rate",
            type: "quantitative" as const,
            scale: { type: "log" as const, range: [0.12, 1] },
            legend: {
              title: "packets/s",
              titleColor: INK.muted,
              titleFontWeight: "normal" as const,
              titleOrient: "left" as const,
              format: ",.2~r",
              values: legendValues(cells),
              symbolType: "square",
              symbolFillColor: COLOURS.blue,
              symbolStrokeWidth: 0,
              symbolSize: 160,
            },
          },
        },
      };
      const gaps = {
        data: { values: gapsOf(document.windows) },
        mark: { type: "rect" as const, color: COLOURS.grey, opacity: 0.18 },
        encoding: x,
      };
      return { width: width - 70, height: 220, layer: [gaps, drawn] };
    },
  };
}

function cellsOf({ windows }: MetricsDocument): Cell[] {
  const columns = columnsOf(windows);
  return columns.flatMap(({ time, end, windows }) => {
    const seconds = windows.reduce((sum, window) => sum + secondsOf(window), 0);
    const counts = new Map<number, number>();
    for (const { series } of windows) {
      for (const { buckets } of histograms(series, "packet_processing_time")) {
        for (const { lower, count } of buckets) {
          const row = rowOf(lower);
          counts.set(row, (counts.get(row) ?? 0) + count);
        }
      }
    }
    return [...counts].map(([row, count]) => ({
      ...{ time, end, ...boundsOf(row), count, rate: count / seconds },
    }));
  });
}

interface Column {
  readonly time: string;
  end: string;
  readonly windows: Window[];
}

/** Windows joined into columns that are wide enough to be visible; no column spans a gap. */
function columnsOf(windows: readonly Window[]): Column[] {
  const [first, last] = [windows[0], windows.at(-1)];
  if (first === undefined || last === undefined) return [];
  const least = (Date.parse(last.end) - Date.parse(first.start)) / MOST_COLUMNS;
  const columns: Column[] = [];
  windows.forEach((window, index) => {
    const column = columns.at(-1);
    const fits = column !== undefined && !gapBefore(windows, index) &&
      Date.parse(window.end) - Date.parse(column.time) <= 1.001 * least;
    if (!fits) return void columns.push({ time: window.start, end: window.end, windows: [window] });
    column.windows.push(window);
    column.end = window.end;
  });
  // A short column beside a long gap is drawn wide enough to be visible.
  columns.forEach((column, index) => {
    const next = Date.parse(columns[index + 1]?.time ?? "") || Infinity;
    const end = Math.min(Date.parse(column.time) + shortestSeen(windows), next);
    if (end > Date.parse(column.end)) column.end = new Date(end).toISOString();
  });
  return columns;
}

/** The gaps that are long enough to be visible. */
function gapsOf(windows: readonly Window[]): { readonly time: string; readonly end: string }[] {
  return windows.flatMap((window, index) =>
    gapBefore(windows, index) ? [{ time: windows[index - 1]!.end, end: window.start }] : []
  );
}

/** The weakest colour, the strongest and two between, even on a logarithmic scale. */
function legendValues(cells: readonly Cell[]): number[] {
  const rates = cells.map(({ rate }) => rate);
  const [least, most] = [Math.min(...rates), Math.max(...rates)];
  return least === most
    ? [most]
    : [0, 1 / 3, 2 / 3, 1].map((part) => least * (most / least) ** part);
}

/** Four rows per power of two, from 1 ns on. */
function rowOf(lower: number): number {
  const value = Math.max(1, lower);
  const octave = Math.floor(Math.log2(value));
  return 4 * octave + Math.min(3, Math.floor(4 * (value / 2 ** octave - 1)));
}

function boundsOf(row: number): { lower: number; upper: number } {
  const octave = 2 ** Math.floor(row / 4);
  const part = row % 4;
  return { lower: octave * (1 + part / 4), upper: octave * (1 + (part + 1) / 4) };
}

function byTime(cells: readonly Cell[]): Cell[][] {
  return [...Map.groupBy(cells, ({ time }) => time).values()];
}
