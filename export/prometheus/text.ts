/**
 * The text formats of Prometheus: 0.0.4 and OpenMetrics 1.0.
 *
 * @module
 */

import {
  type Exemplar,
  type ExposedFamily,
  type ExposedSeries,
  isHistogram,
  type Labels,
} from "./accumulator.ts";
import { type BucketsPerOctave, classicOf, secondsOf } from "./buckets.ts";
import { PREFIX } from "./families.ts";

/** Which text, and how fine its histograms are. */
export interface TextOptions {
  readonly format: "prometheus" | "openmetrics";
  readonly bucketsPerOctave: BucketsPerOctave;
}

/** The exposition of families. */
export function textOf(families: readonly ExposedFamily[], options: TextOptions): string {
  const isOpen = options.format === "openmetrics";
  const lines = families.flatMap(({ family, series }) => {
    const name = PREFIX + family.name;
    // OpenMetrics names a counter's family without the ending of its samples.
    const title = isOpen && family.type === "counter" ? name.replace(/_total$/, "") : name;
    const unit = isOpen ? /_(seconds|bytes)$/.exec(title)?.[1] : undefined;
    return [
      `# HELP ${title} ${escapedHelp(family.help, isOpen)}`,
      `# TYPE ${title} ${family.type}`,
      ...unit === undefined ? [] : [`# UNIT ${title} ${unit}`],
      ...series.flatMap((each) => samplesOf(name, each, options)),
    ];
  });
  return [...lines, ...isOpen ? ["# EOF"] : [], ""].join("\n");
}

function samplesOf(
  name: string,
  { labels, value }: ExposedSeries,
  { format, bucketsPerOctave }: TextOptions,
): string[] {
  if (!isHistogram(value)) return [`${name}${labelText(labels)} ${value}`];
  const count = value.count.toString();
  return [
    ...classicOf(value, bucketsPerOctave).map(({ le, cumulative, exemplar }) => {
      const line = `${name}_bucket${labelText({ ...labels, le })} ${cumulative}`;
      // Text 0.0.4 has none.
      return exemplar === null || format !== "openmetrics"
        ? line
        : `${line} # ${exemplarText(exemplar)}`;
    }),
    `${name}_sum${labelText(labels)} ${secondsOf(value.sum)}`,
    `${name}_count${labelText(labels)} ${count}`,
  ];
}

function exemplarText({ labels, value, time }: Exemplar): string {
  return `${labelText(labels)} ${secondsOf(BigInt(value))} ${(time.getTime() / 1000).toFixed(3)}`;
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

/** OpenMetrics escapes quotes in help, the older text does not. */
function escapedHelp(help: string, isOpen: boolean): string {
  const text = help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return isOpen ? text.replaceAll('"', '\\"') : text;
}
