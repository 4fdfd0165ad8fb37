/**
 * From the records of a capture to windows, one at a time, and to the document of the whole.
 *
 * @module
 */

import type { CaptureHeader, CaptureRecord, Sample } from "./capture.ts";
import { CaptureError } from "./capture.ts";
import type { Cost, MetricsDocument, Series, Window } from "./document.ts";
import { countsByMessage, decode, type Dictionary } from "./map_decoding.ts";
import { expectsAnswer, messageName } from "./messages.ts";
import { SeriesBook } from "./series_book.ts";
import { addProcess, SocketDrops } from "./server_series.ts";
import { type Counts, Unanswered } from "./unanswered.ts";

/** The seven metrics that every document has, or says why it has not. */
export const METRICS = [
  "packet_processing_time",
  "lease_allocation_time",
  "database_query_time",
  "cpu_usage",
  "memory_usage",
  "network_traffic",
  "error_rate",
] as const;

/**
 * Windows that a document keeps, the newest: an hour of 1 s windows. Each is up to 28 KB of JSON; the
 * capture holds them all.
 */
const KEPT_WINDOWS = 3600;

/** Builds windows and totals from records in the order of the capture. */
export class WindowBuilder {
  #header: CaptureHeader | null = null;
  #totals: SeriesBook | null = null;
  /** Windows so far, without the unanswered packets: what comes after tells of them. */
  readonly #windows: Window[] = [];
  #leftOut = 0;
  #previous: Sample | null = null;
  #dictionary: Dictionary = { family: 4, operations: [], names: {} };
  readonly #unanswered = new Unanswered();
  #drops = new SocketDrops();
  readonly #reasons: string[] = [];
  #notAvailable: { metric: string; why: string }[] = [];
  #ended: string | null = null;
  #firstElapsed: number | null = null;
  #lastElapsed = 0;
  /** Sums over the windows whose price is known; packets are received ones. */
  readonly #cost = {
    bpf: 0,
    hits: 0,
    monitorCpu: 0,
    memory: 0,
    seconds: 0,
    serverCpu: 0,
    packets: 0,
  };

  /**
   * Takes the next record.
   *
   * @returns the window that it completes, or null. Packets without an answer are told here one
   * window late, and a few that were only under way may be among them; the document has them exactly.
   * @throws {CaptureError} when the first record is not a header.
   */
  next(record: CaptureRecord): Window | null {
    if (record.type === "capture") {
      this.#header = record;
      this.#totals = new SeriesBook(record.server.family);
      this.#notAvailable = record.plan.not_available;
      this.#dictionary = {
        family: record.server.family,
        operations: record.plan.operations,
        names: {},
      };
      return null;
    }
    if (this.#header === null) throw new CaptureError("Cannot use a capture without its header");
    switch (record.type) {
      case "sample":
        return this.#sample(record);
      case "segment":
        this.#previous = null;
        this.#unanswered.restart();
        this.#drops = new SocketDrops();
        this.#dictionary = { ...this.#dictionary, operations: record.plan.operations };
        return null;
      case "note":
        this.#reasons.push(record.reason);
        return null;
      case "end":
        this.#ended = record.ended;
        this.#notAvailable = record.not_available;
        for (const reason of record.reasons) {
          if (!this.#reasons.includes(reason)) this.#reasons.push(reason);
        }
        return null;
    }
  }

  /** Seconds from the first sample to the newest. */
  get elapsedSeconds(): number {
    return (this.#lastElapsed - (this.#firstElapsed ?? 0)) / 1e9;
  }

  /**
   * The document of all records so far. Without an end record the verdict is PARTIAL.
   *
   * @throws {CaptureError} when there was no header.
   */
  document(): MetricsDocument {
    const header = this.#header;
    if (header === null) throw new CaptureError("Cannot use a capture without its header");
    const lost = this.#unanswered.settled();
    const totals = [...this.#totals!.series(), ...this.#unansweredSeries(lost)];
    const reasons = this.#ended === null
      ? [...this.#reasons, "The capture was cut off: it has no end"]
      : this.#reasons;
    const seen = new Set(totals.map(({ metric }) => metric));
    const explained = new Set(this.#notAvailable.map(({ metric }) => metric));
    const silent = METRICS.filter((metric) => !seen.has(metric) && !explained.has(metric));
    return {
      schema: "kea-metrics/1",
      server: { ...header.server },
      capture: {
        profile: header.profile,
        started: header.started,
        ended: this.#ended ?? this.#at(this.#lastElapsed),
        duration_seconds: (this.#lastElapsed - (this.#firstElapsed ?? 0)) / 1e9,
        interval_seconds: header.interval_seconds,
        verdict: reasons.length === 0 ? "COMPLETE" : "PARTIAL",
        reasons,
        not_available: [
          ...this.#notAvailable,
          ...silent.map((metric) => ({ metric, why: "No such event came in this run" })),
        ],
        cost: this.#costOf(),
      },
      windows: this.#windows.map((window, index) => ({
        ...window,
        series: [...window.series, ...this.#unansweredSeries([lost[this.#leftOut + index]!])],
      })),
      totals,
    };
  }

  #sample(sample: Sample): Window | null {
    const previous = this.#previous;
    this.#previous = sample;
    this.#firstElapsed ??= sample.elapsed_ns;
    this.#lastElapsed = sample.elapsed_ns;
    if (previous === null || previous.segment !== sample.segment) {
      this.#drops.add([], sample.sockets);
      return null;
    }
    const { family } = this.#dictionary;
    const words = { ...this.#dictionary, names: sample.names };
    const window = new SeriesBook(family);
    const books = [window, this.#totals!];

    for (const map of Object.keys(sample.maps)) {
      for (const [key, difference] of differences(map, previous, sample)) {
        for (const book of books) decode(book, map, key, difference, words);
      }
    }
    this.#drops.add(books, sample.sockets);
    const seconds = (sample.elapsed_ns - previous.elapsed_ns) / 1e9;
    const serverCpu = addProcess(books, previous.process, sample.process, seconds);
    const counts = {
      received: countsByMessage("@received", differences("@received", previous, sample)),
      answered: countsByMessage("@processing", differences("@processing", previous, sample)),
    };
    const packets = counts.received.values().reduce((sum, count) => sum + count, 0);
    this.#addCost(previous, sample, { seconds, serverCpu, packets });

    const built = {
      start: this.#at(previous.elapsed_ns),
      end: this.#at(sample.elapsed_ns),
      series: window.series(),
    };
    this.#windows.push(built);
    if (this.#windows.length > KEPT_WINDOWS) {
      this.#windows.shift();
      this.#leftOut++;
    }
    const lost = this.#unanswered.next(counts);
    return { ...built, series: [...built.series, ...this.#unansweredSeries([lost])] };
  }

  #unansweredSeries(windows: readonly Counts[]): Series[] {
    const { family } = this.#dictionary;
    const book = new SeriesBook(family);
    for (const [type, count] of windows.flatMap((counts) => [...counts])) {
      if (!expectsAnswer(family, type)) continue;
      const labels = { kind: "unanswered", id: messageName(family, type) };
      book.add({ metric: "error_rate", labels, unit: "events" }, count);
    }
    return book.series();
  }

  #addCost(
    previous: Sample,
    sample: Sample,
    window: { readonly seconds: number; readonly serverCpu: number; readonly packets: number },
  ): void {
    if (previous.cost === null || sample.cost === null) return;
    this.#cost.bpf += sample.cost.bpf_seconds - previous.cost.bpf_seconds;
    this.#cost.hits += sample.cost.hits - previous.cost.hits;
    this.#cost.monitorCpu += sample.cost.monitor_cpu_seconds - previous.cost.monitor_cpu_seconds;
    this.#cost.memory = Math.max(this.#cost.memory, sample.cost.monitor_memory_bytes);
    this.#cost.seconds += window.seconds;
    this.#cost.serverCpu += window.serverCpu;
    this.#cost.packets += window.packets;
  }

  #costOf(): Cost | null {
    const { bpf, hits, monitorCpu, memory, seconds, serverCpu, packets } = this.#cost;
    if (seconds === 0) return null;
    const perPacket = (amount: number) => packets === 0 ? null : amount / packets;
    return {
      bpf_seconds: bpf,
      hits,
      bpf_us_per_packet: perPacket(bpf * 1e6),
      hits_per_packet: perPacket(hits),
      server_cpu_us_per_packet: perPacket(serverCpu * 1e6),
      monitor_cpu_ratio: monitorCpu / seconds,
      monitor_memory_bytes: memory,
    };
  }

  #at(elapsedNs: number): string {
    return new Date(Date.parse(this.#header!.started) + elapsedNs / 1e6).toISOString();
  }
}

/** The document of a whole capture. */
export async function documentOf(
  records: AsyncIterable<CaptureRecord> | Iterable<CaptureRecord>,
): Promise<MetricsDocument> {
  const builder = new WindowBuilder();
  for await (const record of records) builder.next(record);
  return builder.document();
}

/** What changed in a map between two readings, by key, modulo 2^64. */
function* differences(map: string, previous: Sample, sample: Sample): Generator<[string, bigint]> {
  const entries = ({ maps }: Sample) => {
    const value = Object.hasOwn(maps, map) ? maps[map]! : {};
    return Object.entries(typeof value === "object" ? value : { "": value });
  };
  const before = new Map(entries(previous));
  for (const [key, value] of entries(sample)) {
    yield [key, BigInt.asUintN(64, BigInt(value) - BigInt(before.get(key) ?? 0))];
  }
}
