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
  readonly #states = new Map<number, State>();

  /**
   * Adds the first reading: requests before it do not count, because not every probe was attached when they or
   * their answers came.
   */
  begin(received: ByEpoch, answered: ByEpoch): void {
    for (const [type, requests] of received) {
      const { closed } = this.#stateOf(type);
      for (let number = 0; number < EPOCHS; number++) {
        closed[number] = (requests[number] ?? 0) - (answered.get(type)?.[number] ?? 0);
      }
    }
  }

  /**
   * Adds the next reading. Call it at least every 20 s; otherwise late answers of an epoch count for the next
   * epoch with the same number.
   *
   * @param nsecs when it was made, by the clock of the programs.
   */
  next(nsecs: number, received: ByEpoch, answered: ByEpoch): Requests {
    const [unanswered, late, pending] = [new Map(), new Map(), new Map()];
    const current = Math.floor(nsecs / EPOCH_NS);
    for (const [type, requests] of received) {
      const { closed, given } = this.#stateOf(type);
      const counts = { unanswered: 0, late: 0, pending: 0 };
      for (let number = 0; number < EPOCHS; number++) {
        const open = (requests[number] ?? 0) - (answered.get(type)?.[number] ?? 0) -
          closed[number]!;
        // The newest epoch of this number.
        const epoch = current - (current - number) % EPOCHS;
        if (open < 0) {
          // Answers to requests that were given up, or came before the first reading.
          const answeredLate = Math.min(-open, given[number]!);
          counts.late += answeredLate;
          given[number]! -= answeredLate;
          closed[number]! += open;
        } else if (nsecs - (epoch + 1) * EPOCH_NS >= LEAST_PATIENCE_NS) {
          counts.unanswered += open;
          given[number]! += open;
          closed[number]! += open;
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

  #stateOf(type: number): State {
    return this.#states.getOrInsertComputed(
      type,
      () => ({ closed: new Array(EPOCHS).fill(0), given: new Array(EPOCHS).fill(0) }),
    );
  }
}

/** Requests of one message type, by the number of their epoch. */
interface State {
  /** Without an answer, and not waited for any more. */
  readonly closed: number[];
  /** Of those, the ones that counted as unanswered, and had no late answer so far. */
  readonly given: number[];
}
