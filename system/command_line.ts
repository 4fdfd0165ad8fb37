/**
 * What the command lines of all scripts share: numbers in a range, paths, output, one-line errors.
 *
 * @module
 */

import { Command, InvalidArgumentError } from "@commander-js/extra-typings";
import { resolve } from "node:path";
import { setImmediate } from "node:timers";
import { printable, printableLines } from "./printable.ts";
import { reasonOf } from "./reason.ts";
import { END_SIGNALS, type EndSignal, onEndSignals } from "./signals.ts";

/** A command that ends a script with status 2 when it is used wrongly; `name` stands in `--help`. */
export function newCommand(name: string) {
  return new Command(name).exitOverride((error) => Deno.exit(error.exitCode === 0 ? 0 : 2));
}

/** Makes a parser for an option's number, with the range in the error. */
export function numberBetween(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !(value >= least && value <= most)) {
      throw new InvalidArgumentError(`A number from ${least} to ${most} is wanted.`);
    }
    return value;
  };
}

/** A path from where the person stands; `deno task` runs elsewhere. */
export function resolveUserPath(path: string): string {
  return resolve(Deno.env.get("INIT_CWD") ?? Deno.cwd(), path);
}

/**
 * Opens a file that a person named.
 *
 * @param wanted what should be given, for the error.
 * @throws {Error} in one line when it cannot be read.
 */
export function openInput(path: string, wanted: string): Deno.FsFile {
  let why = "it is a folder";
  try {
    const file = Deno.openSync(resolveUserPath(path));
    if (!file.statSync().isDirectory) return file;
    file.close();
  } catch (error) {
    why = reasonOf(oneLine(error));
  }
  throw new Error(`Cannot read "${path}" (${why}): give ${wanted}`);
}

/**
 * Makes the folder that a person named.
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
 * Makes a folder of this run's own: what has its name already is another's.
 *
 * @param name in the folder where the person stands.
 * @returns the path; with `-2` and so on behind it where that name is taken.
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
 * Writes to standard output, and fails when nobody reads it (`console.log` would not).
 *
 * @throws {Deno.errors.BrokenPipe} when whoever read went away.
 */
export function print(content: string | Uint8Array): void {
  let bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  while (bytes.length > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
}

/**
 * Writes a line for people to standard error: nothing that stands in it can act on their terminal. Where
 * it goes may be gone; the work goes on.
 */
export function say(line: string): void {
  sayStyled(printableLines(line));
}

/** The same for text with colours, of which each part from outside has been made printable. */
export function sayStyled(text: string): void {
  try {
    console.error(text);
  } catch {
    // A terminal that has gone is an error here, unlike a closed pipe.
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
 * Passes pieces on until a signal comes; then throws, so that whoever writes them can clear away
 * what is half-written. {@linkcode runMain} ends the process with the signal's status. Signals are
 * heard from the call on, before the first piece is asked for.
 */
export function abortOnSignal<T>(pieces: AsyncIterable<T>): AsyncGenerator<T> {
  let stopped: Stopped | null = null;
  const waiting = Promise.withResolvers<never>();
  waiting.promise.catch(() => {});
  const listening = onEndSignals((signal) => waiting.reject(stopped = new Stopped(signal)));
  return async function* () {
    const iterator = pieces[Symbol.asyncIterator]();
    try {
      for (;;) {
        // Signals are told between two turns of the event loop, and files are read without any.
        await new Promise((resolve) => setImmediate(resolve));
        if (stopped !== null) throw stopped;
        const next = await Promise.race([iterator.next(), waiting.promise]);
        if (next.done) return;
        yield next.value;
      }
    } finally {
      listening[Symbol.dispose]();
    }
  }();
}

/**
 * Runs a script's work and ends the process with its exit status; an error becomes one line on
 * standard error and status 1. Whoever reads standard output may stop early (`| head`).
 */
export async function runMain(work: () => Promise<number>): Promise<never> {
  try {
    Deno.exit(await work());
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) Deno.exit(0);
    if (error instanceof Stopped) Deno.exit(error.status);
    say(`error: ${oneLine(error)}`);
    Deno.exit(1);
  }
}

/** An error in one line for people; paths and the like in it cannot act on their terminal. */
export function oneLine(error: unknown): string {
  const said = error instanceof Error ? error.message : String(error);
  // EMFILE
  const text = /os error 24\b/.test(said) ? `${said}: ulimit -n 1024 allows more` : said;
  return printable(text.replaceAll(/\s*\n\s*/g, " "));
}
