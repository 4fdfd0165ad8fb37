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

/**
 * Tells unanswered packets from those that are only under way at a window's edge.
 *
 * What is open at an edge is lost or under way, and what is lost stays open for ever. So the packets
 * lost by an edge are at most the fewest that are open at any later edge: {@linkcode settled} looks
 * ahead and is as exact as the last reading, {@linkcode next} cannot and waits one window.
 */
export class Unanswered {
  /** What was open at the end of each window, by segment. */
  readonly #segments: Map<number, number>[][] = [[]];
  #told = new Map<number, number>();

  /** Begins a new segment: what was open in the one before gets no answer any more. */
  restart(): void {
    this.#segments.push([]);
    this.#told = new Map();
  }

  /**
   * Takes the next window.
   *
   * @returns the packets that are taken for lost since the last call; never negative, 0 for each
   * message seen. Those of the newest window come with the next one.
   */
  next({ received, answered }: Traffic): Counts {
    const edges = this.#segments.at(-1)!;
    const before = edges.at(-1) ?? new Map<number, number>();
    const open = new Map(before);
    for (const [type, count] of received) open.set(type, (open.get(type) ?? 0) + count);
    for (const [type, count] of answered) open.set(type, (open.get(type) ?? 0) - count);
    edges.push(open);

    const news = new Map<number, number>();
    for (const [type, count] of open) {
      const told = this.#told.get(type) ?? 0;
      const lost = Math.max(told, Math.min(before.get(type) ?? 0, count));
      this.#told.set(type, lost);
      news.set(type, lost - told);
    }
    return news;
  }

  /**
   * What each window turned out to have lost, given all that came after it. The sum is what was
   * open at the last reading of each segment.
   */
  settled(): Counts[] {
    return this.#segments.flatMap((edges) => {
      const fewest = new Map<number, number>();
      const lost = edges.toReversed().map((open) => {
        for (const [type, count] of open) {
          fewest.set(type, Math.min(fewest.get(type) ?? Infinity, Math.max(0, count)));
        }
        return new Map([...open.keys()].map((type) => [type, fewest.get(type)!]));
      }).reverse();
      return lost.map((counts, index) =>
        new Map(
          [...counts].map(([type, count]) => [type, count - (lost[index - 1]?.get(type) ?? 0)]),
        )
      );
    });
  }
}
