/**
 * Packets that got no answer: what Kea received less what it answered, by message.
 *
 * @module
 */

/** How many packets were received and answered, by message type, in one window. */
export interface Traffic {
  readonly received: ReadonlyMap<number, number>;
  readonly answered: ReadonlyMap<number, number>;
}

/** Counts by message type. */
export type Counts = ReadonlyMap<number, number>;

/** An answer that comes more windows than these later counts as none. */
export const HORIZON = 60;

/**
 * Tells unanswered packets from those that are only under way at a window's edge.
 *
 * What is open at an edge is lost or under way, and what is lost stays open for ever. So the packets
 * lost by an edge are the fewest that are open at any of the edges from it on, {@linkcode HORIZON}
 * windows ahead.
 */
export class Unanswered {
  /** What was open at the ends of the windows that are not settled yet. */
  #edges: Counts[] = [];
  #open: Counts = new Map();
  #settled: Counts = new Map();
  #live: Counts = new Map();

  /**
   * Takes the next window.
   *
   * @returns the packets that are taken for lost since the last call, as far as the edge before
   * tells: one window late, and a few that are answered later may be among them. Never negative, 0
   * for each message seen.
   */
  next({ received, answered }: Traffic): Counts {
    const before = this.#open;
    const open = new Map(before);
    for (const [type, count] of received) open.set(type, (open.get(type) ?? 0) + count);
    for (const [type, count] of answered) open.set(type, (open.get(type) ?? 0) - count);
    this.#open = open;
    this.#edges.push(open);
    const lost = new Map([...open].map(([type, count]) => {
      const fewest = Math.min(before.get(type) ?? 0, count);
      return [type, Math.max(this.#live.get(type) ?? 0, fewest)];
    }));
    const news = difference(lost, this.#live);
    this.#live = lost;
    return news;
  }

  /** What the oldest windows lost that are settled now and were not before. */
  *settled(): Generator<Counts> {
    while (this.#edges.length > 0) {
      const fewest = this.#fewest();
      const isKnown = this.#edges.length > HORIZON ||
        [...fewest].every(([type, count]) => count <= (this.#settled.get(type) ?? 0));
      if (!isKnown) return;
      yield this.#settle(fewest);
    }
  }

  /** Settles all windows: what is open now gets no answer any more. */
  *end(): Generator<Counts> {
    while (this.#edges.length > 0) yield this.#settle(this.#fewest());
    this.#open = this.#settled = this.#live = new Map();
  }

  /** By each message of the oldest window, the fewest that were open from its end on. */
  #fewest(): Counts {
    return new Map([...this.#edges[0]!.keys()].map((type) => {
      let fewest = Infinity;
      for (const edge of this.#edges) fewest = Math.min(fewest, edge.get(type)!);
      return [type, fewest];
    }));
  }

  #settle(fewest: Counts): Counts {
    this.#edges.shift();
    const lost = new Map(
      [...fewest].map(([type, count]) =>
        [type, Math.max(count, this.#settled.get(type) ?? 0)] as const
      ),
    );
    const news = difference(lost, this.#settled);
    this.#settled = lost;
    return news;
  }
}

function difference(now: Counts, before: Counts): Counts {
  return new Map([...now].map(([type, count]) => [type, count - (before.get(type) ?? 0)]));
}
