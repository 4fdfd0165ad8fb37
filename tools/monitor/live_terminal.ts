/**
 * The live view in a terminal. It uses the alternate screen, and restores the old one at the end.
 *
 * @module
 */

import process from "node:process";
import { emitKeypressEvents } from "node:readline";
import { oneLine, say } from "../../system/command_line.ts";
import type { Cost, ListedPacket, Window } from "../../metrics/document.ts";
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
/** Terminals that support it show everything between these at once. */
const [BEGIN, END] = ["\x1b[?2026h", "\x1b[?2026l"];
const [HOME, REST_OF_LINE, REST_OF_SCREEN] = ["\x1b[H", "\x1b[K", "\x1b[J"];

/** The view on standard error, with keys from standard input. Disposing restores the terminal. */
export class LiveTerminal implements Disposable {
  readonly #onStop: () => void;
  readonly #onKey = (_: unknown, key: { readonly sequence?: string }) => this.#key(key.sequence);
  readonly #onResize = () => this.#draw();
  #state: LiveState;
  #paused = false;
  #help = false;
  #isOpen = true;
  #isWriting = false;
  /** Whether there is a newer frame than the one that is being written. */
  #isStale = false;
  /** The terminal, opened again: a blocked write here does not block standard error. */
  readonly #frames = Deno.openSync("/dev/stderr", { write: true });

  private constructor(facts: LiveFacts, onStop: () => void) {
    this.#state = liveStart(facts);
    this.#onStop = onStop;
    // ^C stays a signal; every other key arrives at once and is not echoed.
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
   * @returns null without a suitable terminal.
   */
  static open(facts: LiveFacts, onStop: () => void): LiveTerminal | null {
    const isTerminal = Deno.stdin.isTerminal() && Deno.stderr.isTerminal();
    if (!isTerminal || ["", "dumb"].includes(Deno.env.get("TERM") ?? "")) return null;
    try {
      return new LiveTerminal(facts, onStop);
    } catch (error) {
      say(`No live view, one line per window instead: ${oneLine(error)}`);
      return null;
    }
  }

  /** Shows the next window. */
  window(window: Window, facts: { elapsedSeconds: number; cost: Cost | null }): void {
    this.#state = withWindow(this.#state, window, facts);
    if (!this.#paused) this.#draw();
  }

  /** Adds a slow packet, shown with the next window. */
  slow(packet: ListedPacket): void {
    this.#state = withSlow(this.#state, packet);
  }

  /** Shows a line that would otherwise go to standard error. */
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
      // Detaching probes takes a while.
      this.#state = withNote(this.#state, "Stopping");
      this.#onStop();
    } else if (sequence === "p") this.#paused = !this.#paused;
    else if (sequence === "?") this.#help = !this.#help;
    else return;
    this.#draw();
  }

  #draw(): void {
    if (!this.#isOpen) return;
    // A blocked terminal must not delay the measurement: it skips frames.
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
    });
    const text = lines.map((line) => line + REST_OF_LINE).join("\r\n");
    this.#isWriting = true;
    writeAll(this.#frames, `${BEGIN}${HOME}${text}${REST_OF_SCREEN}${END}`).then(() => {
      this.#isWriting = false;
      if (this.#isStale) this.#draw();
    }, () => {
      // The terminal is closed: stop drawing, keep measuring.
    });
  }
}

async function writeAll(file: Deno.FsFile, text: string): Promise<void> {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(await file.write(bytes));
}

/** Writes synchronously, before any other output. */
function writeNow(text: string): void {
  try {
    let bytes = new TextEncoder().encode(text);
    while (bytes.length > 0) bytes = bytes.subarray(Deno.stderr.writeSync(bytes));
  } catch {
    // The terminal is gone.
  }
}

/** The terminal's size; some terminals report none. */
function sizeOf(): { columns: number; rows: number } {
  try {
    const { columns, rows } = Deno.consoleSize();
    return { columns: columns || 80, rows: rows || 24 };
  } catch {
    return { columns: 80, rows: 24 };
  }
}

/** Whether the locale is UTF-8; the first of these variables that is set decides. */
function isUnicode(): boolean {
  const locale = ["LC_ALL", "LC_CTYPE", "LANG"].map((name) => Deno.env.get(name)).find(Boolean);
  return /utf-?8/i.test(locale ?? "");
}
