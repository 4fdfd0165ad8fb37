/**
 * Windows on disk that the producer has not accepted yet. They survive a restart of this process, a producer
 * that is down and, while memory lasts, a full disk.
 *
 * @module
 */

import { join } from "node:path";
import { z } from "zod";
import { oneLine } from "../../system/command_line.ts";
import { replaceFile } from "../../metrics/files.ts";
import type { HollowRecord } from "./records.ts";

/** A window that waits. */
export interface Spooled {
  /** The first number of its batches; the next window's is at least {@linkcode SEQUENCE_STEP} higher. */
  readonly sequence: number;
  /** The same whenever it is sent. */
  readonly id: string;
  /** RFC 3339. */
  readonly window: string;
  readonly records: readonly HollowRecord[];
}

/** The most batches of one window. */
export const SEQUENCE_STEP = 2 ** 20;

/** Limit on disk, bytes: a day of 5-minute windows has about 60 MB. */
export const SPOOL_LIMIT = 256 * 2 ** 20;

/** A spool cannot be used. */
export class SpoolError extends Error {
  override name = "SpoolError";
}

/** A waiting window and its size; the text only if it could not be written to disk. */
interface Entry {
  readonly sequence: number;
  readonly bytes: number;
  readonly text: string | null;
}

const spooled = z.object({
  sequence: z.int().nonnegative(),
  id: z.string(),
  window: z.string(),
  records: z.array(z.custom<HollowRecord>((value) => typeof value === "object" && value !== null)),
});

const FILE = /^(\d{16})\.window$/;

/** The waiting windows, oldest first. Disposing unlocks the folder. */
export class Spool implements Disposable {
  readonly #folder: string;
  readonly #limit: number;
  readonly #say: (line: string) => void;
  readonly #lock: Deno.FsFile;
  #entries: Entry[] = [];
  #lastSequence = 0;
  #isDiskFull = false;
  #dropped: number;
  #arrived = Promise.withResolvers<void>();
  #emptied = Promise.withResolvers<void>();

  private constructor(
    folder: string,
    lock: Deno.FsFile,
    { limit, say }: { readonly limit: number; readonly say: (line: string) => void },
    dropped: number,
  ) {
    this.#folder = folder;
    this.#lock = lock;
    this.#limit = limit;
    this.#say = say;
    this.#dropped = dropped;
  }

  /**
   * Opens a folder, creates it if necessary, and locks it.
   *
   * @param say is called, with lines for people, when a window is lost or quarantined.
   * @throws {SpoolError} when another process uses the folder, or it cannot be used.
   */
  static async open(
    folder: string,
    options: { readonly limit: number; readonly say: (line: string) => void },
  ): Promise<Spool> {
    try {
      await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
      const lock = await Deno.open(join(folder, "lock"), { create: true, write: true });
      if (!await lock.tryLock(true)) {
        lock.close();
        throw new SpoolError(
          `Cannot use the spool "${folder}", another hollow-monitor does: ` +
            "stop it, or give another --name or --spool",
        );
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
    for (const { name } of Deno.readDirSync(this.#folder)) {
      const sequence = FILE.exec(name)?.[1];
      // It was being written when the process was killed.
      if (sequence === undefined && name.includes(".window.")) {
        Deno.removeSync(join(this.#folder, name));
      }
      if (sequence === undefined) continue;
      const { size } = Deno.statSync(join(this.#folder, name));
      this.#entries.push({ sequence: Number(sequence), bytes: size, text: null });
    }
    this.#entries.sort((a, b) => a.sequence - b.sequence);
    this.#lastSequence = this.#entries.at(-1)?.sequence ?? 0;
  }

  /** How many windows are waiting. */
  get waiting(): number {
    return this.#entries.length;
  }

  /** How many windows have been dropped unsent since the folder exists. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Resolves when a window is waiting. */
  get whenAvailable(): Promise<void> {
    return this.#entries.length > 0 ? Promise.resolve() : this.#arrived.promise;
  }

  /** Resolves when no window is waiting. */
  get whenEmpty(): Promise<void> {
    return this.#entries.length === 0 ? Promise.resolve() : this.#emptied.promise;
  }

  /** Adds a window. At the limit, the oldest ones are dropped. */
  async add(window: string, records: readonly HollowRecord[]): Promise<void> {
    // Microseconds: it increases across restarts without being stored.
    const sequence = Math.max(Date.now() * 1000, this.#lastSequence + SEQUENCE_STEP);
    this.#lastSequence = sequence;
    const body = JSON.stringify({ sequence, id: crypto.randomUUID(), window, records });
    const text = `${await digestOf(body)}\n${body}\n`;
    const bytes = new TextEncoder().encode(text).length;
    this.#makeRoom(bytes);
    let kept: string | null = null;
    try {
      await replaceFile(this.#path(sequence), text);
      this.#isDiskFull = false;
    } catch (error) {
      kept = text;
      if (!this.#isDiskFull) this.#say(`${oneLine(error)}; windows are kept in memory`);
      this.#isDiskFull = true;
    }
    this.#entries.push({ sequence, bytes, text: kept });
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
  }

  /**
   * The oldest waiting window; null if there is none. A damaged file is quarantined.
   */
  async first(): Promise<Spooled | null> {
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

  /** Removes a window that the producer has accepted. */
  remove(sequence: number): void {
    const index = this.#entries.findIndex((entry) => entry.sequence === sequence);
    if (index === -1) return;
    const [entry] = this.#entries.splice(index, 1);
    if (entry!.text === null) this.#clear(this.#path(sequence));
    if (this.#entries.length > 0) return;
    this.#emptied.resolve();
    this.#emptied = Promise.withResolvers();
  }

  /** Moves a window out of the way of the others, with the reason. */
  quarantine(sequence: number, reason: string): void {
    const entry = this.#entries.find((one) => one.sequence === sequence);
    if (entry === undefined) return;
    const folder = join(this.#folder, "quarantine");
    const path = join(folder, `${name(sequence)}.window`);
    try {
      Deno.mkdirSync(folder, { recursive: true });
      Deno.writeTextFileSync(join(folder, `${name(sequence)}.reason`), `${reason}\n`);
      if (entry.text === null) Deno.renameSync(this.#path(sequence), path);
      else Deno.writeTextFileSync(path, entry.text);
      this.#say(`A window was quarantined: ${reason}: ${path}`);
    } catch (error) {
      this.#say(`A window is lost: ${reason}, and it cannot be quarantined (${oneLine(error)})`);
    }
    this.remove(sequence);
    this.#limitQuarantine(folder);
  }

  async #read(entry: Entry): Promise<Spooled> {
    const text = entry.text ?? await Deno.readTextFile(this.#path(entry.sequence));
    const [digest, body] = text.split("\n");
    if (body === undefined || await digestOf(body) !== digest) {
      throw new SpoolError("its file in the spool is damaged");
    }
    return spooled.parse(JSON.parse(body));
  }

  #makeRoom(bytes: number): void {
    let [total, gone] = [bytes, 0];
    for (const entry of this.#entries) total += entry.bytes;
    while (total > this.#limit && this.#entries.length > 0) {
      const { sequence, bytes } = this.#entries[0]!;
      total -= bytes;
      gone++;
      this.remove(sequence);
    }
    if (gone === 0) return;
    this.#dropped += gone;
    this.#say(
      `The spool is full, ${gone} of its oldest windows were dropped unsent, ${this.#dropped} in all`,
    );
    try {
      Deno.writeTextFileSync(join(this.#folder, "dropped"), `${this.#dropped}\n`);
    } catch {
      // It was reported; a full disk cannot store it.
    }
  }

  /** Quarantined windows have the same limit as the spool. */
  #limitQuarantine(folder: string): void {
    try {
      const files = Array.from(Deno.readDirSync(folder), ({ name }) => name).sort().reverse();
      let total = 0;
      for (const file of files) {
        total += Deno.statSync(join(folder, file)).size;
        if (total > this.#limit) Deno.removeSync(join(folder, file));
      }
    } catch {
      // There is no such folder.
    }
  }

  #clear(path: string): void {
    try {
      Deno.removeSync(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) this.#say(oneLine(error));
    }
  }

  #path(sequence: number): string {
    return join(this.#folder, `${name(sequence)}.window`);
  }

  [Symbol.dispose](): void {
    this.#lock.close();
  }
}

function name(sequence: number): string {
  return String(sequence).padStart(16, "0");
}

async function digestOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex();
}
