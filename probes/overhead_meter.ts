/**
 * The monitoring overhead, measured during a run: the time of our BPF programs and of the monitor.
 *
 * @module
 */

import type { CostSample } from "../metrics/capture.ts";
import { countPrograms, linkTarget, programInfo } from "../system/libc.ts";
import { isGone, parseStat, TICKS } from "../system/proc.ts";

/** The share of an interval in which the kernel counts, and its minimum, milliseconds. */
const [SLICE, LEAST_SLICE_MS] = [0.05, 20];

/** The descriptors of programs, and of their links to events. */
const PROGRAM = /^anon_inode:\[?bpf[-_](prog|link)/;

/** The time and runs so far of the programs that exist. */
type Taken = ReadonlyMap<string, { readonly nanoseconds: number; readonly runs: number }>;

/**
 * Measures the monitoring overhead between readings.
 *
 * The kernel's own counting takes more time than a short program: 0.3 us per run in a nested VM. So it counts in
 * one slice of each interval, at a random place, and the result is extrapolated.
 */
export class OverheadMeter implements AsyncDisposable {
  readonly #bpftracePid: number;
  readonly #sliceMs: number;
  /** Longest time from a reading to the slice, milliseconds. */
  readonly #latestMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The current slice. */
  #slice: Promise<void> | null = null;
  #endSlice: () => void = () => {};
  /** The counts of slices since the last reading that used them. */
  #counted = { milliseconds: 0, nanoseconds: 0, runs: 0 };
  #since: number | null = null;
  #seconds = 0;
  #hits = 0;

  /** @param intervalMs time between two readings, milliseconds. */
  constructor(bpftracePid: number, intervalMs: number) {
    this.#bpftracePid = bpftracePid;
    this.#sliceMs = Math.max(LEAST_SLICE_MS, SLICE * intervalMs);
    this.#latestMs = Math.max(0, intervalMs - 2 * this.#sliceMs);
  }

  /** Whether this kernel counts at all. */
  static isPossible(): boolean {
    using counting = countPrograms();
    return counting !== null;
  }

  /**
   * The overhead so far: BPF time and runs of all of bpftrace's programs (including runs for other processes,
   * which end at the first test), CPU time and memory of bpftrace and of this process.
   *
   * @returns null when bpftrace is gone.
   */
  async read(): Promise<CostSample | null> {
    await this.#pause();
    const now = performance.now();
    const { milliseconds, nanoseconds, runs } = this.#counted;
    if (milliseconds > 0 && this.#since !== null) {
      const whole = (now - this.#since) / milliseconds;
      this.#seconds += whole * nanoseconds / 1e9;
      this.#hits += whole * runs;
    }
    if (milliseconds > 0 || this.#since === null) {
      this.#since = now;
      this.#counted = { milliseconds: 0, nanoseconds: 0, runs: 0 };
    }
    try {
      const [tracer, self] = [usage(this.#bpftracePid), usage(Deno.pid)];
      this.#timer = setTimeout(() => {
        this.#slice = this.#count();
      }, Math.random() * this.#latestMs);
      return {
        bpf_seconds: this.#seconds,
        hits: Math.round(this.#hits),
        monitor_cpu_seconds: tracer.cpuSeconds + self.cpuSeconds,
        monitor_memory_bytes: tracer.memoryBytes + self.memoryBytes,
      };
    } catch (error) {
      if (isGone(error)) return null;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pause();
  }

  /** Counts for a slice. Other tools may make the kernel count before and after; that is left out. */
  async #count(): Promise<void> {
    const over = new Promise<void>((resolve) => this.#endSlice = resolve);
    const before = readPrograms(this.#bpftracePid);
    const since = performance.now();
    {
      using _counting = countPrograms();
      this.#timer = setTimeout(this.#endSlice, this.#sliceMs);
      await over;
    }
    const milliseconds = performance.now() - since;
    // A slice that was cut short does not count.
    if (milliseconds < this.#sliceMs / 2) return;
    const after = readPrograms(this.#bpftracePid);
    for (const [id, { nanoseconds, runs }] of after) {
      const first = before.get(id);
      if (first === undefined) continue;
      this.#counted.nanoseconds += nanoseconds - first.nanoseconds;
      this.#counted.runs += runs - first.runs;
    }
    this.#counted.milliseconds += milliseconds;
  }

  async #pause(): Promise<void> {
    clearTimeout(this.#timer);
    this.#endSlice();
    await this.#slice;
    clearTimeout(this.#timer);
    this.#slice = null;
  }
}

/**
 * Read without another thread, which would take longer than reading.
 *
 * @returns nothing when bpftrace is gone.
 */
function readPrograms(bpftracePid: number): Taken {
  const programs = new Map<string, { nanoseconds: number; runs: number }>();
  const folder = `/proc/${bpftracePid}`;
  for (const name of namesIn(`${folder}/fd`)) {
    // Most descriptors are others, and a link is read ten times as fast as a file.
    if (!PROGRAM.test(linkTarget(`${folder}/fd/${name}`) ?? "")) continue;
    let text = textOf(`${folder}/fdinfo/${name}`);
    const id = /^prog_id:\s+(\d+)$/m.exec(text)?.[1];
    if (id === undefined || programs.has(id)) continue;
    // bpftrace 0.27 keeps only the links of its programs, whose information has no times.
    if (!text.includes("run_time_ns")) text = programInfo(Number(id)) ?? "";
    programs.set(id, {
      nanoseconds: Number(/^run_time_ns:\s+(\d+)$/m.exec(text)?.[1] ?? 0),
      runs: Number(/^run_cnt:\s+(\d+)$/m.exec(text)?.[1] ?? 0),
    });
  }
  return programs;
}

function namesIn(folder: string): string[] {
  try {
    return Array.from(Deno.readDirSync(folder), ({ name }) => name);
  } catch {
    return [];
  }
}

function textOf(file: string): string {
  try {
    return Deno.readTextFileSync(file);
  } catch {
    // The descriptor has been closed.
    return "";
  }
}

function usage(pid: number): { cpuSeconds: number; memoryBytes: number } {
  const { userTicks, systemTicks } = parseStat(Deno.readTextFileSync(`/proc/${pid}/stat`));
  const pages = Number(Deno.readTextFileSync(`/proc/${pid}/statm`).split(" ")[1]);
  return { cpuSeconds: (userTicks + systemTicks) / TICKS, memoryBytes: pages * 4096 };
}
