/**
 * Small pictures in a line of text.
 *
 * @module
 */

import type { HistogramSeries } from "../../metrics/document.ts";

/** From empty to full; a value above zero is never drawn as empty. */
const BLOCKS = " \u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588";
const ASCII = " .:-=+*#@";

/** A logarithmic axis, nanoseconds. */
export interface Axis {
  readonly least: number;
  readonly greatest: number;
}

/** One character for each value, from zero to `most`. */
export function sparkline(values: readonly number[], most: number, unicode: boolean): string {
  const levels = unicode ? BLOCKS : ASCII;
  return values.map((value) => {
    if (!(value > 0) || most <= 0) return levels[0];
    return levels[Math.max(1, Math.min(8, Math.round(8 * value / most)))];
  }).join("");
}

/** The axis that holds all buckets of some histograms. */
export function axisOf(all: readonly HistogramSeries[]): Axis {
  const buckets = all.flatMap(({ buckets }) => buckets);
  return {
    least: Math.max(1, Math.min(...buckets.map(({ lower }) => lower))),
    greatest: Math.max(2, ...buckets.map(({ upper }) => upper)),
  };
}

/** A histogram on a logarithmic axis, as wide as `width` characters. */
export function histogramBar(
  { buckets }: HistogramSeries,
  { least, greatest }: Axis,
  width: number,
  unicode: boolean,
): string {
  const place = (value: number) =>
    width * Math.log(Math.max(1, value) / least) / Math.log(greatest / least);
  const heights: number[] = Array(width).fill(0);
  for (const { lower, upper, count } of buckets) {
    const [from, to] = [place(lower), Math.max(place(upper), place(lower) + 1e-9)];
    for (let column = Math.floor(from); column < Math.min(width, to); column++) {
      const part = Math.min(to, column + 1) - Math.max(from, column);
      heights[column]! += count * Math.max(0, part) / (to - from);
    }
  }
  return sparkline(heights, Math.max(...heights), unicode);
}
