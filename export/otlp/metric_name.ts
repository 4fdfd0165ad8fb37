/**
 * Names and units of OTLP, from which receivers derive the names that `/metrics` has.
 *
 * @module
 */

import { type Family, PREFIX, SOURCES } from "../prometheus/families.ts";

/** How OTLP names a metric. */
export interface MetricName {
  /** `kea.ebpf.packets_received` */
  readonly name: string;
  /** A unit of UCUM; in braces what is counted; empty for a plain number. */
  readonly unit: string;
}

/** Endings of Prometheus names that receivers make from the unit. */
const UNITS: Readonly<Record<string, string>> = { _seconds: "s", _bytes: "By" };

/** What is counted. Receivers drop what is in braces from names. */
const COUNTED: Readonly<Record<string, string>> = {
  packets: "{packet}",
  requests: "{request}",
  events: "{event}",
  rows: "{row}",
  faults: "{fault}",
  periods: "{period}",
};

/** The name of a family, without what receivers append: the unit, and `_total` of counters. */
export function metricNameOf({ name, type }: Family): MetricName {
  const base = type === "counter" ? name.replace(/_total$/, "") : name;
  const ending = Object.keys(UNITS).find((each) => base.endsWith(each));
  const counted = SOURCES.find((source) => source.name === name)?.unit ?? "";
  return {
    name: PREFIX.replaceAll("_", ".") +
      (ending === undefined ? base : base.slice(0, -ending.length)),
    unit: ending === undefined ? COUNTED[counted] ?? "" : UNITS[ending]!,
  };
}
