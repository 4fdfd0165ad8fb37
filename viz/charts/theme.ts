/**
 * How charts look: colours that colour-blind people can distinguish (Okabe and Ito), units, axes.
 *
 * @module
 */

import type { Config } from "vega-lite";
import type { Window } from "../../metrics/document.ts";
import { isOfDays } from "../series.ts";

/** Colours of data, at most eight at once. The report has brighter ones, with the same names, for dark mode. */
export const COLOURS = {
  blue: "#0072b2",
  orange: "#e69f00",
  green: "#009e73",
  red: "#d55e00",
  purple: "#cc79a7",
  sky: "#56b4e9",
  grey: "#7d8590",
  brown: "#8c564b",
} as const;

/** The colours of several series of one kind, in their order; the last is for "other". */
export const SERIES_COLOURS = [
  COLOURS.blue,
  COLOURS.orange,
  COLOURS.green,
  COLOURS.purple,
  COLOURS.sky,
  COLOURS.red,
  COLOURS.grey,
];

/** Colours of text and lines. */
export const INK = { text: "#1f2328", muted: "#59636e", line: "#d1d9e0" } as const;

/** The most series that are distinguishable; the others are drawn as one. */
export const MOST_SERIES = 6;

/** Font of all text in charts. */
export const FONT = "DejaVu Sans, Verdana, sans-serif";

/** Font size of a panel's heading, pixels; it is bold. */
export const HEADER_SIZE = 12;

/** Configuration of all charts. */
export const CONFIG: Config = {
  font: FONT,
  background: "transparent",
  padding: 4,
  view: { stroke: null },
  axis: {
    labelColor: INK.muted,
    titleColor: INK.muted,
    titleFontWeight: "normal",
    titleFontSize: 11,
    labelFontSize: 11,
    gridColor: INK.line,
    domainColor: INK.line,
    tickColor: INK.line,
    labelOverlap: true,
    labelSeparation: 6,
  },
  // A label near an end stays within the axis.
  axisX: { grid: false, labelFlush: 30 },
  title: {
    anchor: "start",
    frame: "bounds",
    color: INK.text,
    fontSize: 15,
    subtitleColor: INK.muted,
    subtitleFontSize: 11,
    subtitlePadding: 4,
    offset: 12,
  },
  header: {
    labelColor: INK.text,
    labelFontSize: HEADER_SIZE,
    labelFontWeight: "bold",
    title: null,
  },
  legend: {
    labelColor: INK.text,
    labelFontSize: 11,
    title: null,
    orient: "top",
    direction: "horizontal",
    labelLimit: 300,
  },
  text: { color: INK.text, fontSize: 11 },
  line: { strokeWidth: 1.8, strokeCap: "round" },
};

/** Labels of an axis of nanoseconds. */
export const TIME_LABELS =
  "datum.value == 0 ? '0' : datum.value >= 1e9 ? format(datum.value / 1e9, '~g') + ' s' : datum.value >= 1e6 ? " +
  "format(datum.value / 1e6, '~g') + ' ms' : datum.value >= 1e3 ? " +
  "format(datum.value / 1e3, '~g') + ' us' : format(datum.value, '~g') + ' ns'";

/** A logarithmic axis of nanoseconds with these ends, but for its field. */
export function timesAxis(
  domain: readonly [number, number],
  grid: { readonly grid?: boolean } = {},
) {
  return {
    type: "quantitative" as const,
    title: null,
    scale: { type: "log" as const, domain: [...domain], nice: false },
    axis: { labelExpr: TIME_LABELS, values: timeTicks(...domain), ...grid },
  };
}

/** The heading of a panel. */
export const PANEL_HEADER = {
  orient: "top" as const,
  labelAnchor: "start" as const,
  title: null,
};

/** Ticks of an axis of nanoseconds: powers of ten; with few of them, also halves and fifths. */
function timeTicks(least: number, greatest: number): number[] {
  const decades = Math.log10(greatest / least);
  const steps = decades < 1.2 ? [1, 2, 3, 5, 7] : decades < 2.5 ? [1, 2, 5] : [1];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(least)); power <= Math.log10(greatest); power++) {
    for (const step of steps) {
      const tick = step * 10 ** power;
      if (tick >= least && tick <= greatest) ticks.push(tick);
    }
  }
  return ticks.length > 1 ? ticks : closeTicks(least, greatest);
}

/** Round values between two close ones, so that an axis always has ticks. */
function closeTicks(least: number, greatest: number): number[] {
  const rough = (greatest - least) / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [5, 2, 1].map((factor) => factor * power).find((each) => each <= rough)!;
  const ticks: number[] = [];
  for (let tick = Math.ceil(least / step); tick * step <= greatest; tick++) ticks.push(tick * step);
  return ticks;
}

/** The x axis of time, in UTC, the same for all charts of a document. */
export function timeAxis(ticks: number, windows: readonly Window[]) {
  return {
    field: "time",
    type: "temporal" as const,
    scale: {
      type: "utc" as const,
      nice: false,
      padding: 0,
      domain: [signal(windows[0]?.start), signal(windows.at(-1)?.end)],
    },
    axis: {
      title: "UTC",
      format: timeFormat(windows),
      tickCount: ticks,
      labelOverlap: true as const,
      titleAnchor: "end" as const,
    },
  };
}

/** With the date if there is more than one, and no finer than the axis can show. */
function timeFormat(windows: readonly Window[]): string {
  if (!isOfDays(windows)) return "%H:%M:%S";
  const hours = (Date.parse(windows.at(-1)!.end) - Date.parse(windows[0]!.start)) / 3_600_000;
  if (hours < 0.5) return "%m-%d %H:%M:%S";
  return hours < 24 * 8 ? "%m-%d %H:%M" : "%Y-%m-%d";
}

/** An instant as a scale takes it. */
function signal(time: string | undefined): { signal: string } {
  return { signal: `datetime(${JSON.stringify(time ?? "1970-01-01T00:00:00Z")})` };
}
