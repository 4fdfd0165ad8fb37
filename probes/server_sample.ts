/**
 * The state of a server from /proc and sock_diag: CPU by thread, memory, socket drops.
 *
 * @module
 */

import { checkModest } from "../system/greedy_process.ts";
import { isGone, statOf, TICKS } from "../system/proc.ts";
import { readProc } from "../system/read_proc.ts";
import { socketInodes } from "../system/descriptors.ts";
import { dhcpSockets } from "../system/sock_diag.ts";
import type { ProcessSample, SocketSample } from "../metrics/capture.ts";
import { throttledSecondsOf } from "../system/cpu_limit.ts";

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
      checkModest(this.#pid);
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
   * @returns none when the process is gone, or the kernel does not say.
   */
  sockets(kinds: readonly ("raw" | "udp")[]): SocketSample[] {
    try {
      const inodes = socketInodes(this.#pid);
      return kinds.flatMap((socket) =>
        (dhcpSockets(this.#pid, socket) ?? []).filter(({ inode }) => inodes.has(inode))
          .map(({ inode: id, drops, queuedBytes }) => ({
            ...{ socket, id, drops, queued_bytes: queuedBytes },
          }))
      );
    } catch (error) {
      if (isGone(error)) return [];
      throw error;
    }
  }

  async #readMemory(folder: string): Promise<ProcessSample["memory"]> {
    if (this.#memory === null || this.#memoryReadings++ % 10 === 0) {
      const text = await readProc(this.#pid, "smaps_rollup");
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
