/**
 * The process that draws charts: started when something is to be drawn, ended when nothing was for a while.
 *
 * @module
 */

import { join } from "node:path";
import { oneLine } from "../../../system/command_line.ts";
import { linesOf } from "../../../system/lines.ts";
import { DENO_VARIABLES, passedVariables } from "../../../system/passed_variables.ts";
import { anonymousBytes, statOf, TICKS } from "../../../system/proc.ts";
import { childEnvironment } from "../../../system/run.ts";
import type { LastMinutes } from "../../history/history_document.ts";
import { type Drawn, type LayoutName, parseDrawn, type ToDrawing } from "./messages.ts";

/** Its JavaScript heap, MiB; and its whole memory, bytes. It is ended when it takes more. */
const [HEAP_MIB, MOST_MEMORY] = [256, 512 * 2 ** 20];

/** The most CPU time for one drawing, seconds: on a busy host it may wait long for that. */
const MOST_CPU_SECONDS = 30;

/** The longest time for one drawing, and the longest line of its answer, bytes. */
const [LIMIT_MS, LONGEST_LINE] = [300_000, 32 * 2 ** 20];

/** Behind Kea, but not so far that nothing is drawn when the host is busy: then people look at the page. */
const NICE = "5";

/** How long it waits for the next viewer. */
const IDLE_MS = 60_000;

/** How often its memory is read. */
const MEMORY_MS = 2000;

/** Windows in one message. */
const WINDOWS_PER_MESSAGE = 20;

/** Longest end of its standard error that is kept, for the reason of its end. */
const LAST_WORDS = 2000;

/** Why it ends when nothing is to be drawn. */
export const NOT_NEEDED = "it is not needed";

/** It ended in the middle of its work. */
class DrawingError extends Error {
  override name = "DrawingError";
}

/** A running drawing process. Disposing ends it. */
export class DrawingProcess implements AsyncDisposable {
  /** When it has ended, the reason. */
  readonly ended: Promise<string>;
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #waiting = new Map<number, PromiseWithResolvers<Drawn>>();
  /** The newest window that it has, by server; and when it last drew that server. */
  readonly #sent = new Map<string, { last: number; drew: number }>();
  readonly #checking: ReturnType<typeof setInterval>;
  #lastDraw = performance.now();
  #next = 0;
  #why: string | null = null;
  #memory = 0;
  /** CPU seconds so far, and when the newest drawing was finished. */
  #cpu = 0;
  #cpuBefore = 0;
  #lastWords = "";
  /** One message after the other. */
  #turn: Promise<void> = Promise.resolve();

  constructor(script = join(import.meta.dirname!, "draw.ts")) {
    const { PATH, ...environment } = childEnvironment(passedVariables(DENO_VARIABLES));
    this.#child = new Deno.Command("setpriv", {
      args: [
        ...["--pdeathsig", "KILL", "--no-new-privs", "--", "nice", "-n", NICE],
        ...[Deno.execPath(), "run", "--quiet", "--no-prompt", "--cached-only"],
        `--v8-flags=--max-old-space-size=${HEAP_MIB},--optimize-for-size`,
        script,
      ],
      clearEnv: true,
      env: { PATH: PATH!, NO_COLOR: "1", ...environment },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.ended = this.#run();
    this.#checking = setInterval(() => this.#check(), MEMORY_MS);
  }

  /** Whether it ends. */
  get isEnding(): boolean {
    return this.#why !== null;
  }

  /** Its memory, bytes; 0 if it was not read yet. */
  get memoryBytes(): number {
    return this.#memory;
  }

  /**
   * Draws the last minutes of a server.
   *
   * @throws {DrawingError} when it ends before.
   */
  async draw(server: string, layouts: readonly LayoutName[], last: LastMinutes): Promise<Drawn> {
    this.#lastDraw = performance.now();
    const id = this.#next++;
    const waiting = Promise.withResolvers<Drawn>();
    // It may end before this is awaited.
    waiting.promise.catch(() => {});
    this.#waiting.set(id, waiting);
    const timer = setTimeout(() => this.#end(`a drawing took over ${LIMIT_MS / 1000} s`), LIMIT_MS);
    try {
      if (this.#why !== null) throw new DrawingError(this.#why);
      const sent = this.#turn.then(() => this.#send(id, server, layouts, last));
      this.#turn = sent.catch(() => {});
      await Promise.race([sent, waiting.promise]);
      return await waiting.promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
      this.#cpuBefore = this.#cpu;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end(NOT_NEEDED);
    await this.ended;
  }

  async #send(
    id: number,
    server: string,
    layouts: readonly LayoutName[],
    { head, windows, pending }: LastMinutes,
  ): Promise<void> {
    const before = this.#sent.get(server)?.last ?? -1;
    const first = windows[0]?.number ?? 0;
    // The newest one may have grown.
    const news = windows.filter(({ number }) => number >= before);
    for (let at = 0; at === 0 || at < news.length; at += WINDOWS_PER_MESSAGE) {
      await this.#write({
        ...{ type: "windows", server, first },
        windows: news.slice(at, at + WINDOWS_PER_MESSAGE)
          .map(({ number, bytes }) => [number, bytes.toBase64()] as const),
      });
    }
    this.#sent.set(server, { last: windows.at(-1)?.number ?? -1, drew: performance.now() });
    await this.#write({ type: "draw", id, server, layouts, head, pending });
  }

  async #write(message: ToDrawing): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(`${JSON.stringify(message)}\n`));
  }

  /** Reads its answers until it ends. */
  async #run(): Promise<string> {
    const errors = this.#readErrors();
    try {
      for await (const { text, isWhole } of linesOf(this.#child.stdout, LONGEST_LINE)) {
        if (!isWhole) break;
        const drawn = parseDrawn(text);
        this.#waiting.get(drawn.id)?.resolve(drawn);
      }
    } catch (error) {
      this.#end(oneLine(error));
    }
    const { code, signal } = await this.#child.status;
    await errors;
    clearInterval(this.#checking);
    this.#why ??= this.#lastWords.trim().split("\n")[0] ||
      `it ended with ${signal ?? `status ${code}`}`;
    const failed = new DrawingError(this.#why);
    for (const waiting of this.#waiting.values()) waiting.reject(failed);
    await this.#writer.abort().catch(() => {});
    return this.#why;
  }

  async #readErrors(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.#lastWords = (this.#lastWords + text).slice(-LAST_WORDS);
    }
  }

  /** Ends it when it takes too much, or when there is nothing to draw; forgets servers without viewers. */
  async #check(): Promise<void> {
    const now = performance.now();
    if (this.#waiting.size === 0 && now - this.#lastDraw > IDLE_MS) this.#end(NOT_NEEDED);
    for (const [server, { drew }] of this.#sent) {
      if (now - drew < IDLE_MS || this.#waiting.size > 0) continue;
      this.#sent.delete(server);
      await this.#write({ type: "forget", server }).catch(() => {});
    }
    const stat = statOf(this.#child.pid);
    this.#cpu = stat === null ? 0 : (stat.userTicks + stat.systemTicks) / TICKS;
    if (this.#waiting.size === 0) this.#cpuBefore = this.#cpu;
    if (this.#cpu - this.#cpuBefore > MOST_CPU_SECONDS) {
      this.#end(`a drawing took over ${MOST_CPU_SECONDS} s of CPU time`);
    }
    this.#memory = anonymousBytes(this.#child.pid);
    if (this.#memory > MOST_MEMORY) this.#end(`it took over ${MOST_MEMORY / 2 ** 20} MiB`);
  }

  #end(why: string): void {
    if (this.#why !== null) return;
    this.#why = why;
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
  }
}
