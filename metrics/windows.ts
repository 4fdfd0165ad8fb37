/**
 * From the records of a capture to windows, one at a time, and to the document of the whole.
 *
 * @module
 */

import type { CaptureHeader, CaptureRecord, Sample } from "./capture.ts";
import { CaptureError } from "./capture.ts";
import type { Cost, MetricsDocument, Window } from "./document.ts";
import { decode, type Dictionary, keyParts } from "./map_decoding.ts";
import { messageName } from "./messages.ts";
import { SeriesBook } from "./series_book.ts";

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
  readonly #windows: Window[] = [];
  #previous: Sample | null = null;
  #dictionary: Dictionary = { family: 4, operations: [], names: {} };
  #unanswered = new Unanswered();
  readonly #reasons: string[] = [];
  #notAvailable: { metric: string; why: string }[] = [];
  #ended: string | null = null;
  #firstElapsed: number | null = null;
  #lastElapsed = 0;
  readonly #cost = { bpf: 0, hits: 0, monitorCpu: 0, memory: 0, seconds: 0, serverCpu: 0 };

  /**
   * Takes the next record.
   *
   * @returns the window that it completes, or null.
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
        this.#unanswered = new Unanswered();
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
    const totals = this.#totals!.series();
    const reasons = this.#ended === null
      ? [...this.#reasons, "The capture was cut off: it has no end"]
      : this.#reasons;
    const seen = new Set(totals.map(({ metric }) => metric));
    const explained = new Set(this.#notAvailable.map(({ metric }) => metric));
    const silent = METRICS.filter((metric) => !seen.has(metric) && !explained.has(metric));
    const received = totals.reduce(
      (sum, series) =>
        series.metric === "network_traffic" && series.unit === "packets" &&
          series.labels["direction"] === "received" && series.kind === "counter"
          ? sum + Number(series.value)
          : sum,
      0,
    );
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
        cost: this.#costOf(received),
      },
      windows: this.#windows,
      totals,
    };
  }

  #sample(sample: Sample): Window | null {
    const previous = this.#previous;
    this.#previous = sample;
    this.#firstElapsed ??= sample.elapsed_ns;
    this.#lastElapsed = sample.elapsed_ns;
    if (previous === null || previous.segment !== sample.segment) return null;
    const { family } = this.#dictionary;
    const words = { ...this.#dictionary, names: sample.names };
    const window = new SeriesBook(family);
    const books = [window, this.#totals!];

    for (const map of Object.keys(sample.maps)) {
      for (const [key, difference] of differences(map, previous, sample)) {
        for (const book of books) decode(book, map, key, difference, words);
      }
    }
    for (const [type, count] of this.#unanswered.next(previous, sample)) {
      const labels = { kind: "unanswered", id: messageName(family, type) };
      for (const book of books) book.add({ metric: "error_rate", labels, unit: "events" }, count);
    }
    addDrops(books, previous, sample);
    const seconds = (sample.elapsed_ns - previous.elapsed_ns) / 1e9;
    this.#cost.serverCpu += addProcess(books, previous, sample, seconds);
    this.#addCost(previous, sample, seconds);

    const built = {
      start: this.#at(previous.elapsed_ns),
      end: this.#at(sample.elapsed_ns),
      series: window.series(),
    };
    this.#windows.push(built);
    return built;
  }

  #addCost(previous: Sample, sample: Sample, seconds: number): void {
    if (previous.cost === null || sample.cost === null) return;
    this.#cost.bpf += sample.cost.bpf_seconds - previous.cost.bpf_seconds;
    this.#cost.hits += sample.cost.hits - previous.cost.hits;
    this.#cost.monitorCpu += sample.cost.monitor_cpu_seconds - previous.cost.monitor_cpu_seconds;
    this.#cost.memory = Math.max(this.#cost.memory, sample.cost.monitor_memory_bytes);
    this.#cost.seconds += seconds;
  }

  #costOf(received: number): Cost | null {
    const { bpf, hits, monitorCpu, memory, seconds, serverCpu } = this.#cost;
    if (seconds === 0) return null;
    const perPacket = (amount: number) => received === 0 ? null : amount / received;
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

/**
 * Counts packets that got no answer: received less answered, by message. Packets under way at a
 * window's edge look unanswered for a moment; what was told too early is not told again, so that
 * the sum of the windows is never more than the greatest number under way above the truth.
 */
class Unanswered {
  readonly #open = new Map<number, number>();
  readonly #told = new Map<number, number>();

  next(previous: Sample, sample: Sample): [type: number, count: number][] {
    this.#count(previous, sample, "@received", 1, 40n, 1);
    this.#count(previous, sample, "@processing", 0, 44n, -1);
    return [...this.#open].map(([type, open]) => {
      const told = this.#told.get(type) ?? 0;
      this.#told.set(type, Math.max(told, open));
      return [type, Math.max(0, open - told)];
    });
  }

  #count(
    previous: Sample,
    sample: Sample,
    map: string,
    part: number,
    bits: bigint,
    sign: 1 | -1,
  ): void {
    for (const [key, difference] of differences(map, previous, sample)) {
      const type = Number(keyParts(map, key)[part]);
      this.#open.set(type, (this.#open.get(type) ?? 0) + sign * Number(difference >> bits));
    }
  }
}

/** What changed in a map between two readings, by key, modulo 2^64. */
function* differences(map: string, previous: Sample, sample: Sample): Generator<[string, bigint]> {
  const keyed = (value: Sample["maps"][string] | undefined) =>
    typeof value === "object" ? value : { "": value ?? 0 };
  const before = keyed(previous.maps[map]);
  for (const [key, value] of Object.entries(keyed(sample.maps[map]))) {
    yield [key, BigInt.asUintN(64, BigInt(value) - BigInt(before[key] ?? 0))];
  }
}

function addDrops(books: readonly SeriesBook[], previous: Sample, sample: Sample): void {
  const before = new Map(previous.sockets.map(({ id, drops }) => [id, drops]));
  for (const { id, socket, drops } of sample.sockets) {
    const name = {
      metric: "error_rate",
      labels: { kind: "kernel_drop", id: socket },
      unit: "events",
    };
    // A socket opened in between counts from its own beginning.
    for (const book of books) book.add(name, drops - (before.get(id) ?? 0));
  }
}

/** @returns CPU seconds of the server in the window. */
function addProcess(
  books: readonly SeriesBook[],
  previous: Sample,
  sample: Sample,
  seconds: number,
): number {
  const now = sample.process;
  const before = previous.process;
  if (now === null || before === null || seconds <= 0) return 0;
  const threads = new Map(before.threads.map((thread) => [thread.tid, thread]));
  const all = { user: 0, system: 0 };
  const add = (thread: string, mode: string, spent: number) => {
    for (const book of books) {
      const labels = { mode, thread };
      book.set({ metric: "cpu_usage", labels, unit: "ratio" }, spent / seconds);
      book.add({ metric: "cpu_usage", labels, unit: "seconds" }, spent);
    }
  };
  for (const { tid, thread, user_seconds, system_seconds } of now.threads) {
    const earlier = threads.get(tid);
    const user = user_seconds - (earlier?.user_seconds ?? 0);
    const system = system_seconds - (earlier?.system_seconds ?? 0);
    all.user += user;
    all.system += system;
    add(thread, "user", user);
    add(thread, "system", system);
  }
  add("all", "user", all.user);
  add("all", "system", all.system);
  for (const book of books) {
    for (const [kind, bytes] of Object.entries(now.memory)) {
      book.set({ metric: "memory_usage", labels: { kind }, unit: "bytes" }, bytes);
    }
    for (const kind of ["minor", "major"] as const) {
      const faults = now[`${kind}_faults`] - before[`${kind}_faults`];
      book.add({ metric: "memory_usage", labels: { kind }, unit: "faults" }, faults);
    }
    if (now.throttled_seconds !== null && before.throttled_seconds !== null) {
      book.add(
        { metric: "cpu_usage", labels: { mode: "throttled", thread: "all" }, unit: "seconds" },
        now.throttled_seconds - before.throttled_seconds,
      );
    }
  }
  return all.user + all.system;
}
