/**
 * What the exporter itself takes of the host: CPU time and memory, its bpftraces included.
 *
 * @module
 */

import denoJson from "../../deno.json" with { type: "json" };
import { anonymousBytes, isGone, type Stat, statOf, TICKS } from "../../system/proc.ts";
import type { Accumulator } from "../prometheus/accumulator.ts";
import { counter, gauge } from "../prometheus/families.ts";

const INFO = gauge(
  "exporter_info",
  "The exporter: its version.",
);
const START = gauge(
  "exporter_start_time_seconds",
  "When the exporter was started: its counters began at 0.",
);
const CPU = counter(
  "exporter_cpu_seconds_total",
  "CPU time of the exporter and of the programs that it started.",
);
const MEMORY = gauge(
  "exporter_memory_bytes",
  "Anonymous memory of the exporter, of its bpftraces together, and of what draws the page.",
);

/** Time between two readings, milliseconds. */
const PERIOD_MS = 15_000;

/** The own cost at one time. */
export interface OwnCost {
  readonly cpuSeconds: number;
  /** Anonymous memory in bytes. */
  readonly exporterBytes: number;
  readonly bpftraceBytes: number;
}

/**
 * Exposes the own cost until disposed.
 *
 * @param drawingBytes memory of the process that draws the page; 0 when none runs.
 */
export function exposeOwnCost(accumulator: Accumulator, drawingBytes: () => number): Disposable {
  accumulator.set(INFO, { version: denoJson.version }, 1n);
  accumulator.set(START, {}, performance.timeOrigin / 1000);
  let cpuSeconds = 0;
  const read = () => {
    const cost = ownCost();
    // A program that ends while this is read is in neither part of the sum.
    cpuSeconds = Math.max(cpuSeconds, cost.cpuSeconds);
    accumulator.set(CPU, {}, cpuSeconds);
    accumulator.set(MEMORY, { process: "exporter" }, cost.exporterBytes);
    accumulator.set(MEMORY, { process: "bpftrace" }, cost.bpftraceBytes);
    accumulator.set(MEMORY, { process: "drawing" }, drawingBytes());
  };
  read();
  const timer = setInterval(read, PERIOD_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Reads the cost of this process, of what it started and still runs, and of what has ended. */
export function ownCost(): OwnCost {
  const self = statOf(Deno.pid)!;
  let cpuSeconds = secondsOf(self);
  let bpftraceBytes = 0;
  for (const pid of children()) {
    const stat = statOf(pid);
    if (stat === null) continue;
    cpuSeconds += secondsOf(stat);
    if (stat.command === "bpftrace") bpftraceBytes += anonymousBytes(pid);
  }
  return { cpuSeconds, exporterBytes: anonymousBytes(Deno.pid), bpftraceBytes };
}

/** CPU time of a process and of its children that have ended. */
function secondsOf({ userTicks, systemTicks, endedTicks }: Stat): number {
  return (userTicks + systemTicks + endedTicks) / TICKS;
}

/** The processes that this one has started, by any of its threads. */
function children(): number[] {
  const threads = [...Deno.readDirSync("/proc/self/task")];
  const lists = threads.map(({ name }) => read(`/proc/self/task/${name}/children`));
  return lists.join(" ").split(" ").filter((pid) => pid !== "").map(Number);
}

/** A file of /proc; empty if its process has ended. */
function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (isGone(error)) return "";
    throw error;
  }
}
