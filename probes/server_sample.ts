/**
 * The state of a server from /proc and sock_diag: CPU by thread, memory, socket drops.
 *
 * @module
 */

import { isGone, statOf, TICKS } from "../system/proc.ts";
import { socketInodes } from "../system/sockets.ts";
import { runAtNetworkOf } from "../system/network_namespace.ts";
import { textOf } from "../system/run.ts";
import type { ProcessSample, SocketSample } from "../metrics/capture.ts";
import { throttledSecondsOf } from "../system/cpu_limit.ts";

/** Longest time for a list of sockets, milliseconds. */
const SS_LIMIT_MS = 10_000;

/** Reads one process repeatedly. */
export class ServerSampler {
  readonly #pid: number;
  #memory: ProcessSample["memory"] | null = null;
  #memoryReadings = 0;

  constructor(pid: number) {
    this.#pid = pid;
  }

  /**
   * Reads CPU times by thread, memory and page faults.
   *
   * Proportional memory and swap are read only every tenth time, because the kernel walks the page tables for
   * them while it locks the process's memory map.
   *
   * @returns null when the process is gone.
   */
  async process(): Promise<ProcessSample | null> {
    const folder = `/proc/${this.#pid}`;
    try {
      const tids: number[] = [];
      for (const { name } of Deno.readDirSync(`${folder}/task`)) tids.push(Number(name));
      tids.sort((a, b) => a - b);
      const threads = tids.map((tid, index) => {
        const fields = statOf(this.#pid, tid);
        return fields === null ? null : {
          tid,
          thread: index === 0 ? "main" : `thread-${index}`,
          user_seconds: fields.userTicks / TICKS,
          system_seconds: fields.systemTicks / TICKS,
        };
      });
      const whole = statOf(this.#pid);
      if (whole === null) return null;
      return {
        threads: threads.filter((thread) => thread !== null),
        memory: await this.#readMemory(folder),
        minor_faults: whole.minorFaults,
        major_faults: whole.majorFaults,
        throttled_seconds: await throttledSecondsOf(this.#pid),
      };
    } catch (error) {
      if (isGone(error)) return null;
      throw error;
    }
  }

  /**
   * Reads how many packets the kernel dropped at the server's DHCP sockets.
   *
   * @param kinds the sockets that count: in raw mode Kea discards the bytes of its UDP socket, so drops there
   * are not losses.
   */
  async sockets(kinds: readonly ("raw" | "udp")[]): Promise<SocketSample[]> {
    try {
      const inodes = socketInodes(this.#pid);
      const ss = ["ss", "-H", "-0", "-u", "-a", "-n", "-m", "-e"] as const;
      const ran = await runAtNetworkOf(this.#pid, ss, { limitMs: SS_LIMIT_MS });
      return parseSockets(textOf(ran), inodes, kinds);
    } catch (error) {
      if (isGone(error)) return [];
      throw error;
    }
  }

  async #readMemory(folder: string): Promise<ProcessSample["memory"]> {
    if (this.#memory === null || this.#memoryReadings++ % 10 === 0) {
      const text = await Deno.readTextFile(`${folder}/smaps_rollup`);
      const bytes = (name: string) =>
        1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0);
      this.#memory = {
        rss: bytes("Rss"),
        pss: bytes("Pss"),
        anonymous: bytes("Anonymous"),
        swap: bytes("Swap"),
      };
    } else {
      // statm counts pages; 4 KiB on x86-64.
      const pages = Number((await Deno.readTextFile(`${folder}/statm`)).split(" ")[1]);
      this.#memory = { ...this.#memory, rss: pages * 4096 };
    }
    return this.#memory;
  }
}

/**
 * Parses `ss -0 -u -a -n -m -e`: two lines per socket, the second with the memory counters.
 *
 * @param inodes the server's sockets.
 */
export function parseSockets(
  text: string,
  inodes: ReadonlySet<string>,
  kinds: readonly ("raw" | "udp")[],
): SocketSample[] {
  const samples: SocketSample[] = [];
  const kindOf = { p_raw: "raw", p_dgr: "raw", udp: "udp" } as const;
  for (const socket of text.split(/\n(?=\S)/)) {
    const kind = kindOf[socket.split(/\s/, 1)[0] as keyof typeof kindOf];
    const id = /\bino:(\d+)/.exec(socket)?.[1];
    const memory = /skmem:\(r(\d+),.*?\bd(\d+)\)/.exec(socket);
    if (kind === undefined || id === undefined || memory === null) continue;
    if (!kinds.includes(kind) || !inodes.has(id)) continue;
    if (kind === "udp" && !/:(67|547)\s/.test(socket)) continue;
    samples.push({ socket: kind, id, drops: Number(memory[2]), queued_bytes: Number(memory[1]) });
  }
  return samples;
}
