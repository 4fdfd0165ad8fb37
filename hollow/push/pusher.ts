/**
 * Sends waiting windows to the producer, in order, until they are accepted.
 *
 * @module
 */

import { Backoff } from "../../system/backoff.ts";
import type { Spooled } from "../../system/push/spool.ts";
import { type HollowRecord, inBatches } from "./records.ts";
import type { ProducerClient, PushOutcome } from "./producer_client.ts";
import type { SpooledWindow } from "./spool.ts";

/** The outcome of a window. */
export type Delivery =
  /** `expired`: records of this window or older ones that the dataset dropped. */
  | { readonly kind: "delivered"; readonly expired: number }
  | { readonly kind: "refused"; readonly why: string }
  | { readonly kind: "stopped"; readonly why: string };

/** Attempts without `retryForever`; they take about 10 s. */
const ATTEMPTS = 4;

const STALE = "another process pushes as the same source";

/** Options of {@linkcode Pusher}. */
export interface PusherOptions {
  readonly source: string;
  readonly signal: AbortSignal;
  /** Called with lines for people when something fails and when it works again. */
  readonly say: (line: string) => void;
  /** Whether to retry until the signal, or to give up after some attempts. */
  readonly retryForever: boolean;
}

/** Sends windows of one source. */
export class Pusher {
  readonly #client: ProducerClient;
  readonly #options: PusherOptions;
  /** The lowest number that the producer accepts next, as far as is known. */
  #nextSequence = 0;
  #trouble: string | null = null;

  constructor(client: ProducerClient, options: PusherOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** Sends a window in as many batches as needed; returns when the outcome is known. */
  async deliver({ sequence, id, records }: Spooled<SpooledWindow>): Promise<Delivery> {
    const parts: Part[] = [];
    for await (const batch of inBatches(records)) {
      parts.push({
        records: batch,
        sequence: sequence + parts.length * PART_STEP,
        room: PART_STEP,
      });
    }
    let expired = 0;
    for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
      const outcome = await this.#push(part, `${id}/${part.sequence - sequence}`);
      if (outcome.kind === "accepted") {
        expired += outcome.expired;
      } else if (outcome.kind === "too large" && part.records.length > 1 && part.room > 1) {
        parts.unshift(...halves(part));
      } else if (outcome.kind === "too large" || outcome.kind === "refused") {
        return { kind: "refused", why: outcome.why };
      } else {
        return { kind: "stopped", why: outcome.kind === "stale" ? STALE : outcome.why };
      }
    }
    return { kind: "delivered", expired };
  }

  /** Sends a batch until its outcome is known, or the signal comes. */
  async #push(part: Part, batchId: string): Promise<PushOutcome> {
    const { source, signal, say, retryForever } = this.#options;
    const backoff = new Backoff();
    for (let attempt = 1;; attempt++) {
      const number = Math.max(part.sequence, this.#nextSequence);
      const batch = {
        schema: "kea-hollow/1",
        source,
        sequence: number,
        batchId,
        records: part.records,
      } as const;
      const outcome = await this.#client.push(batch, signal);
      if (outcome.kind === "accepted") {
        if (this.#trouble !== null) say("The producer accepts batches again");
        this.#trouble = null;
        this.#nextSequence = number + 1;
      }
      const isLast = signal.aborted || (!retryForever && attempt === ATTEMPTS);
      if (outcome.kind === "stale" && !isLast) {
        // A record replaces the one with its key, so nothing is duplicated.
        this.#nextSequence = outcome.lastSequence + 1;
        say(
          `The producer has later batches of "${source}": renumbered. If another process pushes ` +
            "under that name, give each its own --name",
        );
        continue;
      }
      if (outcome.kind !== "retry" && outcome.kind !== "misconfigured") return outcome;
      if (isLast || (outcome.kind === "misconfigured" && !retryForever)) return outcome;
      if (outcome.why !== this.#trouble) say(`Cannot push: ${outcome.why}; retrying`);
      this.#trouble = outcome.why;
      await backoff.pause(signal, outcome.kind === "retry" ? outcome.afterMs ?? 0 : 0);
      if (signal.aborted) return outcome;
    }
  }
}

/** Records, and the range of numbers for their batches. */
interface Part {
  readonly records: readonly HollowRecord[];
  readonly sequence: number;
  readonly room: number;
}

/** Numbers reserved for the halves of a batch; a window has at most SEQUENCE_STEP / PART_STEP batches. */
const PART_STEP = 2 ** 12;

function halves({ records, sequence, room }: Part): [Part, Part] {
  const middle = Math.ceil(records.length / 2);
  const half = room / 2;
  return [
    { records: records.slice(0, middle), sequence, room: half },
    { records: records.slice(middle), sequence: sequence + half, room: half },
  ];
}
