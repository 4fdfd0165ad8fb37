/**
 * What a receiver has not accepted yet, on disk. It survives a restart of this process, a receiver that is down
 * and, while memory lasts, a full disk.
 *
 * @module
 */

import { join } from "node:path";
import type { z } from "zod";
import { oneLine, type Say } from "../command_line.ts";
import { replaceFile } from "../replace_file.ts";

/** What waits, with its number. */
export type Spooled<T> = T & {
  /** The next one's is at least {@linkcode SEQUENCE_STEP} higher. */
  readonly sequence: number;
};

/** The least difference between the numbers of two. */
export const SEQUENCE_STEP = 2 ** 20;

/** Options of {@linkcode Spool}. */
export interface SpoolOptions<T> {
  /** Most bytes on disk. */
  readonly limit: number;
  /** Called, with lines for people, when something is lost or quarantined. */
  readonly say: Say;
  /** What waits, such as `window`: the ending of its files, and its name in lines for people. */
  readonly noun: string;
  /** What to do where another process uses the folder. */
  readonly inUse: string;
  /** What a file has, beside its number. */
  readonly schema: z.ZodType<T>;
}

/** A spool cannot be used. */
export class SpoolError extends Error {
  override name = "SpoolError";
}

/** Something that waits, and its size; the text only if it could not be written to disk. */
interface Entry {
  readonly sequence: number;
  readonly bytes: number;
  readonly text: string | null;
}

const NUMBER = /^(\d{16})\.[^.]+$/;

/** What waits, oldest first. Disposing unlocks the folder. */
export class Spool<T extends object> implements Disposable {
  readonly #folder: string;
  readonly #options: SpoolOptions<T>;
  readonly #lock: Deno.FsFile;
  #entries: Entry[] = [];
  #lastSequence = 0;
  #isDiskFull = false;
  #dropped: number;
  /** Why the last one was quarantined; null once one has been accepted since. */
  #trouble: string | null = null;
  #arrived = Promise.withResolvers<void>();
  #emptied = Promise.withResolvers<void>();

  private constructor(
    folder: string,
    lock: Deno.FsFile,
    options: SpoolOptions<T>,
    dropped: number,
  ) {
    this.#folder = folder;
    this.#lock = lock;
    this.#options = options;
    this.#dropped = dropped;
  }

  /**
   * Opens a folder, creates it if necessary, and locks it.
   *
   * @throws {SpoolError} when another process uses the folder, or it cannot be used.
   */
  static async open<T extends object>(
    folder: string,
    options: SpoolOptions<T>,
  ): Promise<Spool<T>> {
    try {
      await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
      const lock = await Deno.open(join(folder, "lock"), { create: true, write: true });
      if (!await lock.tryLock(true)) {
        lock.close();
        throw new SpoolError(`Cannot use the spool "${folder}", ${options.inUse}`);
      }
      const text = await Deno.readTextFile(join(folder, "dropped")).catch(() => "0");
      const spool = new Spool(folder, lock, options, Number(text) || 0);
      spool.#find();
      return spool;
    } catch (error) {
      if (error instanceof SpoolError) throw error;
      throw new SpoolError(`Cannot use the spool "${folder}" (${oneLine(error)}): give another`);
    }
  }

  #find(): void {
    const ending = `.${this.#options.noun}`;
    for (const { name } of Deno.readDirSync(this.#folder)) {
      const sequence = name.endsWith(ending) ? NUMBER.exec(name)?.[1] : undefined;
      // It was being written when the process was killed.
      if (sequence === undefined && name.includes(`${ending}.`)) {
        Deno.removeSync(join(this.#folder, name));
      }
      if (sequence === undefined) continue;
      const { size } = Deno.statSync(join(this.#folder, name));
      this.#entries.push({ sequence: Number(sequence), bytes: size, text: null });
    }
    this.#entries.sort((a, b) => a.sequence - b.sequence);
    this.#lastSequence = this.#entries.at(-1)?.sequence ?? 0;
  }

  /** How many are waiting. */
  get waiting(): number {
    return this.#entries.length;
  }

  /** How many have been dropped unsent since the folder exists. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Resolves when one is waiting. */
  get whenAvailable(): Promise<void> {
    return this.#entries.length > 0 ? Promise.resolve() : this.#arrived.promise;
  }

  /** Resolves when none is waiting. */
  get whenEmpty(): Promise<void> {
    return this.#entries.length === 0 ? Promise.resolve() : this.#emptied.promise;
  }

  /** Adds one. At the limit, the oldest ones are dropped. */
  async add(content: T): Promise<void> {
    // Microseconds: it increases across restarts without being stored.
    const sequence = Math.max(Date.now() * 1000, this.#lastSequence + SEQUENCE_STEP);
    this.#lastSequence = sequence;
    const body = JSON.stringify({ sequence, ...content });
    const text = `${await digestOf(body)}\n${body}\n`;
    const bytes = new TextEncoder().encode(text).length;
    this.#makeRoom(bytes);
    let kept: string | null = null;
    try {
      await replaceFile(this.#path(sequence), text);
      this.#isDiskFull = false;
    } catch (error) {
      kept = text;
      if (!this.#isDiskFull) {
        this.#options.say(
          `${oneLine(error)}; ${this.#options.noun}s are kept in memory`,
          "warning",
        );
      }
      this.#isDiskFull = true;
    }
    this.#entries.push({ sequence, bytes, text: kept });
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
  }

  /**
   * The oldest that waits; null if there is none. A damaged file is quarantined.
   */
  async first(): Promise<Spooled<T> | null> {
    for (;;) {
      const entry = this.#entries[0];
      if (entry === undefined) return null;
      try {
        return await this.#read(entry);
      } catch (error) {
        // It may have been dropped in the meantime.
        if (this.#entries[0] === entry) this.quarantine(entry.sequence, oneLine(error));
      }
    }
  }

  /** Removes one that the receiver has accepted. */
  remove(sequence: number): void {
    this.#trouble = null;
    this.#take(sequence);
  }

  #take(sequence: number): void {
    const index = this.#entries.findIndex((entry) => entry.sequence === sequence);
    if (index === -1) return;
    const [entry] = this.#entries.splice(index, 1);
    if (entry!.text === null) this.#clear(this.#path(sequence));
    if (this.#entries.length > 0) return;
    this.#emptied.resolve();
    this.#emptied = Promise.withResolvers();
  }

  /** Moves one out of the way of the others, with the reason; the same reason in a row is said once. */
  quarantine(sequence: number, reason: string): void {
    const entry = this.#entries.find((one) => one.sequence === sequence);
    if (entry === undefined) return;
    const folder = join(this.#folder, "quarantine");
    const path = join(folder, this.#nameOf(sequence));
    const { say, noun } = this.#options;
    try {
      Deno.mkdirSync(folder, { recursive: true });
      Deno.writeTextFileSync(join(folder, `${digitsOf(sequence)}.reason`), `${reason}\n`);
      if (entry.text === null) Deno.renameSync(this.#path(sequence), path);
      else Deno.writeTextFileSync(path, entry.text);
      if (reason !== this.#trouble) say(`A ${noun} was quarantined: ${reason}: ${path}`, "warning");
    } catch (error) {
      say(
        `A ${noun} is lost: ${reason}, and it cannot be quarantined (${oneLine(error)})`,
        "error",
      );
    }
    this.#trouble = reason;
    this.#take(sequence);
    this.#limitQuarantine(folder);
  }

  async #read(entry: Entry): Promise<Spooled<T>> {
    const text = entry.text ?? await Deno.readTextFile(this.#path(entry.sequence));
    const [digest, body] = text.split("\n");
    if (body === undefined || await digestOf(body) !== digest) {
      throw new SpoolError("its file in the spool is damaged");
    }
    const content = this.#options.schema.parse(JSON.parse(body));
    return { ...content, sequence: entry.sequence };
  }

  #makeRoom(bytes: number): void {
    let [total, gone] = [bytes, 0];
    for (const entry of this.#entries) total += entry.bytes;
    while (total > this.#options.limit && this.#entries.length > 0) {
      const { sequence, bytes } = this.#entries[0]!;
      total -= bytes;
      gone++;
      this.#take(sequence);
    }
    if (gone === 0) return;
    this.#dropped += gone;
    const { say, noun } = this.#options;
    say(
      `The spool is full, ${gone} of its oldest ${noun}s were dropped unsent, ${this.#dropped} in all`,
      "warning",
    );
    try {
      Deno.writeTextFileSync(join(this.#folder, "dropped"), `${this.#dropped}\n`);
    } catch {
      // It was reported; a full disk cannot store it.
    }
  }

  /** What is quarantined has the same limit as the spool. */
  #limitQuarantine(folder: string): void {
    try {
      const files = Array.from(Deno.readDirSync(folder), ({ name }) => name).sort().reverse();
      let total = 0;
      for (const file of files) {
        total += Deno.statSync(join(folder, file)).size;
        if (total > this.#options.limit) Deno.removeSync(join(folder, file));
      }
    } catch {
      // There is no such folder.
    }
  }

  #clear(path: string): void {
    try {
      Deno.removeSync(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) this.#options.say(oneLine(error), "warning");
    }
  }

  #path(sequence: number): string {
    return join(this.#folder, this.#nameOf(sequence));
  }

  #nameOf(sequence: number): string {
    return `${digitsOf(sequence)}.${this.#options.noun}`;
  }

  [Symbol.dispose](): void {
    // A child that is about to start a program may still have it open.
    this.#lock.unlockSync();
    this.#lock.close();
  }
}

function digitsOf(sequence: number): string {
  return String(sequence).padStart(16, "0");
}

async function digestOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex();
}
