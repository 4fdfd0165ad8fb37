/**
 * Catches signals, so that a process can remove what it set up before it ends.
 *
 * @module
 */

import { parseStat } from "../../system/proc.ts";
import { onEndSignals, sendSignal } from "../../system/signals.ts";

/** Repeats within this time count once: `deno task` forwards a signal that its child already received. */
const REPEAT_MS = 1000;

/** Sees to it that something is disposed of, and returns it. */
export type Keep = <R extends AsyncDisposable>(made: Promise<R>) => Promise<R>;

/** Catches SIGINT, SIGTERM and SIGHUP until it is disposed. */
export class CaughtSignals implements Disposable {
  /** Settles with the first signal; keeps the process alive until then. */
  get first(): Promise<Deno.Signal> {
    // A signal listener alone does not keep the process alive.
    const alive = setInterval(() => {}, 60_000);
    return this.#first.promise.finally(() => clearInterval(alive));
  }

  /**
   * Does work, until a signal comes.
   *
   * @param work what it keeps is disposed of at the end: the work itself does not end with the signal.
   * @throws {Error} `Stopped by SIGTERM`, so that the caller cleans up.
   */
  async during<T>(work: (keep: Keep) => Promise<T>): Promise<T> {
    await using kept = new AsyncDisposableStack();
    // Not `first`: the work itself keeps the process alive.
    const stopped = this.#first.promise.then((signal) => {
      // The work continues while its lab is removed, and fails because of that.
      globalThis.addEventListener("unhandledrejection", (event) => event.preventDefault());
      throw new Error(`Stopped by ${signal}`);
    });
    const doing = work((made) => {
      // Also one that is still being made when the signal comes.
      kept.defer(async () => await (await made.catch(() => null))?.[Symbol.asyncDispose]());
      return made;
    });
    return await Promise.race([doing, stopped]);
  }

  readonly #first = Promise.withResolvers<Deno.Signal>();
  readonly #listening = onEndSignals((signal) => this.#catch(signal));
  readonly #caught = new Map<Deno.Signal, number>();
  #child: Deno.ChildProcess | null = null;

  /**
   * Forwards caught and later signals to a child.
   *
   * A terminal's ^C is not forwarded, because the terminal sends it to the child, too.
   */
  forwardTo(child: Deno.ChildProcess): void {
    this.#child = child;
    for (const signal of this.#caught.keys()) this.#forward(signal);
  }

  #catch(signal: Deno.Signal): void {
    const now = Date.now();
    if (now - (this.#caught.get(signal) ?? -Infinity) < REPEAT_MS) return;
    this.#caught.set(signal, now);
    this.#first.resolve(signal);
    if (!(signal === "SIGINT" && inForeground())) this.#forward(signal);
  }

  #forward(signal: Deno.Signal): void {
    if (this.#child) sendSignal(this.#child, signal);
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
  }
}

/** Whether this process belongs to the process group that its terminal sends ^C to. */
function inForeground(): boolean {
  const { processGroup, foregroundGroup } = parseStat(Deno.readTextFileSync("/proc/self/stat"));
  return processGroup === foregroundGroup;
}
