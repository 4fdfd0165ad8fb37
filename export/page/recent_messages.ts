/**
 * What the exporter said last, for the page.
 *
 * @module
 */

/** A line for people, and when it came, milliseconds since the epoch. */
export interface Message {
  readonly time: number;
  readonly text: string;
}

/** How many are kept, and how long one may be. */
const [MOST, LONGEST] = [10, 500];

/** Keeps the newest messages. */
export class RecentMessages {
  #messages: Message[] = [];

  /** The newest last. */
  get all(): readonly Message[] {
    return this.#messages;
  }

  /** Takes the next one; of one that repeats, only the newest is kept. */
  add(line: string): void {
    const text = line.trim().slice(0, LONGEST);
    const others = this.#messages.filter((message) => message.text !== text);
    this.#messages = [...others, { time: Date.now(), text }].slice(-MOST);
  }
}
