/**
 * The figures of a document as rules need them.
 *
 * @module
 */

import type { HistogramSeries, MetricsDocument, Series } from "../document.ts";
import type { MetricName } from "../metric_names.ts";
import { histogramsOf, isOf, type Labels, total } from "../totals.ts";
import type { Cause } from "../waits.ts";
import { watchedSeconds } from "../windows.ts";
import { LEAST_EVENTS, LEAST_PACKETS, LONG_NS, LONG_STATEMENT_NS, OFTEN } from "./thresholds.ts";

/** Waits that make whatever a thread does take longer. */
const HINDRANCES = ["run_queue", "lock", "memory"] as const satisfies readonly Cause[];

/** A counter with its value as a number. */
export interface Counted extends Pick<Series, "metric" | "labels" | "unit"> {
  readonly value: number;
}

/** Figures of one document. */
export class Facts {
  readonly document: MetricsDocument;
  /** How long the server was watched, seconds; 0 if that is not known. */
  readonly seconds: number;
  /** DHCP packets that the server read. */
  readonly received: number;
  /** Packets that it answered, and was timed for. */
  readonly answered: number;
  /** What its threads spent on them: their processing times without the queue, as far as that is known. */
  readonly serviceNs: number;
  /** How long they waited for a thread; 0 if that is not known. */
  readonly queueNs: number;

  #windows: readonly Facts[] | null = null;

  constructor(document: MetricsDocument) {
    this.document = document;
    const { watched_seconds, duration_seconds } = document.capture;
    this.seconds = watched_seconds ?? duration_seconds ?? 0;
    this.received = this.total("network_traffic", { direction: "received" }, "packets");
    this.answered = this.total("packet_processing_time");
    this.queueNs = this.ns("packet_stage_time", { stage: "queue" });
    // All stages are read at once. Without the time in the queue, those of the queue and of the packets would not be:
    // while packets wait for a second, a reading some milliseconds later has seconds more.
    this.serviceNs = this.queueNs === 0
      ? this.ns("packet_processing_time")
      : this.ns("packet_stage_time") - this.queueNs;
  }

  /** The windows of the document; the whole document, if it has none. */
  get windows(): readonly Facts[] {
    const { windows, ...rest } = this.document;
    return this.#windows ??= windows.length === 0 ? [this] : windows.map((window) =>
      new Facts({
        ...rest,
        capture: { ...rest.capture, watched_seconds: watchedSeconds(window) },
        windows: [],
        totals: window.series,
      })
    );
  }

  /** The mean of a figure of windows while packets waited somewhere: each window counts by how long they did. */
  meanWhile(metric: MetricName, labels: Labels, figureOf: (window: Facts) => number): number {
    let [waited, sum] = [0, 0];
    for (const window of this.windows) {
      const ns = window.ns(metric, labels);
      waited += ns;
      if (ns > 0) sum += ns * figureOf(window);
    }
    return waited === 0 ? 0 : sum / waited;
  }

  /** Whether there are enough packets for statements about their times. */
  get hasEnoughPackets(): boolean {
    return this.answered >= LEAST_PACKETS && this.serviceNs > 0;
  }

  /** Whether a metric has events. */
  has(metric: MetricName, labels: Labels = {}): boolean {
    return this.total(metric, labels) > 0;
  }

  /** What a metric counted in all, over the series with these labels. */
  total(metric: MetricName, labels: Labels = {}, unit?: string): number {
    return total(this.document, metric, labels, unit);
  }

  /** Events of one kind of `error_rate`. */
  errors(kind: string, labels: Labels = {}): number {
    return this.total("error_rate", { kind, ...labels });
  }

  /** The counters of a metric with these labels that are not 0, the greatest first. */
  counters(metric: MetricName, labels: Labels = {}): Counted[] {
    return this.document.totals.flatMap((series) =>
      series.kind === "counter" && isOf(series, metric, labels)
        ? [{ ...series, value: Number(series.value) }]
        : []
    ).filter(({ value }) => value > 0).toSorted((a, b) => b.value - a.value);
  }

  /** The histograms of a metric with these labels. */
  histograms(metric: MetricName, labels: Labels = {}): HistogramSeries[] {
    return histogramsOf(this.document, metric, labels);
  }

  /** Their times together, nanoseconds. */
  ns(metric: MetricName, labels: Labels = {}): number {
    return sumNs(this.histograms(metric, labels));
  }

  /** CPU time of the server, seconds. */
  get cpuSeconds(): number {
    const of = (mode: string) => this.total("cpu_usage", { mode, thread: "all" }, "seconds");
    return of("user") + of("system");
  }

  /** A share of the time that threads spent on packets, from 0 to 1. */
  share(ns: number): number {
    return this.serviceNs <= 0 ? 0 : Math.min(1, Math.max(0, ns / this.serviceNs));
  }

  /**
   * The share of that time that a place (a hook library, a statement) takes for itself at least: without all
   * waits for a CPU, a lock or memory, which may have been in it.
   */
  shareOfPlace(ns: number): number {
    const hindered = HINDRANCES.map((cause) => this.ns("packet_wait_time", { cause }));
    return this.share(hindered.reduce((left, each) => left - each, ns));
  }
}

/** The times of some series together, nanoseconds. */
export function sumNs(series: readonly HistogramSeries[]): number {
  return series.reduce((all, { sum }) => all + Number(sum ?? 0), 0);
}

/** The mean of the times of some series, nanoseconds; exact. */
export function meanNs(series: readonly HistogramSeries[]): number {
  return sumNs(series) / Math.max(1, countOf(series));
}

/** The events of some series together. */
export function countOf(series: readonly HistogramSeries[]): number {
  return series.reduce((all, { count }) => all + count, 0);
}

/**
 * Whether events take long often enough for a finding.
 *
 * @param of how many events there are; those of the series, if it is not given.
 */
export function areOftenLong(series: readonly HistogramSeries[], of = countOf(series)): boolean {
  const long = series.flatMap(({ buckets }) => buckets).filter(({ lower }) => lower >= LONG_NS)
    .reduce((all, { count }) => all + count, 0);
  return long >= Math.max(LEAST_EVENTS, OFTEN * of);
}

/** Whether what waits for another machine takes long: one in the next room takes milliseconds, too. */
export function isSlow(series: readonly HistogramSeries[]): boolean {
  return meanNs(series) >= LONG_STATEMENT_NS && areOftenLong(series);
}
