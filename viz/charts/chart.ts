/**
 * A chart: a picture with its caption and its numbers.
 *
 * @module
 */

import type { TopLevelSpec } from "vega-lite";

/** The numbers of a chart. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** How wide a chart is drawn: for a screen or for a phone. */
export interface Layout {
  readonly name: "wide" | "narrow";
  /** About the width of a whole drawing, pixels. */
  readonly width: number;
  /** Ticks that fit in the width. */
  readonly ticks: number;
}

/** The layouts that a report has. */
export const LAYOUTS: readonly Layout[] = [
  { name: "wide", width: 940, ticks: 8 },
  { name: "narrow", width: 346, ticks: 3 },
];

/** A chart. */
export interface Chart {
  /** The name of its file, without extension. */
  readonly id: string;
  readonly title: string;
  /** What it shows, and what it says about this run. */
  readonly caption: string;
  readonly table: Table;
  readonly spec: (layout: Layout) => TopLevelSpec;
}
