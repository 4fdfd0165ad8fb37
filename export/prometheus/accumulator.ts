/**
 * Adds final windows up to what is exposed: counters that only go up, and the newest gauges.
 *
 * @module
 */

import type { Series, Window } from "../../metrics/document.ts";
import { nanosecondsIn } from "../../metrics/time_units.ts";
import { counter, type Family, labelsOf, sourceOf } from "./families.ts";

/** Label values by name. */
export type Labels = Readonly<Record<string, string>>;

/** A histogram since the start: nanoseconds in our buckets, by their lower bounds. */
export interface HistogramValue {
  readonly buckets: Map<number, Bucket>;
  count: bigint;
  sum: bigint;
  /** The upper bounds of its classic buckets, if they are not the usual ones; see {@linkcode Family}. */
  readonly bounds?: readonly number[];
  /** Single events, the newest last. */
  exemplars?: readonly Exemplar[];
}

/** A single event of a histogram. */
export interface Exemplar {
  readonly labels: Labels;
  /** Nanoseconds. */
  readonly value: number;
  /** When it was. */
  readonly time: Date;
}

/** How many exemplars a histogram keeps. */
const MOST_EXEMPLARS = 10;

/**
 * A bucket: lower bound inclusive, nanoseconds. Upper bound exclusive; of values in whole seconds or hundredths,
 * the greatest value that it may hold.
 */
export interface Bucket {
  readonly lower: number;
  readonly upper: number;
  count: bigint;
}

/** A value: an exact integer, a fraction such as seconds, or a histogram. */
export type Value = bigint | number | HistogramValue;

/** Whether a value is a histogram. */
export function isHistogram(value: Value): value is HistogramValue {
  return typeof value === "object";
}

/** One series of a family. */
export interface ExposedSeries {
  readonly labels: Labels;
  value: Value;
}

/** A family with its series. */
export interface ExposedFamily {
  readonly family: Family;
  readonly series: readonly ExposedSeries[];
}

/** The name and help of what counts the label sets that did not fit. */
const OMITTED = counter(
  "label_sets_omitted_total",
  "Label sets beyond the limit of a family: their values are in the series with other.",
);

/** Brings values up to date before they are read. */
interface Update {
  readonly server: string | undefined;
  readonly update: () => void;
}

interface State {
  readonly family: Family;
  readonly series: Map<string, ExposedSeries>;
  /** How many of them are of each server. */
  readonly used: Map<string | undefined, number>;
}

/** The most label sets that are counted as omitted: names may come from outside, without an end. */
const MOST_OMITTED = 10_000;

/** What one exporter has counted since its start. */
export class Accumulator {
  readonly #limit: number;
  readonly #families = new Map<string, State>();
  readonly #omitted = new Set<string>();
  readonly #updates = new Set<Update>();

  /** @param limit the most label sets of a family on one server; the rest is added up as `other`. */
  constructor(limit = 200) {
    this.#limit = limit;
  }

  /** Adds a window of a server that has ended. */
  add(server: string, window: Pick<Window, "series">): void {
    for (const series of window.series) {
      const source = sourceOf(series);
      if (source === null) continue;
      const entry = this.#entry(source, { server, ...labelsOf(source, series) }, emptyOf(source));
      entry.value = sumOf(entry.value, series);
    }
  }

  /** Exposes a series from now on: at 0 if nothing has been counted. */
  expose(family: Family, labels: Labels): void {
    this.#entry(family, labels, emptyOf(family));
  }

  /** Keeps an event of a histogram, in place of its oldest one. */
  addExemplar(family: Family, labels: Labels, exemplar: Exemplar): void {
    const value = this.#entry(family, labels, emptyOf(family)).value as HistogramValue;
    value.exemplars = [...value.exemplars ?? [], exemplar].slice(-MOST_EXEMPLARS);
  }

  /** Sets a value that is known as a whole. */
  set(family: Family, labels: Labels, value: bigint | number): void {
    this.#entry(family, labels, value).value = value;
  }

  /**
   * Calls `update` whenever all series are about to be read.
   *
   * @param server until this one is forgotten.
   */
  beforeReading(update: () => void, server?: string): void {
    this.#updates.add({ server, update });
  }

  /** Removes the gauges of a server that is gone; its counters stay. */
  dropGauges(server: string): void {
    for (const { family, series, used } of this.#families.values()) {
      if (family.type !== "gauge") continue;
      for (const [key, { labels }] of series) if (labels["server"] === server) series.delete(key);
      used.delete(server);
    }
  }

  /** Removes all series of a server that does not run: any number of them may come and go. */
  forget(server: string): void {
    for (const { series, used } of this.#families.values()) {
      for (const [key, { labels }] of series) if (labels["server"] === server) series.delete(key);
      used.delete(server);
    }
    for (const each of this.#updates) if (each.server === server) this.#updates.delete(each);
  }

  /** All families that have series, as they are now. */
  families(): ExposedFamily[] {
    for (const { update } of this.#updates) update();
    if (this.#omitted.size > 0) {
      this.#entry(OMITTED, {}, 0n).value = BigInt(this.#omitted.size);
    }
    return [...this.#families.values()].filter(({ series }) => series.size > 0)
      .map(({ family, series }) => ({ family, series: [...series.values()] }));
  }

  #entry(family: Family, labels: Labels, first: Value): ExposedSeries {
    const state = this.#families.getOrInsertComputed(
      family.name,
      () => ({ family, series: new Map(), used: new Map() }),
    );
    const key = keyOf(labels);
    const known = state.series.get(key);
    if (known !== undefined) return known;
    const { server } = labels;
    const used = state.used.get(server) ?? 0;
    const isFull = used >= this.#limit;
    if (isFull && this.#omitted.size < MOST_OMITTED) this.#omitted.add(`${family.name} ${key}`);
    if (!isFull) state.used.set(server, used + 1);
    const kept = isFull ? otherLabels(labels) : labels;
    return state.series.getOrInsertComputed(keyOf(kept), () => ({ labels: kept, value: first }));
  }
}

function emptyOf({ type, bounds }: Family): Value {
  if (type !== "histogram") return 0n;
  return { buckets: new Map(), count: 0n, sum: 0n, ...bounds === undefined ? {} : { bounds } };
}

/** The server's own label stays, all others become `other`. */
function otherLabels({ server, ...others }: Labels): Labels {
  const rest = Object.fromEntries(Object.keys(others).map((name) => [name, "other"]));
  return server === undefined ? rest : { server, ...rest };
}

function keyOf(labels: Labels): string {
  return JSON.stringify(Object.entries(labels));
}

function sumOf(value: Value, series: Series): Value {
  if (series.kind === "gauge") return series.value;
  if (series.kind === "counter") return plus(value as bigint | number, series.value);
  const histogram = value as HistogramValue;
  const scale = nanosecondsIn(series.unit) ?? 1;
  for (const { lower, upper, count } of series.buckets) {
    const bucket = histogram.buckets.getOrInsertComputed(scale * lower, () => ({
      lower: scale * lower,
      upper: scale === 1 ? upper : scale * (upper - 1),
      count: 0n,
    }));
    bucket.count += BigInt(count);
  }
  histogram.count += BigInt(series.count);
  histogram.sum += BigInt(scale) * BigInt(series.sum ?? 0);
  return histogram;
}

/** Integers stay exact; seconds have fractions. */
function plus(sum: bigint | number, more: number | string): bigint | number {
  const isWhole = typeof more === "string" || Number.isInteger(more);
  if (typeof sum === "bigint" && isWhole) return sum + BigInt(more);
  return Number(sum) + Number(more);
}
