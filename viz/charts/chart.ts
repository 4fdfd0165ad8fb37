/**
 * A chart: a picture with its words and its numbers.
 *
 * @module
 */

import type { TopLevelSpec } from "vega-lite";

/** The numbers of a chart. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** How wide a chart is drawn: for a desk or for a hand. */
export interface Layout {
  readonly name: "wide" | "narrow";
  /** About the width of a whole drawing, pixels. */
  readonly width: number;
  /** Ticks that the width holds. */
  readonly ticks: number;
}

/** The layouts that a report has. */
export const LAYOUTS: readonly Layout[] = [
  { name: "wide", width: 940, ticks: 8 },
  { name: "narrow", width: 346, ticks: 3 },
];

/** A chart. */
export interface Chart {
  /** Its file's name, without an ending. */
  readonly id: string;
  readonly title: string;
  /** What it shows, and what that says about this run. */
  readonly sentence: string;
  readonly table: Table;
  readonly spec: (layout: Layout) => TopLevelSpec;
}
