/**
 * The drawings of all servers that are looked at; all viewers of a server share them.
 *
 * @module
 */

import { Backoff } from "../../../system/backoff.ts";
import { lastHour } from "../../history/history_document.ts";
import type { ServerHistory } from "../../history/server_history.ts";
import { DrawingProcess, NOT_NEEDED } from "./drawing_process.ts";
import type { Drawn, DrawnPart, LayoutName } from "./messages.ts";

/** A drawing is used for so long, milliseconds; and it takes at most this share of a core. */
const [LEAST_AGE_MS, SHARE] = [5000, 0.05];

/** A drawing that no one looks at is kept for so long. */
const KEPT_MS = 60_000;

/** A finished drawing. */
interface Drawing {
  readonly server: string;
  readonly layouts: readonly LayoutName[];
  readonly parts: readonly DrawnPart[];
  /** `performance.now()` at which it was begun. */
  readonly began: number;
  /** The reading that it shows, milliseconds since the epoch. */
  readonly reading: number | null;
  readonly cpuMs: number;
  /** When it was looked at. */
  used: number;
}

/** Draws with one process, which it starts and ends. */
export class Drawings implements AsyncDisposable {
  readonly #script: string | undefined;
  #process: DrawingProcess | null = null;
  readonly #drawings = new Map<string, Drawing>();
  readonly #underWay = new Map<string, Promise<readonly DrawnPart[]>>();
  /** One process of this host alone: no jitter. */
  readonly #backoff = new Backoff(() => 1);
  #failure: { readonly why: string; readonly again: number } | null = null;
  #isDisposed = false;

  /** @param script of the drawing process, for tests. */
  constructor(script?: string) {
    this.#script = script;
  }

  /** Why nothing is drawn now; null if there is no problem. */
  get problem(): string | null {
    return this.#failure?.why ?? null;
  }

  /** Memory of the drawing process, bytes; null if it does not run. */
  get memoryBytes(): number | null {
    return this.#process?.memoryBytes ?? null;
  }

  /** The newest drawing of a server that has these layouts; null if it was not drawn so far. */
  newest(server: string, layouts: readonly LayoutName[]): readonly DrawnPart[] | null {
    const newest = this.#newestOf(server, layouts);
    if (newest !== null) newest.used = performance.now();
    return newest?.parts ?? null;
  }

  /** Whether a newer drawing can be made now: there is a newer reading, and drawing has not taken too much time. */
  isDue(server: ServerHistory, layouts: readonly LayoutName[]): boolean {
    if (this.#underWay.has(keyOf(server.name, layouts)) || this.#isDisposed) return false;
    const now = performance.now();
    if (this.#failure !== null && now < this.#failure.again) return false;
    const newest = this.#newestOf(server.name, layouts);
    if (newest === null) return true;
    const age = Math.max(LEAST_AGE_MS, newest.cpuMs / SHARE);
    return newest.reading !== server.lastReading && now - newest.began >= age;
  }

  #newestOf(server: string, layouts: readonly LayoutName[]): Drawing | null {
    return this.#drawings.values()
      .filter((each) =>
        each.server === server && layouts.every((name) => each.layouts.includes(name))
      )
      .reduce<Drawing | null>((a, b) => a === null || b.began > a.began ? b : a, null);
  }

  /**
   * Draws a server, or returns what was drawn a moment ago.
   *
   * @returns null when it could not be drawn: then there is a problem.
   */
  async draw(
    server: ServerHistory,
    layouts: readonly LayoutName[],
  ): Promise<readonly DrawnPart[] | null> {
    const key = keyOf(server.name, layouts);
    try {
      if (this.#underWay.has(key)) return await this.#underWay.get(key)!;
      if (!this.isDue(server, layouts)) return this.newest(server.name, layouts);
      const drawing = this.#draw(server, key, layouts);
      this.#underWay.set(key, drawing);
      return await drawing.finally(() => this.#underWay.delete(key));
    } catch {
      return this.newest(server.name, layouts);
    }
  }

  /** Drops the drawings that no one has looked at for a minute. */
  prune(): void {
    const since = performance.now() - KEPT_MS;
    for (const [key, { used }] of this.#drawings) if (used < since) this.#drawings.delete(key);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    await this.#process?.[Symbol.asyncDispose]();
  }

  async #draw(
    server: ServerHistory,
    key: string,
    layouts: readonly LayoutName[],
  ): Promise<readonly DrawnPart[]> {
    const began = performance.now();
    const reading = server.lastReading;
    const { parts, cpuSeconds }: Drawn = await this.#started()
      .draw(server.name, layouts, lastHour(server));
    this.#drawings.set(key, {
      ...{ server: server.name, layouts, parts, began, reading, cpuMs: 1000 * cpuSeconds },
      used: performance.now(),
    });
    this.#failure = null;
    this.#backoff.reset();
    return parts;
  }

  #started(): DrawingProcess {
    if (this.#process !== null && !this.#process.isEnding) return this.#process;
    const started = new DrawingProcess(this.#script);
    this.#process = started;
    started.ended.then((why) => {
      if (this.#process === started) this.#process = null;
      if (this.#isDisposed || why === NOT_NEEDED) return;
      this.#failure = { why, again: performance.now() + this.#backoff.next() };
    });
    return started;
  }
}

function keyOf(server: string, layouts: readonly LayoutName[]): string {
  return `${server}\n${layouts.join()}`;
}
