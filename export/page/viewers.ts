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

/** The most viewers at once: a connection of each is open. */
const MOST_VIEWERS = 64;

/** How often a viewer hears that the exporter is there, milliseconds. */
const BEAT_MS = 5000;

/** Sends server-sent events. */
export class Viewers implements Disposable {
  readonly #build: string;
  readonly #viewers = new Set<Viewer>();
  readonly #beating: ReturnType<typeof setInterval>;

  /** @param build of the page's script and style: a page with another one loads itself again. */
  constructor(build: string) {
    this.#build = build;
    this.#beating = setInterval(() => {
      for (const viewer of this.#viewers) viewer.send("beat", { now: Date.now() });
    }, BEAT_MS);
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
    viewer.send("hello", { build: this.#build, now: Date.now() });
    viewer.show(parts);
    return viewer.stream;
  }

  /** Shows parts to all who look at them. */
  show(viewed: Viewed, parts: readonly Part[]): void {
    const key = JSON.stringify(viewed);
    for (const viewer of this.#viewers) {
      if (JSON.stringify(viewer.viewed) === key) viewer.show(parts);
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#beating);
    for (const viewer of this.#viewers) viewer.end();
    this.#viewers.clear();
  }
}

/** One viewer. */
class Viewer {
  readonly viewed: Viewed;
  readonly stream: ReadableStream<Uint8Array>;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #sent: ReadonlyMap<string, string> | null = null;
  /** The newest parts, when the viewer has not read those before. */
  #newest: readonly Part[] | null = null;

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
    }, { highWaterMark: 4 });
  }

  /** Sends what has changed; if the viewer is slow, only the newest state, later. */
  show(parts: readonly Part[]): void {
    const changes = changesOf(parts, this.#sent);
    if (changes === null) return;
    if (!this.send("parts", { now: Date.now(), ...changes })) {
      this.#newest = parts;
      return;
    }
    this.#sent = new Map(parts.map(({ id, html }) => [id, html]));
  }

  /** Sends an event, if the viewer has read those before. */
  send(event: "hello" | "beat" | "parts", data: unknown): boolean {
    if ((this.#controller.desiredSize ?? 0) <= 0) return false;
    const text = `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
    this.#controller.enqueue(new TextEncoder().encode(text));
    return true;
  }

  end(): void {
    try {
      this.#controller.close();
    } catch {
      // It has gone.
    }
  }
}
