/**
 * Makes windows, one at a time, and the document from the records of a capture.
 *
 * @module
 */

import { CaptureError, type CaptureHeader, type CaptureRecord } from "./capture.ts";
import type { Sample, SlowPacket, Traffic } from "./capture.ts";
import type { Cost, ListedPacket, MetricsDocument, Series, Window } from "./document.ts";
import { contradictionIn, ledgerOf } from "./ledger.ts";
import { messageName } from "./messages.ts";
import { Overhead } from "./overhead.ts";
import { SeriesBook } from "./series_book.ts";
import { SlowList } from "./slow_list.ts";
import { WindowBuilder } from "./windows.ts";
import type { MetricName } from "./metric_names.ts";

/** The most unknown maps that are named. */
const MOST_UNKNOWN = 5;

/** The seven metrics that every document has, or names as not available. */
export const METRICS = [
  "packet_processing_time",
  "lease_allocation_time",
  "database_query_time",
  "cpu_usage",
  "memory_usage",
  "network_traffic",
  "error_rate",
] as const satisfies readonly MetricName[];

/** Rounding differences between the windows and the whole, seconds. */
const MOST_SKEW = 1e-6;

/** Builds windows and the document from records, in order. */
export class DocumentBuilder {
  #run: Run | null = null;
  /** Records so far, for errors. */
  #records = 0;

  /**
   * Takes the next record.
   *
   * @returns the window that ends with it, or null.
   * @throws {CaptureError} when the first record is not a header, or a sample has counts that none of our
   * programs makes.
   */
  next(record: CaptureRecord): Window | null {
    this.#records++;
    if (record.type === "capture") {
      this.#run = new Run(record);
      return null;
    }
    try {
      return this.#begun().next(record);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new CaptureError(`Cannot use record ${this.#records} of the capture: ${error.message}`);
    }
  }

  /** Seconds from the first sample to the newest. */
  get elapsedSeconds(): number {
    return this.#run?.elapsedSeconds ?? 0;
  }

  /** Monitoring overhead so far; null if it is not known. */
  cost(): Cost | null {
    return this.#run?.overhead.cost() ?? null;
  }

  /** A slow packet, as in the document. */
  slowPacket(packet: SlowPacket): ListedPacket {
    return this.#begun().slowPacket(packet);
  }

  /**
   * The document so far, without its windows. Without an end record the verdict is PARTIAL.
   *
   * @throws {CaptureError} when there was no header.
   */
  document(): MetricsDocument {
    return this.#begun().document();
  }

  /**
   * Packets that a client or Kea counted and the probes did not see; null for none. Packets of a gap are in
   * the ledger.
   *
   * @param endElapsedNs the end of the watch, if there is no end record yet.
   */
  contradiction(endElapsedNs: number): string | null {
    return this.#run?.contradiction(endElapsedNs) ?? null;
  }

  #begun(): Run {
    if (this.#run === null) throw new CaptureError("Cannot use a capture without its header");
    return this.#run;
  }
}

/** The state of a run, from its header on. */
class Run {
  readonly overhead = new Overhead();
  readonly #header: CaptureHeader;
  readonly #windows: WindowBuilder;
  readonly #totals: SeriesBook;
  readonly #slow = new SlowList();
  readonly #reasons: string[] = [];
  #notAvailable: { metric: string; why: string }[];
  #traffic: Traffic | null = null;
  #ended: string | null = null;
  #firstElapsed: number | null = null;
  #lastElapsed = 0;
  /** The planned end of the watch; 0 if it is not known. */
  #endElapsed = 0;
  /** The lengths of all windows, seconds. */
  #watchedSeconds = 0;
  /** Requests in progress at the last sample, and at the ends of earlier segments. */
  #pending: Sample["requests"]["pending"] = {};
  #pendingBefore = 0;

  constructor(header: CaptureHeader) {
    this.#header = header;
    this.#windows = new WindowBuilder(header);
    this.#totals = new SeriesBook(header.server.family);
    this.#notAvailable = header.plan.not_available;
  }

  get elapsedSeconds(): number {
    return (this.#lastElapsed - (this.#firstElapsed ?? 0)) / 1e9;
  }

  next(record: Exclude<CaptureRecord, CaptureHeader>): Window | null {
    switch (record.type) {
      case "sample":
        return this.#sample(record);
      case "segment":
        this.#windows.segment(record.plan);
        this.#pendingBefore = this.#pendingRequests();
        this.#pending = {};
        return null;
      case "note":
        this.#reasons.push(record.reason);
        return null;
      case "slow":
        this.#slow.add(this.slowPacket(record));
        return null;
      case "traffic":
        this.#traffic = record;
        return null;
      case "end":
        this.#ended = record.ended;
        this.#endElapsed = record.elapsed_ns;
        this.#notAvailable = record.not_available;
        for (const reason of record.reasons) {
          if (!this.#reasons.includes(reason)) this.#reasons.push(reason);
        }
        if (record.verdict === "PARTIAL" && this.#reasons.length === 0) {
          this.#reasons.push("The capture calls itself PARTIAL and gives no reason");
        }
        return null;
    }
  }

  slowPacket({ elapsed_ns, message, answer, time_ns, ...rest }: SlowPacket): ListedPacket {
    const { family } = this.#header.server;
    return {
      time: this.#windows.timeAt(elapsed_ns),
      message: messageName(family, message),
      answer: messageName(family, answer),
      duration_ns: time_ns,
      transaction: rest.transaction,
      client: rest.client,
      stages: rest.stages,
      ...rest.waits === undefined ? {} : { waits: rest.waits },
    };
  }

  contradiction(endElapsedNs: number): string | null {
    this.#endElapsed = endElapsedNs;
    if (this.#traffic === null || this.#notWatchedSeconds() > 0) return null;
    return contradictionIn(this.#totals.series(), this.#traffic);
  }

  document(): MetricsDocument {
    const { server, profile, bpftrace, started, interval_seconds, slow_ns } = this.#header;
    const totals = this.#totals.series();
    const reasons = this.#allReasons();
    const notWatchedSeconds = this.#notWatchedSeconds();
    const ledger = ledgerOf(totals, this.#traffic, {
      notWatchedSeconds,
      pending: this.#pendingRequests(),
    });
    return {
      schema: "kea-metrics/1",
      server: { ...server },
      capture: {
        profile,
        bpftrace,
        started,
        ended: this.#ended ?? this.#windows.timeAt(this.#lastElapsed),
        duration_seconds: this.#durationSeconds(),
        ...notWatchedSeconds === 0 ? {} : { watched_seconds: this.#watchedSeconds },
        interval_seconds,
        verdict: reasons.length === 0 ? "COMPLETE" : "PARTIAL",
        reasons,
        not_available: [...this.#notAvailable, ...silentMetrics(totals, this.#notAvailable)],
        cost: this.overhead.cost(),
      },
      windows: [],
      totals,
      ...(ledger === null ? {} : { ledger }),
      ...(slow_ns === undefined ? {} : { slow: this.#slowPackets(slow_ns, totals) }),
    };
  }

  #sample(sample: Sample): Window | null {
    this.#firstElapsed ??= sample.elapsed_ns;
    this.#lastElapsed = sample.elapsed_ns;
    this.#pending = sample.requests.pending;
    const sampled = this.#windows.sample(sample);
    if (sampled === null) return null;
    this.#watchedSeconds += sampled.seconds;
    this.overhead.add(sampled);
    this.#totals.merge(sampled.book);
    return sampled.window;
  }

  #allReasons(): string[] {
    const unknown = [...this.#windows.unknownMaps].slice(0, MOST_UNKNOWN);
    return [
      ...this.#reasons,
      ...unknown.map((map) => `The capture has ${map}, a map that this version does not know`),
      ...this.#ended === null ? ["The capture was cut off: it has no end"] : [],
      ...this.#watchedSeconds > 0
        ? []
        : ["Nothing was watched: there are no two samples of a segment"],
    ];
  }

  /** Seconds from the first sample to the last one, or to the planned end. */
  #durationSeconds(): number {
    const end = Math.max(this.#endElapsed, this.#lastElapsed);
    return (end - (this.#firstElapsed ?? end)) / 1e9;
  }

  #notWatchedSeconds(): number {
    const missing = this.#durationSeconds() - this.#watchedSeconds;
    return missing > MOST_SKEW ? missing : 0;
  }

  #pendingRequests(): number {
    return Object.values(this.#pending).reduce((sum, count) => sum + count, this.#pendingBefore);
  }

  #slowPackets(
    threshold_ns: number,
    totals: readonly Series[],
  ): NonNullable<MetricsDocument["slow"]> {
    const { packets, omitted } = this.#slow.list();
    const left = totals.find(({ metric }) => metric === "slow_packets_omitted");
    const inKernel = left?.kind === "counter" ? Number(left.value) : 0;
    return { threshold_ns, packets, omitted: omitted + inKernel };
  }
}

/**
 * The reasons for metrics without events.
 *
 * @param explained metrics whose reason is known.
 */
export function silentMetrics(
  totals: readonly Series[],
  explained: readonly { readonly metric: string }[],
): { metric: string; why: string }[] {
  const known = new Set([...totals, ...explained].map(({ metric }) => metric));
  return METRICS.filter((metric) => !known.has(metric))
    .map((metric) => ({ metric, why: "No such event came in this run" }));
}

/** The document of a whole capture, with all its windows in memory. */
export async function documentOf(
  records: AsyncIterable<CaptureRecord> | Iterable<CaptureRecord>,
): Promise<MetricsDocument> {
  const windows: Window[] = [];
  const builder = new DocumentBuilder();
  for await (const record of records) {
    const window = builder.next(record);
    if (window !== null) windows.push(window);
  }
  return { ...builder.document(), windows };
}
