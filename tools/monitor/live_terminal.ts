/**
 * The live view in a terminal: another screen while it runs, the old one afterwards.
 *
 * @module
 */

import process from "node:process";
import { emitKeypressEvents } from "node:readline";
import { oneLine, say } from "../../system/command_line.ts";
import type { Cost, ListedPacket, Window } from "../../metrics/document.ts";
import { loadTextLayout, type TextLayout } from "../../viz/live/text_layout.ts";
import {
  type LiveFacts,
  liveStart,
  type LiveState,
  withNote,
  withSlow,
  withWindow,
} from "../../viz/live/live_state.ts";
import { liveView } from "../../viz/live/live_view.ts";

const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
/** A terminal that knows it shows what is between these at once. */
const [BEGIN, END] = ["\x1b[?2026h", "\x1b[?2026l"];
const [HOME, REST_OF_LINE, REST_OF_SCREEN] = ["\x1b[H", "\x1b[K", "\x1b[J"];

/** The view on standard error, with its keys from standard input. Disposing restores the terminal. */
export class LiveTerminal implements Disposable {
  readonly #drawing: TextLayout;
  readonly #onStop: () => void;
  readonly #onKey = (_: unknown, key: { readonly sequence?: string }) => this.#key(key.sequence);
  readonly #onResize = () => this.#draw();
  #state: LiveState;
  #paused = false;
  #help = false;
  #isOpen = true;
  #isWriting = false;
  /** Whether there is more to show than what is being written. */
  #isStale = false;
  /** The terminal once more: a write that waits here does not hold up standard error. */
  readonly #frames = Deno.openSync("/dev/stderr", { write: true });

  private constructor(facts: LiveFacts, drawing: TextLayout, onStop: () => void) {
    this.#state = liveStart(facts);
    this.#drawing = drawing;
    this.#onStop = onStop;
    // ^C stays a signal; every other key comes at once and is not shown.
    Deno.stdin.setRaw(true, { cbreak: true });
    emitKeypressEvents(process.stdin);
    process.stdin.on("keypress", this.#onKey);
    process.stdin.resume();
    Deno.addSignalListener("SIGWINCH", this.#onResize);
    writeNow(ENTER);
    this.#draw();
  }

  /**
   * Opens the view.
   *
   * @param onStop is called for a key that ends the run.
   * @returns null where there is no terminal that can show it, or nothing to draw it with.
   */
  static async open(facts: LiveFacts, onStop: () => void): Promise<LiveTerminal | null> {
    const isTerminal = Deno.stdin.isTerminal() && Deno.stderr.isTerminal();
    if (!isTerminal || ["", "dumb"].includes(Deno.env.get("TERM") ?? "")) return null;
    try {
      return new LiveTerminal(facts, await loadTextLayout(), onStop);
    } catch (error) {
      say(`No live view, a line a window instead: ${oneLine(error)}`);
      return null;
    }
  }

  /** Shows the next window. */
  window(window: Window, facts: { elapsedSeconds: number; cost: Cost | null }): void {
    this.#state = withWindow(this.#state, window, facts);
    if (!this.#paused) this.#draw();
  }

  /** Takes a slow packet, to be shown with the next window. */
  slow(packet: ListedPacket): void {
    this.#state = withSlow(this.#state, packet);
  }

  /** Shows a line that would be said otherwise. */
  note(line: string): void {
    this.#state = withNote(this.#state, line);
    if (!this.#paused) this.#draw();
  }

  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    Deno.removeSignalListener("SIGWINCH", this.#onResize);
    process.stdin.off("keypress", this.#onKey);
    process.stdin.pause();
    try {
      Deno.stdin.setRaw(false);
    } catch {
      // The terminal is gone.
    }
    writeNow(LEAVE);
    this.#frames.close();
  }

  #key(sequence: string | undefined): void {
    if (sequence === "q") {
      // Probes take their time to go.
      this.#state = withNote(this.#state, "Stopping");
      this.#onStop();
    } else if (sequence === "p") this.#paused = !this.#paused;
    else if (sequence === "?") this.#help = !this.#help;
    else return;
    this.#draw();
  }

  #draw(): void {
    if (!this.#isOpen) return;
    // A terminal that takes nothing for now must not hold up the measurement: it misses pictures.
    if (this.#isWriting) {
      this.#isStale = true;
      return;
    }
    this.#isStale = false;
    const lines = liveView(this.#state, {
      ...sizeOf(),
      colour: !Deno.noColor,
      unicode: isUnicode(),
      paused: this.#paused,
      help: this.#help,
    }, this.#drawing);
    const text = lines.map((line) => line + REST_OF_LINE).join("\r\n");
    this.#isWriting = true;
    writeAll(this.#frames, `${BEGIN}${HOME}${text}${REST_OF_SCREEN}${END}`).then(() => {
      this.#isWriting = false;
      if (this.#isStale) this.#draw();
    }, () => {
      // Whoever looked has gone; the measurement goes on, and no more is drawn.
    });
  }
}

async function writeAll(file: Deno.FsFile, text: string): Promise<void> {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(await file.write(bytes));
}

/** Writes what must be there before anything that follows. */
function writeNow(text: string): void {
  try {
    let bytes = new TextEncoder().encode(text);
    while (bytes.length > 0) bytes = bytes.subarray(Deno.stderr.writeSync(bytes));
  } catch {
    // The terminal is gone.
  }
}

/** Some terminals say that they have no size. */
function sizeOf(): { columns: number; rows: number } {
  try {
    const { columns, rows } = Deno.consoleSize();
    return { columns: columns || 80, rows: rows || 24 };
  } catch {
    return { columns: 80, rows: 24 };
  }
}

/** Whether the locale's characters are UTF-8; the first of these that is set tells. */
function isUnicode(): boolean {
  const locale = ["LC_ALL", "LC_CTYPE", "LANG"].map((name) => Deno.env.get(name)).find(Boolean);
  return /utf-?8/i.test(locale ?? "");
}
