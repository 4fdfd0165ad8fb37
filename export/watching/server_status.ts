/**
 * What is exposed of a watched server beside its windows: whether it runs, and whether all of it is seen.
 *
 * @module
 */

import type { CaptureHeader, CaptureRecord } from "../../metrics/capture.ts";
import type { Window } from "../../metrics/document.ts";
import { DocumentBuilder, METRICS } from "../../metrics/document_builder.ts";
import { ageOf } from "../../system/proc.ts";
import type { Accumulator } from "../prometheus/accumulator.ts";
import { counter, type Family, gauge } from "../prometheus/families.ts";
import { exposeKnown, exposeSocket } from "../prometheus/known_series.ts";
import { UnwatchedTime } from "./unwatched_time.ts";
import { WatchState } from "./watch_state.ts";

const UP = gauge("server_up", "Whether the server runs.");
const START = gauge("server_start_time_seconds", "When the server was started.");
const RESTARTS = counter("server_restarts_total", "How often another process took its place.");
const INFO = gauge("server_info", "The server: version and program.");
const COMPLETE = gauge(
  "watch_complete",
  "Whether the probes are attached and were read, and nothing is missed.",
);
const AVAILABLE = gauge("metric_available", "Whether a metric is measured on this server.");
const LOSSES = counter("watch_losses_total", "How often something was missed; the log says what.");
const UNWATCHED = counter(
  "unwatched_seconds_total",
  "How long the server ran while no probe was attached.",
);
const READ = gauge("last_reading_timestamp_seconds", "When the programs were read the last time.");
const QUEUED = gauge(
  "socket_queued_bytes",
  "Memory of packets that wait in the server's sockets to be read.",
);
const BPF = counter("bpf_seconds_total", "CPU time of the eBPF programs.");
const RUNS = counter("bpf_runs_total", "How often the eBPF programs ran.");

/** Keeps what is exposed of one server, through its restarts. */
export class ServerStatus {
  readonly #name: string;
  readonly #accumulator: Accumulator;
  #builder: DocumentBuilder | null = null;
  readonly #watch = new WatchState();
  #losses = 0;
  /** The process that is or was watched, and how many there have been. */
  #pid: number | null = null;
  #processes = 0;
  /** When it was started, seconds since the epoch. */
  #started = 0;
  #cost = { bpf: 0, hits: 0 };
  readonly #unwatched = new UnwatchedTime();

  /** @param name the label `server`. */
  constructor(name: string, accumulator: Accumulator) {
    this.#name = name;
    this.#accumulator = accumulator;
    accumulator.beforeReading(() => this.#set(UNWATCHED, this.#unwatched.seconds()), name);
  }

  /** Whether a watch has read its programs. */
  get isReady(): boolean {
    return this.#watch.phase === "watched";
  }

  /**
   * Takes a record of the watch of one process; a header begins another one.
   *
   * @returns the final window that ends with it.
   */
  next(record: CaptureRecord): Window | null {
    // Those before are detached.
    if (record.type === "segment" && this.isReady) this.#unwatched.detached();
    this.#watch.next(record);
    if (record.type === "capture") this.#begin(record);
    if (record.type === "segment") this.#attached(record);
    if (record.type === "note") this.#losses++;
    this.#set(LOSSES, this.#losses);
    if (record.type === "sample") this.#read(record);
    this.#set(COMPLETE, this.#watch.isComplete ? 1 : 0);
    const window = this.#builder!.next(record);
    if (window === null) return null;
    this.#accumulator.add(this.#name, window);
    const cost = this.#builder!.cost();
    if (cost !== null) {
      this.#set(BPF, this.#cost.bpf + cost.bpf_seconds);
      this.#set(RUNS, this.#cost.hits + cost.hits);
    }
    return window;
  }

  /**
   * The process has ended, or is not watched for now.
   *
   * @param isRunning whether the process is still there.
   */
  gone(isRunning: boolean): void {
    const cost = this.#builder?.cost() ?? null;
    if (cost !== null) {
      this.#cost = { bpf: this.#cost.bpf + cost.bpf_seconds, hits: this.#cost.hits + cost.hits };
    }
    this.#builder = null;
    this.#watch.gone(isRunning);
    if (isRunning) this.#unwatched.detached();
    else this.#unwatched.ended();
    this.#accumulator.dropGauges(this.#name);
    this.#set(UP, isRunning ? 1 : 0);
    this.#set(COMPLETE, 0);
  }

  #begin(header: CaptureHeader): void {
    this.#builder = new DocumentBuilder();
    this.#attached(header);
    // One process may be watched several times.
    const { pid } = header.server;
    if (this.#pid !== pid) this.#startOf(pid);
    this.#pid = pid;
    this.#set(RESTARTS, this.#processes - 1);
    this.#set(UP, 1);
    this.#set(START, this.#started);
    exposeKnown(this.#accumulator, this.#name, header);
    const { version, executable } = header.server;
    this.#accumulator.set(INFO, { server: this.#name, version, executable }, 1n);
  }

  /** Another process is watched. */
  #startOf(pid: number): void {
    this.#processes++;
    // It may have ended already.
    const age = ageOf(pid) ?? 0;
    this.#started = Math.round(Date.now() / 10 - 100 * age) / 100;
    // The time of the first one before the exporter looked is no gap.
    if (this.#processes > 1) this.#unwatched.detached(age);
  }

  /** Probes were attached. */
  #attached({ plan }: Pick<CaptureHeader, "plan">): void {
    const missing = new Set(plan.not_available.map(({ metric }) => metric));
    for (const metric of METRICS) {
      const isAvailable = missing.has(metric) ? 0n : 1n;
      this.#accumulator.set(AVAILABLE, { server: this.#name, metric }, isAvailable);
    }
  }

  #read({ sockets }: Extract<CaptureRecord, { type: "sample" }>): void {
    this.#unwatched.read();
    this.#set(READ, Date.now() / 1000);
    const queued = Map.groupBy(sockets, ({ socket }) => socket);
    for (const [socket, each] of queued) {
      exposeSocket(this.#accumulator, this.#name, socket);
      const bytes = each.reduce((sum, { queued_bytes }) => sum + queued_bytes, 0);
      this.#accumulator.set(QUEUED, { server: this.#name, socket }, bytes);
    }
  }

  #set(family: Family, value: number): void {
    this.#accumulator.set(family, { server: this.#name }, value);
  }
}
