/**
 * Packets that hook libraries have parked now: those that were parked, less those that are done.
 *
 * @module
 */

import type { PlanRecord, Sample } from "./capture.ts";
import type { Names } from "./counted_maps.ts";
import type { OwnSeriesName, SeriesBook } from "./series_book.ts";

/** The next step "park" in `@callout_steps`. */
const PARK = 3;

/** Follows the packets of one segment. */
export class ParkedPackets {
  /** Without the end of parking no one knows how many are left. */
  readonly #isKnown: boolean;
  readonly #parked = new Map<string, number>();

  constructor({ sites }: Pick<PlanRecord, "sites">) {
    this.#isKnown = sites.some(({ id }) => id === "callouts.done");
  }

  /** Adds the rows of a sample, and sets the gauges of its window. */
  add(book: SeriesBook, maps: Sample["maps"], names: Names, seconds: number): void {
    if (!this.#isKnown) return;
    for (const [callout, step, count] of maps["@callout_steps"] ?? []) {
      if (step !== PARK) continue;
      this.#change(names.callouts[Number(callout)]?.hook_point ?? "unknown", Number(count));
    }
    for (const row of maps["@parked_time"] ?? []) {
      this.#change(names.hook_points[String(row[0])] ?? "unknown", -Number(row.at(-2)));
    }
    for (const [hook_point, count] of this.#parked) {
      const name: OwnSeriesName = {
        metric: "parked_packets",
        labels: { hook_point },
        unit: "packets",
      };
      book.set(name, count, seconds);
    }
  }

  #change(hookPoint: string, by: number): void {
    // Those that were parked before the first sample are not known, and end all the same.
    this.#parked.set(hookPoint, Math.max(0, (this.#parked.get(hookPoint) ?? 0) + by));
  }
}
