/**
 * Lines over time, from zero, each labelled at its end.
 *
 * @module
 */

import type { MetricsDocument, Window } from "../../metrics/document.ts";
import type { Layout } from "./chart.ts";
import { gapBefore, isOfShortStretch, middleOf } from "../series.ts";
import { BOLD, shortNames } from "./text_width.ts";
import { INK, SERIES_COLOURS, timeAxis } from "./theme.ts";

/** A value of a line; null interrupts it. */
export interface LinePoint {
  readonly time: string;
  readonly name: string;
  readonly value: number | null;
  readonly alone: boolean;
  /** At the last point, which has the label. */
  readonly label: number | null;
}

/** Room for the axis, and for labels after the last point, pixels. */
const [AXIS, LABELS] = [48, 80];

/** The points of lines; a line is interrupted where windows are missing. */
export function linePoints(
  { windows }: MetricsDocument,
  names: readonly string[],
  valueOf: (window: Window, name: string) => number | null,
): LinePoint[] {
  const values = names.map((name) => windows.map((window) => valueOf(window, name)));
  const last = values.map((line) => line.findLastIndex((value) => value !== null));
  const greatest = values.flat().reduce<number>((a, b) => Math.max(a, b ?? 0), 0);
  const labels = spreadLabels(names.map((_, line) => values[line]![last[line]!] ?? null), greatest);
  const isShort = isOfShortStretch(windows);
  return names.flatMap((name, line) =>
    windows.flatMap((window, index) => {
      const value = values[line]![index]!;
      const isAlone = isShort[index]! || (values[line]![index - 1] ?? null) === null &&
          (values[line]![index + 1] ?? null) === null;
      const label = index === last[line] ? labels[line]! : null;
      const point = { time: middleOf(window), name, value, alone: isAlone, label };
      if (!gapBefore(windows, index)) return [point];
      const time = new Date(Date.parse(window.start) - 1).toISOString();
      return [{ ...point, time, value: null, alone: false, label: null }, point];
    })
  );
}

/** Moves labels that are less than a line of text apart, in a panel of about nine lines. */
function spreadLabels(values: readonly (number | null)[], greatest: number): (number | null)[] {
  const room = (greatest || 1) / 9;
  const places = [...values];
  const order = values.map((_, index) => index).filter((index) => values[index] !== null)
    .toSorted((a, b) => values[a]! - values[b]! || b - a);
  order.forEach((index, at) => {
    if (at === 0) return;
    const below = places[order[at - 1]!]!;
    places[index] = Math.max(places[index]!, below + room);
  });
  return places;
}

/** The parts of a specification that draw such lines. */
export function linesSpec(
  { windows }: MetricsDocument,
  points: readonly LinePoint[],
  names: readonly string[],
  { width, ticks }: Layout,
  axis: {
    readonly title: string;
    readonly format?: string;
    /** A value to compare the lines with, drawn if they come near it. */
    readonly limit?: number;
    /** Lines that may cover others: they are dashed, so that the others show. */
    readonly dashed?: readonly string[];
  },
) {
  const short = shortNames(names, (LABELS - 4) / BOLD);
  const greatest =
    points.reduce((most, { value, label }) => Math.max(most, value ?? 0, label ?? 0), 0) || 1;
  const isNear = axis.limit !== undefined && greatest > axis.limit / 2;
  const most = 1.06 * Math.max(greatest, isNear ? axis.limit! : 0);
  const scaled = {
    field: "value",
    type: "quantitative" as const,
    title: axis.title,
    scale: { domain: [0, most], nice: false },
    axis: { tickCount: 4, format: axis.format ?? "~s" },
  };
  const colour = {
    field: "name",
    type: "nominal" as const,
    scale: { domain: [...names], range: SERIES_COLOURS.slice(0, names.length) },
    legend: null,
  };
  const strokeDash = axis.dashed === undefined ? {} : {
    strokeDash: {
      field: "name",
      type: "nominal" as const,
      scale: {
        domain: [...names],
        range: names.map((name) => axis.dashed!.includes(name) ? [5, 6] : [1, 0]),
      },
      legend: null,
    },
  };
  const x = timeAxis(ticks, windows);
  return {
    data: { values: points.map((point) => ({ ...point, shown: short(point.name) })) },
    width: width - AXIS - LABELS,
    height: 150,
    encoding: { x, color: colour },
    layer: [
      ...isNear
        ? [{
          mark: { type: "rule" as const, color: INK.muted, strokeDash: [4, 4] },
          encoding: { y: { datum: axis.limit! }, x: { value: 0 }, x2: { value: "width" as const } },
        }]
        : [],
      { mark: { type: "line" as const, strokeWidth: 2 }, encoding: { y: scaled, ...strokeDash } },
      {
        transform: [{ filter: "datum.alone && isValid(datum.value)" }],
        mark: { type: "point" as const, filled: true, size: 22 },
        encoding: { y: scaled },
      },
      {
        transform: [{ filter: "isValid(datum.label)" }],
        mark: {
          type: "text" as const,
          align: "left" as const,
          dx: 5,
          fontWeight: "bold" as const,
        },
        encoding: {
          y: { ...scaled, field: "label" },
          text: { field: "shown", type: "nominal" as const },
        },
      },
    ],
  };
}
