/**
 * What looking costs, measured while looking: the time of our BPF programs and of the monitor.
 *
 * @module
 */

import type { CostSample } from "../metrics/capture.ts";
import { countPrograms, programInfo } from "./libc.ts";
import { parseStat } from "./server_sample.ts";

/** Part of an interval for which the kernel counts, and the least of it, milliseconds. */
const [SLICE, LEAST_SLICE_MS] = [0.1, 20];

/** What programs took so far, of those that are there. */
type Taken = ReadonlyMap<string, { readonly nanoseconds: number; readonly runs: number }>;

/**
 * Measures what looking costs, between its readings.
 *
 * The kernel's own counting takes more time than a short program: 0.3 us a run in a nested VM. So
 * it counts in one slice of each interval, at a place that chance gives, and what it counted stands
 * for the whole.
 */
export class PriceMeter implements Disposable {
  readonly #bpftracePid: number;
  readonly #sliceMs: number;
  /** Longest time from a reading to the slice, milliseconds. */
  readonly #latestMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #counting: Disposable | null = null;
  #countingSince = 0;
  /** Milliseconds of counting since what was counted was last added. */
  #countedMs = 0;
  #addedAt: number | null = null;
  #taken: Taken = new Map();
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
   * The price so far: BPF time and runs of all programs that bpftrace holds (runs for other processes
   * included, which a program leaves at its first test), CPU and memory of it and of us.
   *
   * @returns null when bpftrace is gone.
   */
  async read(): Promise<CostSample | null> {
    this.#pause();
    try {
      const taken = await readPrograms(this.#bpftracePid);
      const now = performance.now();
      if (this.#countedMs > 0 && this.#addedAt !== null) {
        const whole = (now - this.#addedAt) / this.#countedMs;
        for (const [id, { nanoseconds, runs }] of taken) {
          const before = this.#taken.get(id);
          this.#seconds += whole * (nanoseconds - (before?.nanoseconds ?? 0)) / 1e9;
          this.#hits += whole * (runs - (before?.runs ?? 0));
        }
      }
      if (this.#countedMs > 0 || this.#addedAt === null) {
        this.#addedAt = now;
        this.#countedMs = 0;
        this.#taken = taken;
      }
      const [tracer, self] = await Promise.all([usage(this.#bpftracePid), usage(Deno.pid)]);
      this.#timer = setTimeout(() => this.#count(), Math.random() * this.#latestMs);
      return {
        bpf_seconds: this.#seconds,
        hits: Math.round(this.#hits),
        monitor_cpu_seconds: tracer.cpuSeconds + self.cpuSeconds,
        monitor_memory_bytes: tracer.memoryBytes + self.memoryBytes,
      };
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#pause();
  }

  #count(): void {
    this.#counting = countPrograms();
    this.#countingSince = performance.now();
    this.#timer = setTimeout(() => this.#pause(), this.#sliceMs);
  }

  #pause(): void {
    clearTimeout(this.#timer);
    if (this.#counting === null) return;
    this.#counting[Symbol.dispose]();
    this.#counting = null;
    this.#countedMs += performance.now() - this.#countingSince;
  }
}

async function readPrograms(bpftracePid: number): Promise<Taken> {
  const programs = new Map<string, { nanoseconds: number; runs: number }>();
  for await (const { name } of Deno.readDir(`/proc/${bpftracePid}/fdinfo`)) {
    let text = await Deno.readTextFile(`/proc/${bpftracePid}/fdinfo/${name}`).catch(() => "");
    const id = /^prog_id:\s+(\d+)$/m.exec(text)?.[1];
    if (id === undefined || programs.has(id)) continue;
    // bpftrace 0.27 keeps the links of its programs alone, whose information has no times.
    if (!text.includes("run_time_ns")) text = programInfo(Number(id)) ?? "";
    programs.set(id, {
      nanoseconds: Number(/^run_time_ns:\s+(\d+)$/m.exec(text)?.[1] ?? 0),
      runs: Number(/^run_cnt:\s+(\d+)$/m.exec(text)?.[1] ?? 0),
    });
  }
  return programs;
}

async function usage(pid: number): Promise<{ cpuSeconds: number; memoryBytes: number }> {
  const { userTicks, systemTicks } = parseStat(await Deno.readTextFile(`/proc/${pid}/stat`));
  const pages = Number((await Deno.readTextFile(`/proc/${pid}/statm`)).split(" ")[1]);
  return { cpuSeconds: (userTicks + systemTicks) / 100, memoryBytes: pages * 4096 };
}
