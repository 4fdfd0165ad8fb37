/**
 * Monitoring overhead of a run: the programs and the monitor, in all and per packet.
 *
 * @module
 */

import type { Cost } from "./document.ts";
import type { SampledWindow } from "./windows.ts";

/** Adds up the windows whose cost is known. */
export class Overhead {
  #bpf = 0;
  #hits = 0;
  #monitorCpu = 0;
  #memory = 0;
  #seconds = 0;
  #serverCpu = 0;
  #packets = 0;

  /** Takes the next window. */
  add({ before, now, seconds, serverCpu, packets }: SampledWindow): void {
    if (before.cost === null || now.cost === null) return;
    this.#bpf += now.cost.bpf_seconds - before.cost.bpf_seconds;
    this.#hits += now.cost.hits - before.cost.hits;
    this.#monitorCpu += now.cost.monitor_cpu_seconds - before.cost.monitor_cpu_seconds;
    this.#memory = Math.max(this.#memory, now.cost.monitor_memory_bytes);
    this.#seconds += seconds;
    this.#serverCpu += serverCpu;
    this.#packets += packets;
  }

  /** The overhead so far; null if it is not known. Packets are received ones. */
  cost(): Cost | null {
    if (this.#seconds === 0) return null;
    const perPacket = (amount: number) => this.#packets === 0 ? null : amount / this.#packets;
    return {
      bpf_seconds: this.#bpf,
      hits: this.#hits,
      bpf_us_per_packet: perPacket(this.#bpf * 1e6),
      hits_per_packet: perPacket(this.#hits),
      server_cpu_us_per_packet: perPacket(this.#serverCpu * 1e6),
      monitor_cpu_ratio: this.#monitorCpu / this.#seconds,
      monitor_memory_bytes: this.#memory,
    };
  }
}
