/**
 * What is exported of sending OTLP itself.
 *
 * @module
 */

import type { Spool } from "../../system/push/spool.ts";
import type { Accumulator } from "../prometheus/accumulator.ts";
import { counter, type Family, gauge } from "../prometheus/families.ts";
import type { SpooledRequest } from "./otlp_spool.ts";

const WAITING = gauge(
  "otlp_requests_waiting",
  "OTLP requests that the receiver has not accepted yet.",
);
const ACCEPTED = counter(
  "otlp_requests_accepted_total",
  "OTLP requests that the receiver accepted.",
);
const REFUSED = counter(
  "otlp_requests_refused_total",
  "OTLP requests that the receiver will never accept; they are in quarantine.",
);
const DROPPED = counter(
  "otlp_requests_dropped_total",
  "OTLP requests that were dropped unsent, because the spool was full.",
);
const REJECTED = counter(
  "otlp_points_rejected_total",
  "Data points that the receiver rejected of requests that it accepted.",
);

/** Counts since the start. */
export class OtlpState {
  accepted = 0;
  refused = 0;
  /** Data points. */
  rejected = 0n;
  readonly #accumulator: Accumulator;
  readonly #spool: Spool<SpooledRequest>;
  readonly #droppedBefore: number;

  constructor(accumulator: Accumulator, spool: Spool<SpooledRequest>) {
    this.#accumulator = accumulator;
    this.#spool = spool;
    this.#droppedBefore = spool.dropped;
    accumulator.beforeReading(() => this.#update());
  }

  #update(): void {
    const set = (family: Family, value: bigint | number) =>
      this.#accumulator.set(family, {}, BigInt(value));
    set(WAITING, this.#spool.waiting);
    set(ACCEPTED, this.accepted);
    set(REFUSED, this.refused);
    set(DROPPED, this.#spool.dropped - this.#droppedBefore);
    set(REJECTED, this.rejected);
  }
}
