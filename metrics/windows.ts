/**
 * From the records of a capture to windows, one at a time, and to the document of the whole.
 *
 * @module
 */

import type { CaptureHeader, CaptureRecord, Sample } from "./capture.ts";
import { CaptureError } from "./capture.ts";
import type { ChangeRecord } from "./capture_changes.ts";
import type { Cost, MetricsDocument, Series, Window } from "./document.ts";
import { type Change, type ChangedSample, changesBetween } from "./map_changes.ts";
import { countsByMessage, type Dictionary, type Meaning, meaningOf } from "./map_decoding.ts";
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

/** Builds windows and totals from records in the order of the capture. */
export class WindowBuilder {
  #header: CaptureHeader | null = null;
  #totals: SeriesBook | null = null;
  /** Records so far, for errors. */
  #records = 0;
  #newest: Window | null = null;
  #previous: Sample | ChangedSample | null = null;
  #dictionary: Dictionary = { family: 4, operations: [], names: {} };
  /** What each key of each map counts. */
  readonly #meanings = new Map<string, Map<string, Meaning | null>>();
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
   * @param record of one kind of reader: all samples have their maps, or all their changes.
   * @returns the window that it completes, or null. Packets without an answer are told here one
   * window late, and a few that were only under way may be among them: {@linkcode unanswered} tells
   * them exactly, when all records came.
   * @throws {CaptureError} when the first record is not a header, or a map holds what none of our
   * programs counts.
   */
  next(record: CaptureRecord | ChangeRecord): Window | null {
    this.#records++;
    if (record.type === "capture") {
      this.#header = record;
      this.#totals = new SeriesBook(record.server.family);
      this.#notAvailable = record.plan.not_available;
      this.#learn({
        family: record.server.family,
        operations: record.plan.operations,
        names: {},
      });
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
        this.#learn({ ...this.#dictionary, operations: record.plan.operations });
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

  /** The window that the last sample completed, without unanswered packets. */
  get newest(): Window | null {
    return this.#newest;
  }

  /** The unanswered packets of each window, by its number from 0, as far as all records so far tell. */
  unanswered(): (window: number) => Series[] {
    const lost = this.#unanswered.settled();
    return (window) => this.#unansweredSeries([lost[window] ?? new Map()]);
  }

  /**
   * The document of all records so far, without its windows. Without an end record the verdict is
   * PARTIAL.
   *
   * @throws {CaptureError} when there was no header.
   */
  document(): MetricsDocument {
    const header = this.#header;
    if (header === null) throw new CaptureError("Cannot use a capture without its header");
    const totals = [
      ...this.#totals!.series(),
      ...this.#unansweredSeries(this.#unanswered.settled()),
    ];
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
        cost: this.cost(),
      },
      windows: [],
      totals,
    };
  }

  #sample(sample: Sample | ChangedSample): Window | null {
    const previous = this.#previous;
    this.#previous = sample;
    this.#firstElapsed ??= sample.elapsed_ns;
    this.#lastElapsed = sample.elapsed_ns;
    if (previous === null || previous.segment !== sample.segment) {
      this.#drops.add([], sample.sockets);
      return null;
    }
    const changes = changesOf(previous, sample);
    this.#learn({ ...this.#dictionary, names: sample.names });
    const window = new SeriesBook(this.#dictionary.family);
    const books = [window, this.#totals!];
    for (const [map, key, difference] of changes) {
      const meaning = this.#meaning(map, key);
      for (const book of books) meaning?.(book, difference);
    }
    this.#drops.add(books, sample.sockets);
    const seconds = (sample.elapsed_ns - previous.elapsed_ns) / 1e9;
    const serverCpu = addProcess(books, previous.process, sample.process, seconds);
    const counts = {
      received: countsByMessage("@received", changes),
      answered: countsByMessage("@processing", changes),
    };
    const packets = counts.received.values().reduce((sum, count) => sum + count, 0);
    this.#addCost(previous, sample, { seconds, serverCpu, packets });

    this.#newest = {
      start: this.#at(previous.elapsed_ns),
      end: this.#at(sample.elapsed_ns),
      series: window.series(),
    };
    const lost = this.#unansweredSeries([this.#unanswered.next(counts)]);
    return { ...this.#newest, series: [...this.#newest.series, ...lost] };
  }

  /** Takes the words that keys of maps are told in from now on. */
  #learn(words: Dictionary): void {
    const before = this.#dictionary;
    this.#dictionary = words;
    if (
      words.family !== before.family || words.operations !== before.operations ||
      Object.entries(words.names).some(([name, meant]) => before.names[name] !== meant)
    ) this.#meanings.clear();
  }

  #meaning(map: string, key: string): Meaning | null {
    let keys = this.#meanings.get(map);
    if (keys === undefined) this.#meanings.set(map, keys = new Map());
    let meaning = keys.get(key);
    if (meaning === undefined) {
      try {
        keys.set(key, meaning = meaningOf(map, key, this.#dictionary));
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        throw new CaptureError(
          `Cannot use record ${this.#records} of the capture: ${error.message}`,
        );
      }
    }
    return meaning;
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
    previous: Sample | ChangedSample,
    sample: Sample | ChangedSample,
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

  /** What looking has cost so far; null where that is not known. */
  cost(): Cost | null {
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

/** The document of a whole capture, with all its windows in memory. */
export async function documentOf(
  records: AsyncIterable<CaptureRecord | ChangeRecord> | Iterable<CaptureRecord | ChangeRecord>,
): Promise<MetricsDocument> {
  const builder = new WindowBuilder();
  const windows: Window[] = [];
  for await (const record of records) {
    if (builder.next(record) !== null) windows.push(builder.newest!);
  }
  const unanswered = builder.unanswered();
  return {
    ...builder.document(),
    windows: windows.map((window, index) => ({
      ...window,
      series: [...window.series, ...unanswered(index)],
    })),
  };
}

function changesOf(
  previous: Sample | ChangedSample,
  sample: Sample | ChangedSample,
): readonly Change[] {
  if ("changes" in sample) return sample.changes;
  if ("changes" in previous) {
    throw new CaptureError("Cannot use samples with maps after samples with changes");
  }
  return changesBetween(previous.maps, sample.maps);
}
