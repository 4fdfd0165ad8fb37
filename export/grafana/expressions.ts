/**
 * PromQL of the dashboard: every selector has the dashboard's variables, and every rate its interval.
 *
 * @module
 */

import { PREFIX } from "../prometheus/families.ts";

/** How Prometheus stores histograms: the values of the dashboard's variable `histograms`. */
export const HISTOGRAMS = { classic: -1, native: 1 } as const;

/** A kind of stored histograms. */
export type Histograms = keyof typeof HISTOGRAMS;

/** The variable that chooses between the two. */
export const HISTOGRAMS_VARIABLE = "histograms";

/** What series of one server are grouped by, always. */
const SERVER = ["instance", "server"] as const;

/** Matchers of all that belongs to a server. */
const OF_SERVER = 'job=~"$job",instance=~"$instance",server=~"$server"';

/** Matchers of what belongs to the exporter itself. */
const OF_EXPORTER = 'job=~"$job",instance=~"$instance"';

const INTERVAL = "[$__rate_interval]";

/** A metric of ours, of the chosen servers. */
export function of(name: string, matchers = ""): string {
  return `${PREFIX}${name}{${OF_SERVER}${matchers === "" ? "" : `,${matchers}`}}`;
}

/** A metric of the exporter itself. */
export function ofExporter(name: string): string {
  return ofScrape(PREFIX + name);
}

/** What Prometheus itself knows of the scrape of an exporter. */
export function ofScrape(name: string): string {
  return `${name}{${OF_EXPORTER}}`;
}

/** A sum by server and by labels; by nothing where `by` is null. */
export function sum(expression: string, by: readonly string[] | null): string {
  return by === null ? `sum(${expression})` : `sum by (${grouping(by)}) (${expression})`;
}

/** A counter per second. */
export function rate(name: string, by: readonly string[] | null = [], matchers = ""): string {
  return sum(`rate(${of(name, matchers)}${INTERVAL})`, by);
}

/** The two expressions of one value of a histogram: one of them is empty, by the dashboard's variable. */
export type OfHistogram = Readonly<Record<Histograms, string>>;

/** A quantile of a histogram, seconds. */
export function quantile(
  q: number,
  name: string,
  by: readonly string[] | null,
  matchers = "",
): OfHistogram {
  const buckets = `rate(${of(`${name}_bucket`, matchers)}${INTERVAL})`;
  const classic = by === null
    ? `sum by (le) (${buckets})`
    : `sum by (${grouping([...by, "le"])}) (${buckets})`;
  return guarded({
    classic: `histogram_quantile(${q}, ${classic})`,
    native: `histogram_quantile(${q}, ${rate(name, by, matchers)})`,
  });
}

/** The mean of a histogram, seconds. */
export function mean(name: string, by: readonly string[]): OfHistogram {
  return guarded({
    classic: `${rate(`${name}_sum`, by)} / ${rate(`${name}_count`, by)}`,
    native: `histogram_sum(${rate(name, by)}) / histogram_count(${rate(name, by)})`,
  });
}

/** The events of a histogram per second. */
export function frequency(name: string, by: readonly string[]): OfHistogram {
  return guarded({
    classic: rate(`${name}_count`, by),
    native: `histogram_count(${rate(name, by)})`,
  });
}

/** The buckets of a histogram, for a heat map. */
export function buckets(name: string): OfHistogram {
  return guarded({
    classic: `sum by (le) (increase(${of(`${name}_bucket`)}${INTERVAL}))`,
    native: `sum(increase(${of(name)}${INTERVAL}))`,
  });
}

function guarded(expressions: OfHistogram): OfHistogram {
  const guard = (kind: Histograms) =>
    `(${expressions[kind]}) and on () (vector($${HISTOGRAMS_VARIABLE}) == ${HISTOGRAMS[kind]})`;
  return { classic: guard("classic"), native: guard("native") };
}

function grouping(by: readonly string[]): string {
  return [...SERVER, ...by].join(", ");
}
