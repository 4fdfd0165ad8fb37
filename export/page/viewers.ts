/**
 * Those who look at the page: each gets what has changed, as fast as it reads.
 *
 * @module
 */

import type { LayoutName } from "./drawing/messages.ts";
import { changesOf, type Part } from "./view.ts";

/** What a viewer looks at. */
export interface Viewed {
  /** Null for the overview. */
  readonly server: string | null;
  readonly layouts: readonly LayoutName[];
}

/** The most viewers at once: a connection of each is open, and may be slow. */
const MOST_VIEWERS = 16;

/** The most messages that a viewer has not read; it gets the newest state when it has read them. */
const MOST_UNREAD = 4;

/** A viewer that has not read for so many beats is dropped. */
const MOST_MISSED = 6;

/** Sends server-sent events. */
export class Viewers implements Disposable {
  readonly #build: string;
  readonly #viewers = new Set<Viewer>();
  readonly #beating: ReturnType<typeof setInterval>;

  /**
   * @param build of the page's script and style: a page with another one loads itself again.
   * @param beatMs how often a viewer hears that the exporter is there, milliseconds.
   */
  constructor(build: string, beatMs = 5000) {
    this.#build = build;
    this.#beating = setInterval(() => {
      const beat = messageOf("beat", { now: Date.now() });
      for (const viewer of this.#viewers) {
        if (viewer.beat(beat)) continue;
        this.#viewers.delete(viewer);
        viewer.end();
      }
    }, beatMs);
  }

  /** What is looked at, each once. */
  get viewed(): readonly Viewed[] {
    const found = new Map<string, Viewed>();
    for (const { viewed } of this.#viewers) found.set(JSON.stringify(viewed), viewed);
    return [...found.values()];
  }

  /** Whether there is room for one more. */
  get hasRoom(): boolean {
    return this.#viewers.size < MOST_VIEWERS;
  }

  /** A stream of events for a new viewer. */
  open(viewed: Viewed, parts: readonly Part[]): ReadableStream<Uint8Array> {
    const viewer = new Viewer(viewed, () => this.#viewers.delete(viewer));
    this.#viewers.add(viewer);
    viewer.send(messageOf("hello", { build: this.#build, now: Date.now() }));
    viewer.show(new State(parts));
    return viewer.stream;
  }

  /** Shows parts to all who look at them. */
  show(viewed: Viewed, parts: readonly Part[]): void {
    const key = JSON.stringify(viewed);
    const state = new State(parts);
    for (const viewer of this.#viewers) {
      if (JSON.stringify(viewer.viewed) === key) viewer.show(state);
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#beating);
    for (const viewer of this.#viewers) viewer.end();
    this.#viewers.clear();
  }
}

/** What a page shows at a moment, and the messages that lead there: one for all viewers who saw the same before. */
class State {
  readonly #parts: readonly Part[];
  readonly #shown: ReadonlyMap<string, string>;
  readonly #messages = new WeakMap<State, Uint8Array<ArrayBuffer>>();

  constructor(parts: readonly Part[]) {
    this.#parts = parts;
    this.#shown = new Map(parts.map(({ id, html }) => [id, html]));
  }

  /** The message for a viewer who was shown another state last; null if nothing has changed. */
  messageAfter(last: State): Uint8Array<ArrayBuffer> | null {
    const known = this.#messages.get(last);
    if (known !== undefined) return known;
    const changes = changesOf(this.#parts, last.#shown);
    if (changes === null) return null;
    const message = messageOf("parts", { now: Date.now(), ...changes });
    this.#messages.set(last, message);
    return message;
  }
}

/** What a viewer was shown who has just come. */
const NOTHING = new State([]);

/** One viewer. */
class Viewer {
  readonly viewed: Viewed;
  readonly stream: ReadableStream<Uint8Array>;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #sent = NOTHING;
  /** The newest state, when the viewer has not read those before. */
  #newest: State | null = null;
  /** The beats that it has not been sent since it read. */
  #missed = 0;

  constructor(viewed: Viewed, onEnd: () => void) {
    this.viewed = viewed;
    this.stream = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => {
        const newest = this.#newest;
        this.#newest = null;
        if (newest !== null) this.show(newest);
      },
      cancel: onEnd,
    }, { highWaterMark: MOST_UNREAD });
  }

  /** Sends what has changed; if the viewer is slow, only the newest state, later. */
  show(state: State): void {
    const message = state.messageAfter(this.#sent);
    if (message === null) return;
    if (this.send(message)) this.#sent = state;
    else this.#newest = state;
  }

  /** Sends a message, if the viewer has read those before. */
  send(message: Uint8Array<ArrayBuffer>): boolean {
    if ((this.#controller.desiredSize ?? 0) <= 0) return false;
    this.#controller.enqueue(message);
    return true;
  }

  /** @returns whether it reads; one that does not is dropped, and its page comes again if it is there. */
  beat(message: Uint8Array<ArrayBuffer>): boolean {
    this.#missed = this.send(message) ? 0 : this.#missed + 1;
    return this.#missed < MOST_MISSED;
  }

  end(): void {
    try {
      this.#controller.close();
    } catch {
      // It has gone.
    }
  }
}

function messageOf(event: "hello" | "beat" | "parts", data: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
