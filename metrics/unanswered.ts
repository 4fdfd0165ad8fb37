/**
 * Requests without an answer: in progress, unanswered, or answered late.
 *
 * @module
 */

/**
 * Nanoseconds that the youngest request of an epoch waits until all of the epoch count as unanswered: so a
 * request counts when it has waited for 5 to 6.1 s, at the next reading.
 */
const LEAST_PATIENCE_NS = 5e9;

/**
 * The programs count requests and their answers by the time in which the request came: in epochs of
 * 2^30 ns (1.07 s), numbered modulo 32.
 */
const EPOCH_NS = 2 ** 30;
const EPOCHS = 32;

/** The start of the next epoch, by the clock of the programs. */
export function nextEpoch(nsecs: number): number {
  return (Math.floor(nsecs / EPOCH_NS) + 1) * EPOCH_NS;
}

/** Counts by message type. */
export type Counts = ReadonlyMap<number, number>;

/** Events by message type and epoch of the request, since the programs were attached. */
export type ByEpoch = ReadonlyMap<number, readonly number[]>;

/** Requests by outcome. */
export interface Requests {
  /** Without an answer for 5 to 6.1 s, since the reading before. */
  readonly unanswered: Counts;
  /** Answered after they had counted as unanswered, since the reading before. */
  readonly late: Counts;
  /** Without an answer at this reading, and not yet for so long. */
  readonly pending: Counts;
}

/**
 * Follows the requests of one server from reading to reading. Outcomes are final: an unanswered request stays
 * unanswered, and a later answer counts as late. So received requests are those answered, minus the late
 * ones, plus those unanswered and pending.
 */
export class Unanswered {
  readonly #firstEpoch: number;
  /** Requests of each epoch number that have counted as unanswered, less those answered late. */
  readonly #given = new Map<number, number[]>();

  /**
   * @param from the start of an epoch. Earlier requests are ignored: not every probe was attached when they or
   * their answers came.
   */
  constructor(from: number) {
    this.#firstEpoch = Math.floor(from / EPOCH_NS);
  }

  /**
   * Adds a reading. Call it at least every 20 s; otherwise late answers of an epoch count for the next epoch
   * with the same number.
   *
   * @param nsecs when it was made, by the clock of the programs.
   */
  next(nsecs: number, received: ByEpoch, answered: ByEpoch): Requests {
    const [unanswered, late, pending] = [new Map(), new Map(), new Map()];
    const current = Math.floor(nsecs / EPOCH_NS);
    for (const [type, requests] of received) {
      const given = this.#given.getOrInsertComputed(type, () => new Array(EPOCHS).fill(0));
      const counts = { unanswered: 0, late: 0, pending: 0 };
      for (let number = 0; number < EPOCHS; number++) {
        const open = (requests[number] ?? 0) - (answered.get(type)?.[number] ?? 0) - given[number]!;
        // The newest epoch of this number.
        const epoch = current - (current - number) % EPOCHS;
        if (epoch < this.#firstEpoch) {
          given[number]! += open;
        } else if (open < 0) {
          counts.late -= open;
          given[number]! += open;
        } else if (nsecs - (epoch + 1) * EPOCH_NS >= LEAST_PATIENCE_NS) {
          counts.unanswered += open;
          given[number]! += open;
        } else {
          counts.pending += open;
        }
      }
      unanswered.set(type, counts.unanswered);
      late.set(type, counts.late);
      pending.set(type, counts.pending);
    }
    return { unanswered, late, pending };
  }
}
