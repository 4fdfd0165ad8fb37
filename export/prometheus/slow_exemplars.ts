/**
 * Slow packets as exemplars of the processing time: which packet it was, and where its time went.
 *
 * @module
 */

import type { CaptureHeader, CaptureRecord, SlowPacket } from "../../metrics/capture.ts";
import { messageName } from "../../metrics/messages.ts";
import type { FleetObserver } from "../watching/fleet_observer.ts";
import type { Accumulator, Labels } from "./accumulator.ts";
import { SOURCES } from "./families.ts";

/**
 * The most characters of each. OpenMetrics allows 128 of names and values together; the names and the longest stage
 * take 29.
 */
const LONGEST = { xid: 16, client: 64 };

const FAMILY = SOURCES.find(({ name }) => name === "packet_processing_seconds")!;

/** Keeps the newest slow packets of each server. */
export class SlowExemplars implements FleetObserver {
  readonly #accumulator: Accumulator;
  readonly #headers = new Map<string, CaptureHeader>();

  constructor(accumulator: Accumulator) {
    this.#accumulator = accumulator;
  }

  next(server: string, record: CaptureRecord): void {
    if (record.type === "capture") this.#headers.set(server, record);
    if (record.type === "slow") this.#add(server, record);
  }

  gone(server: string): void {
    this.#headers.delete(server);
  }

  #add(server: string, packet: SlowPacket): void {
    const header = this.#headers.get(server);
    if (header === undefined) return;
    const { family } = header.server;
    const labels = {
      server,
      message: messageName(family, packet.message),
      answer: messageName(family, packet.answer),
    };
    this.#accumulator.addExemplar(FAMILY, labels, {
      labels: labelsOf(packet),
      value: packet.time_ns,
      time: new Date(Date.parse(header.started) + packet.elapsed_ns / 1e6),
    });
  }
}

/** The transaction, the client and the longest stage, if stages are known. */
function labelsOf({ transaction, client, stages }: SlowPacket): Labels {
  const [longest] = Object.entries(stages).toSorted(([, a], [, b]) => b - a);
  return {
    xid: transaction.slice(0, LONGEST.xid),
    client: client.slice(-LONGEST.client),
    ...longest === undefined ? {} : { packet_stage: longest[0] },
  };
}
