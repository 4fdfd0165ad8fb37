/**
 * What the command lines of all scripts share: numbers in a range, paths, output, one-line errors.
 *
 * @module
 */

import { Command, InvalidArgumentError } from "@commander-js/extra-typings";
import { resolve } from "node:path";
import { setImmediate } from "node:timers";
import { orAborted } from "./or_aborted.ts";
import { printable, printableLines } from "./printable.ts";
import { reasonOf } from "./reason.ts";
import { END_SIGNALS, type EndSignal, onEndSignals } from "./signals.ts";

/** A command that exits with status 2 on wrong usage; `--help` shows `name`. */
export function newCommand(name: string) {
  return new Command(name).exitOverride((error) => Deno.exit(error.exitCode === 0 ? 0 : 2));
}

/** Returns a parser for a number in a range; its error names the range. */
export function numberBetween(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !(value >= least && value <= most)) {
      throw new InvalidArgumentError(`Expected a number from ${least} to ${most}.`);
    }
    return value;
  };
}

/** Resolves a path from the folder in which the user typed the command; `deno task` runs in another. */
export function resolveUserPath(path: string): string {
  return resolve(Deno.env.get("INIT_CWD") ?? Deno.cwd(), path);
}

/**
 * Opens a file that the user named.
 *
 * @param expected what to give, for the error.
 * @throws {Error} in one line when it cannot be read.
 */
export function openInput(path: string, expected: string): Deno.FsFile {
  let why = "it is a folder";
  try {
    const file = Deno.openSync(resolveUserPath(path));
    if (!file.statSync().isDirectory) return file;
    file.close();
  } catch (error) {
    why = reasonOf(oneLine(error));
  }
  throw new Error(`Cannot read "${path}" (${why}): give ${expected}`);
}

/**
 * Makes the folder that the user named.
 *
 * @returns its path.
 * @throws {Error} in one line when it cannot be made.
 */
export async function ensureOutputFolder(path: string): Promise<string> {
  const folder = resolveUserPath(path);
  try {
    await Deno.mkdir(folder, { recursive: true });
    return folder;
  } catch (error) {
    throw cannotWrite(folder, error);
  }
}

/**
 * Makes a new folder for this run.
 *
 * @param name in the user's folder.
 * @returns the path, with `-2` and so on appended if the name is taken.
 * @throws {Error} in one line when it cannot be made.
 */
export async function makeOwnOutput(name: string): Promise<string> {
  for (let number = 1;; number++) {
    const folder = resolveUserPath(number === 1 ? name : `${name}-${number}`);
    try {
      await Deno.mkdir(folder, { mode: 0o700 });
      return folder;
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists && number < MOST_NAMES) continue;
      throw cannotWrite(folder, error);
    }
  }
}

const MOST_NAMES = 100;

function cannotWrite(folder: string, error: unknown): Error {
  return new Error(
    `Cannot write to "${folder}" (${reasonOf(oneLine(error))}): give another folder with -o`,
  );
}

/**
 * Writes to standard output, and fails when its reader is gone (`console.log` would not).
 *
 * @throws {Deno.errors.BrokenPipe} when the reader is gone.
 */
export function print(content: string | Uint8Array): void {
  let bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  while (bytes.length > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
}

/**
 * Writes a line for people to standard error, without control characters for their terminal. It is not an
 * error if standard error is closed.
 */
export function say(line: string, level: Level = "info"): void {
  const lines = printableLines(line);
  sayStyled(isJournal() ? lines.replaceAll(/^/gm, LEVELS[level]) : lines);
}

/** How important a line is. */
export type Level = "error" | "warning" | "info";

/** What takes lines for people, as {@linkcode say} does. */
export type Say = (line: string, level?: Level) => void;

/** The same as systemd's journal reads it at the start of a line: sd-daemon(3). */
const LEVELS: Readonly<Record<Level, string>> = { error: "<3>", warning: "<4>", info: "<6>" };

let journal: boolean | null = null;

/** Whether standard error is systemd's journal, which adds the time to each line. */
export function isJournal(): boolean {
  return journal ??= isStream(Deno.env.get("JOURNAL_STREAM"));
}

/** Whether standard error is a stream: DEVICE:INODE, both decimal. */
function isStream(stream: string | undefined): boolean {
  if (stream === undefined) return false;
  try {
    const { dev, ino } = Deno.statSync("/proc/self/fd/2");
    return `${dev}:${ino}` === stream;
  } catch {
    return false;
  }
}

/** The same for text with colours, whose parts from outside are printable already. */
export function sayStyled(text: string): void {
  try {
    console.error(text);
  } catch {
    // A closed terminal is an error here, unlike a closed pipe.
  }
}

/** A signal ended a script's work. */
class Stopped extends Error {
  readonly status: number;

  constructor(signal: EndSignal) {
    super(`Stopped by ${signal}`);
    this.status = END_SIGNALS[signal];
  }
}

/**
 * Yields pieces until a signal comes, then throws, so that the caller can remove a half-written file.
 * {@linkcode runMain} ends the process with the signal's status. Signals are caught from the call on, before
 * the first piece is requested.
 */
export function abortOnSignal<T>(pieces: AsyncIterable<T>): AsyncGenerator<T> {
  const stop = new AbortController();
  const listening = onEndSignals((signal) => stop.abort(new Stopped(signal)));
  return async function* () {
    const iterator = pieces[Symbol.asyncIterator]();
    try {
      for (;;) {
        // Signals arrive between two turns of the event loop, and reading files needs no turn.
        await new Promise((resolve) => setImmediate(resolve));
        stop.signal.throwIfAborted();
        const next = iterator.next();
        await orAborted(next, stop.signal);
        stop.signal.throwIfAborted();
        const { done, value } = await next;
        if (done) return;
        yield value;
      }
    } finally {
      listening[Symbol.dispose]();
    }
  }();
}

/**
 * Runs a script's work and ends the process with its exit status; an error becomes one line on
 * standard error and status 1. The reader of standard output may stop early (`| head`).
 */
export async function runMain(work: () => Promise<number>): Promise<never> {
  try {
    Deno.exit(await work());
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) Deno.exit(0);
    if (error instanceof Stopped) Deno.exit(error.status);
    say(`error: ${oneLine(error)}`, "error");
    Deno.exit(1);
  }
}

/** An error in one line for people, without control characters for their terminal. */
export function oneLine(error: unknown): string {
  const said = error instanceof Error ? error.message : String(error);
  // EMFILE
  const text = /os error 24\b/.test(said) ? `${said}: ulimit -n 1024 allows more` : said;
  return printable(text.replaceAll(/\s*\n\s*/g, " "));
}
