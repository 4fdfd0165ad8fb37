/** What an exporter would expose. */

import type { Accumulator, ExposedSeries } from "../../export/prometheus/accumulator.ts";

/** The series of a metric; none if it is not there. */
export function seriesOf(accumulator: Accumulator, name: string): readonly ExposedSeries[] {
  return accumulator.families().find(({ family }) => family.name === name)?.series ?? [];
}

/** The value of a metric of a server, or, without one, of the exporter itself. */
export function valueOf(
  accumulator: Accumulator,
  name: string,
  server?: string,
): ExposedSeries["value"] | undefined {
  return seriesOf(accumulator, name).find(({ labels }) => labels["server"] === server)?.value;
}
