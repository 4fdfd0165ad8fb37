/**
 * From the records of a capture to windows, one at a time, and to the document of the whole.
 *
 * @module
 */

import { BuiltWindow, type UnansweredSeries } from "./built_window.ts";
import type {
  CaptureHeader,
  CaptureRecord,
  PlanRecord,
  Sample,
  SlowPacket,
  Traffic,
} from "./capture.ts";
import { CaptureError } from "./capture.ts";
import type { ChangeRecord } from "./capture_changes.ts";
import type { Cost, ListedPacket, MetricsDocument, Series, Window } from "./document.ts";
import { contradictionIn, ledgerOf } from "./ledger.ts";
import { type Change, type ChangedSample, MapChanges, type MapKey } from "./map_changes.ts";
import { countsByMessage, type Dictionary, type Meaning, meaningOf } from "./map_decoding.ts";
import { expectsAnswer, messageName } from "./messages.ts";
import { SeriesBook, seriesKey, type SeriesName } from "./series_book.ts";
import { addProcess, SocketDrops } from "./server_series.ts";
import { type Counts, Unanswered } from "./unanswered.ts";

/** Maps that are not known are named one by one up to so many. */
const MOST_UNKNOWN = 5;

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

/** Seconds that windows and the whole may differ by their arithmetic alone. */
const MOST_SKEW = 1e-6;

/** As many slow packets are listed, the slowest. */
const MOST_SLOW = 1000;

/** Builds windows and totals from records in the order of the capture. */
export class WindowBuilder {
  #header: CaptureHeader | null = null;
  #totals: SeriesBook | null = null;
  /** Records so far, for errors. */
  #records = 0;
  #previous: Sample | ChangedSample | null = null;
  readonly #seriesNames = new Map<string, SeriesName>();
  #dictionary: Dictionary = {
    family: 4,
    hasStages: false,
    operations: [],
    names: {},
    series: (name) => this.#seriesNames.getOrInsert(seriesKey(name), name),
  };
  readonly #mapChanges = new MapChanges();
  /** Keys whose meaning is known. */
  #known: MapKey[] = [];
  readonly #unanswered = new Unanswered();
  readonly #unansweredSeries: UnansweredSeries = (counts) => this.#lostSeries([counts]);
  /** All that windows lost that are finished. */
  readonly #lost = new Map<number, number>();
  /** Windows whose unanswered packets are not settled. */
  readonly #waiting: BuiltWindow[] = [];
  readonly #onFinished: (window: BuiltWindow) => void;
  #drops = new SocketDrops();
  readonly #reasons: string[] = [];
  readonly #unknownMaps = new Set<string>();
  #notAvailable: { metric: string; why: string }[] = [];
  #traffic: Traffic | null = null;
  #slow: SlowPacket[] = [];
  /** Slow packets that are not among those any more. */
  #slowForgotten = 0;
  #ended: string | null = null;
  #firstElapsed: number | null = null;
  #lastElapsed = 0;
  /** The lengths of all windows, seconds. */
  #watchedSeconds = 0;
  /** Until when it should have been watched; null where that is not known. */
  #endElapsed: number | null = null;
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
   * @param onFinished is told of each window, in their order, when what comes after it has settled
   * which of its packets got no answer.
   */
  constructor(onFinished: (window: BuiltWindow) => void = () => {}) {
    this.#onFinished = onFinished;
  }

  /**
   * Takes the next record.
   *
   * @param record of one kind of reader: all samples have their maps, or all their changes.
   * @returns the window that it completes, or null. It is finished now or later.
   * @throws {CaptureError} when the first record is not a header, or a map holds what none of our
   * programs counts.
   */
  next(record: CaptureRecord | ChangeRecord): BuiltWindow | null {
    this.#records++;
    if (record.type === "capture") {
      this.#header = record;
      this.#totals = new SeriesBook(record.server.family);
      this.#notAvailable = record.plan.not_available;
      this.#learn({
        ...this.#dictionary,
        family: record.server.family,
        ...planWords(record.plan),
      });
      return null;
    }
    if (this.#header === null) throw new CaptureError("Cannot use a capture without its header");
    switch (record.type) {
      case "sample":
        return this.#sample(record);
      case "segment":
        this.#previous = null;
        this.#finish(this.#unanswered.end());
        this.#drops = new SocketDrops();
        this.#learn({ ...this.#dictionary, ...planWords(record.plan) });
        return null;
      case "note":
        this.#reasons.push(record.reason);
        return null;
      case "slow":
        this.#slow.push(record);
        if (this.#slow.length >= 2 * MOST_SLOW) this.#forget();
        return null;
      case "traffic":
        this.#traffic = record;
        return null;
      case "end":
        this.#ended = record.ended;
        this.#endElapsed = record.elapsed_ns ?? null;
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

  /** Seconds from the first sample to the newest. */
  get elapsedSeconds(): number {
    return (this.#lastElapsed - (this.#firstElapsed ?? 0)) / 1e9;
  }

  /**
   * Finishes the last windows, when no more records come, and gives the document without its windows.
   * Without an end record the verdict is PARTIAL.
   *
   * @throws {CaptureError} when there was no header.
   */
  document(): MetricsDocument {
    const header = this.#header;
    if (header === null) throw new CaptureError("Cannot use a capture without its header");
    this.#finish(this.#unanswered.end());
    const totals = [...this.#totals!.series(), ...this.#lostSeries([this.#lost])];
    const reasons = [
      ...this.#reasons,
      ...this.#ended === null ? ["The capture was cut off: it has no end"] : [],
      ...this.#watchedSeconds > 0
        ? []
        : ["Nothing was watched: there are no two samples of a segment"],
    ];
    const seen = new Set(totals.map(({ metric }) => metric));
    const explained = new Set(this.#notAvailable.map(({ metric }) => metric));
    const silent = METRICS.filter((metric) => !seen.has(metric) && !explained.has(metric));
    const notWatchedSeconds = this.#notWatchedSeconds();
    const ledger = ledgerOf(totals, this.#traffic, { notWatchedSeconds });
    return {
      schema: "kea-metrics/1",
      server: { ...header.server },
      capture: {
        profile: header.profile,
        started: header.started,
        ended: this.#ended ?? this.#at(this.#lastElapsed),
        duration_seconds: this.#durationSeconds(),
        ...notWatchedSeconds === 0 ? {} : { watched_seconds: this.#watchedSeconds },
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
      ...(ledger === null ? {} : { ledger }),
      ...(header.slow_ns === undefined ? {} : { slow: this.#slowPackets(header, totals) }),
    };
  }

  /**
   * What a client or Kea itself counted that the probes did not see; null where nothing speaks against
   * them. What is missing because of a gap is in the ledger.
   *
   * @param endElapsedNs until when the watch was, before its end record is taken.
   */
  contradiction(endElapsedNs: number): string | null {
    this.#endElapsed = endElapsedNs;
    if (this.#traffic === null || this.#totals === null || this.#notWatchedSeconds() > 0) {
      return null;
    }
    return contradictionIn(this.#totals.series(), this.#traffic);
  }

  /** A slow packet as a document tells it. */
  slowPacket({ elapsed_ns, message, answer, time_ns, ...rest }: SlowPacket): ListedPacket {
    const { family } = this.#dictionary;
    return {
      time: this.#at(elapsed_ns),
      message: messageName(family, message),
      answer: messageName(family, answer),
      duration_ns: time_ns,
      transaction: rest.transaction,
      client: rest.client,
      stages: rest.stages,
    };
  }

  /** Seconds from the first sample until the last one, or until when there should have been more. */
  #durationSeconds(): number {
    const end = Math.max(this.#endElapsed ?? 0, this.#lastElapsed);
    return (end - (this.#firstElapsed ?? end)) / 1e9;
  }

  #notWatchedSeconds(): number {
    const missing = this.#durationSeconds() - this.#watchedSeconds;
    return missing > MOST_SKEW ? missing : 0;
  }

  /** Keeps the slowest. */
  #forget(): void {
    const ranked = this.#slow.toSorted((a, b) => b.time_ns - a.time_ns);
    this.#slow = ranked.slice(0, MOST_SLOW);
    this.#slowForgotten += ranked.length - this.#slow.length;
  }

  #slowPackets(
    { slow_ns }: CaptureHeader,
    totals: readonly Series[],
  ): NonNullable<MetricsDocument["slow"]> {
    this.#forget();
    const left = totals.find(({ metric }) => metric === "slow_packets_left_out");
    return {
      threshold_ns: slow_ns!,
      packets: this.#slow.map((packet) => this.slowPacket(packet)),
      left_out: this.#slowForgotten + (left?.kind === "counter" ? Number(left.value) : 0),
    };
  }

  #sample(sample: Sample | ChangedSample): BuiltWindow | null {
    const previous = this.#previous;
    this.#previous = sample;
    this.#firstElapsed ??= sample.elapsed_ns;
    this.#lastElapsed = sample.elapsed_ns;
    if (previous === null || previous.segment !== sample.segment) {
      this.#drops.add(new SeriesBook(null), sample.sockets);
      return null;
    }
    const changes = this.#changes(previous, sample);
    this.#learn({ ...this.#dictionary, names: sample.names });
    const book = new SeriesBook(this.#dictionary.family);
    for (const [key, difference] of changes) {
      const meaning = key.meaning === undefined ? this.#meaningOf(key) : key.meaning;
      if (meaning !== null) meaning(book, difference);
    }
    this.#drops.add(book, sample.sockets);
    const seconds = (sample.elapsed_ns - previous.elapsed_ns) / 1e9;
    this.#watchedSeconds += seconds;
    const serverCpu = addProcess(book, previous.process, sample.process, seconds);
    this.#totals!.merge(book);

    const counts = {
      received: countsByMessage("@received", changes),
      answered: countsByMessage("@processing", changes),
    };
    const packets = counts.received.values().reduce((sum, count) => sum + count, 0);
    this.#addCost(previous, sample, { seconds, serverCpu, packets });
    const window = new BuiltWindow(
      { start: this.#at(previous.elapsed_ns), end: this.#at(sample.elapsed_ns) },
      book,
      this.#unanswered.next(counts),
      this.#unansweredSeries,
    );
    this.#waiting.push(window);
    this.#finish(this.#unanswered.settled());
    return window;
  }

  #finish(settled: Iterable<Counts>): void {
    for (const lost of settled) {
      const window = this.#waiting.shift()!;
      window.finish(lost);
      for (const [type, count] of lost) this.#lost.set(type, (this.#lost.get(type) ?? 0) + count);
      this.#onFinished(window);
    }
  }

  /** Takes the words that keys of maps are told in from now on. */
  #learn(words: Dictionary): void {
    const before = this.#dictionary;
    this.#dictionary = words;
    if (
      words.family !== before.family || words.operations !== before.operations ||
      words.hasStages !== before.hasStages ||
      Object.entries(words.names).some(([name, meant]) => before.names[name] !== meant)
    ) {
      for (const key of this.#known) key.meaning = undefined;
      this.#known = [];
    }
  }

  #meaningOf(key: MapKey): Meaning | null {
    this.#known.push(key);
    try {
      const meaning = meaningOf(key.map, key.key, this.#dictionary);
      if (meaning === null) this.#notKnown(key.map);
      return key.meaning = meaning;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new CaptureError(
        `Cannot use record ${this.#records} of the capture: ${error.message}`,
      );
    }
  }

  /** A map of another version of the toolkit: what it counts is not in the document. */
  #notKnown(map: string): void {
    const reason = `The capture has ${map}, a map that this version does not know`;
    if (this.#unknownMaps.size < MOST_UNKNOWN && !this.#unknownMaps.has(map)) {
      this.#unknownMaps.add(map);
      this.#reasons.push(reason);
    }
  }

  #changes(
    previous: Sample | ChangedSample,
    sample: Sample | ChangedSample,
  ): readonly Change[] {
    if ("changes" in sample) return sample.changes;
    if ("changes" in previous) {
      throw new CaptureError("Cannot use samples with maps after samples with changes");
    }
    return this.#mapChanges.between(previous.maps, sample.maps);
  }

  #lostSeries(windows: readonly Counts[]): Series[] {
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

/** What the keys of maps mean under a plan. */
function planWords(
  { files, operations }: PlanRecord,
): Pick<Dictionary, "hasStages" | "operations"> {
  return { hasStages: files.includes("stages.bt"), operations };
}

/** The document of a whole capture, with all its windows in memory. */
export async function documentOf(
  records: AsyncIterable<CaptureRecord | ChangeRecord> | Iterable<CaptureRecord | ChangeRecord>,
): Promise<MetricsDocument> {
  const windows: Window[] = [];
  const builder = new WindowBuilder((window) => windows.push(window.final()));
  for await (const record of records) builder.next(record);
  return { ...builder.document(), windows };
}
