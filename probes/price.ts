/**
 * What looking costs, measured while looking: the time of our BPF programs and of the monitor.
 *
 * @module
 */

import type { CostSample } from "../metrics/capture.ts";
import { programInfo } from "./libc.ts";
import { parseStat } from "./server_sample.ts";

const SWITCH = "/proc/sys/kernel/bpf_stats_enabled";

/**
 * Where monitors that need the switch leave a file each: the last one that goes puts it back.
 * Kept in /run, which the next boot empties, as it does the switch.
 */
const USERS = "/run/kea-ebpf-monitoring/bpf_stats";

/** Keeps `kernel.bpf_stats_enabled` on, and puts it back when disposed or when this process dies. */
export class BpfStatistics implements AsyncDisposable {
  readonly #guardian: Deno.ChildProcess;

  private constructor(guardian: Deno.ChildProcess) {
    this.#guardian = guardian;
  }

  /** @returns null where the kernel has no such switch or it cannot be written. */
  static async enable(): Promise<BpfStatistics | null> {
    try {
      await Deno.mkdir(USERS, { recursive: true });
      const before = (await Deno.readTextFile(SWITCH)).trim();
      const original = `${USERS}/original`;
      // The first to come keeps what was there; the others find its file.
      await Deno.writeTextFile(original, before, { createNew: true }).catch((error) => {
        if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      });
      const own = `${USERS}/${crypto.randomUUID()}`;
      await Deno.writeTextFile(own, String(Deno.pid));
      await Deno.writeTextFile(SWITCH, "1");
      // It waits for the end of its standard input, which comes also when this process is killed.
      const guardian = new Deno.Command("sh", {
        args: [
          "-c",
          'cat >/dev/null; rm -f "$1"; [ "$(ls "$2")" = original ] && ' +
          'cat "$2/original" >"$3" && rm -f "$2/original"; exit 0',
          "sh",
          own,
          USERS,
          SWITCH,
        ],
        stdin: "piped",
        stdout: "null",
        stderr: "null",
        detached: true,
      }).spawn();
      return new BpfStatistics(guardian);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) {
        return null;
      }
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#guardian.stdin.close();
    await this.#guardian.status;
  }
}

/**
 * Reads the price so far: BPF time and runs of all programs that a bpftrace holds (runs for other
 * processes included, which a program leaves at its first test), CPU and memory of it and of us.
 *
 * @returns null when the process is gone.
 */
export async function readCost(bpftracePid: number): Promise<CostSample | null> {
  try {
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
    const all = [...programs.values()];
    const [tracer, self] = await Promise.all([usage(bpftracePid), usage(Deno.pid)]);
    return {
      bpf_seconds: all.reduce((sum, { nanoseconds }) => sum + nanoseconds, 0) / 1e9,
      hits: all.reduce((sum, { runs }) => sum + runs, 0),
      monitor_cpu_seconds: tracer.cpuSeconds + self.cpuSeconds,
      monitor_memory_bytes: tracer.memoryBytes + self.memoryBytes,
    };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

async function usage(pid: number): Promise<{ cpuSeconds: number; memoryBytes: number }> {
  const { userTicks, systemTicks } = parseStat(await Deno.readTextFile(`/proc/${pid}/stat`));
  const pages = Number((await Deno.readTextFile(`/proc/${pid}/statm`)).split(" ")[1]);
  return { cpuSeconds: (userTicks + systemTicks) / 100, memoryBytes: pages * 4096 };
}
