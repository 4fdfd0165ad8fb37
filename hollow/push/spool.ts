/**
 * Windows on disk that the producer has not taken yet: they outlive this process, a producer that is
 * down, and a full disk as far as memory goes.
 *
 * @module
 */

import { join } from "node:path";
import { z } from "zod";
import { oneLine } from "../../system/command_line.ts";
import { replaceFile } from "../../metrics/files.ts";
import type { HollowRecord } from "./records.ts";

/** A window, or what became known of one later. */
export interface Spooled {
  /** Numbers of its batches begin here; those of the next are larger by {@linkcode ROOM} or more. */
  readonly sequence: number;
  /** The same whenever it is sent. */
  readonly id: string;
  /** RFC 3339. */
  readonly window: string;
  readonly records: readonly HollowRecord[];
}

/** How many batches a window can become. */
export const ROOM = 2 ** 20;

/** Room on disk, bytes: a day of windows of 5 minutes has about 60 MB. */
export const SPOOL_LIMIT = 256 * 2 ** 20;

/** A spool cannot be used. */
export class SpoolError extends Error {
  override name = "SpoolError";
}

/** What waits, and what it takes; the text is kept where the disk would not. */
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

/** The windows that wait, oldest first. Disposing gives the folder free. */
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
   * Opens a folder, makes it if need be, and locks it.
   *
   * @param say is told, in lines for people, what is lost or set aside.
   * @throws {SpoolError} when another process uses it, or it cannot be used.
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
      // What was being written when the process was killed.
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

  /** How many windows wait. */
  get waiting(): number {
    return this.#entries.length;
  }

  /** How many windows had to go unsent since the folder was made. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Resolves when something waits. */
  get arrival(): Promise<void> {
    return this.#entries.length > 0 ? Promise.resolve() : this.#arrived.promise;
  }

  /** Resolves when nothing waits. */
  get emptiness(): Promise<void> {
    return this.#entries.length === 0 ? Promise.resolve() : this.#emptied.promise;
  }

  /** Adds a window. When there is no room, the oldest go. */
  async add(window: string, records: readonly HollowRecord[]): Promise<void> {
    // Microseconds: grows across restarts without a file that remembers it.
    const sequence = Math.max(Date.now() * 1000, this.#lastSequence + ROOM);
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
   * The oldest window that waits; null when none does. A file that cannot be understood is set aside.
   */
  async first(): Promise<Spooled | null> {
    for (;;) {
      const entry = this.#entries[0];
      if (entry === undefined) return null;
      try {
        return await this.#read(entry);
      } catch (error) {
        // It may have had to go meanwhile.
        if (this.#entries[0] === entry) this.setAside(entry.sequence, oneLine(error));
      }
    }
  }

  /** Forgets a window that the producer has. */
  remove(sequence: number): void {
    const index = this.#entries.findIndex((entry) => entry.sequence === sequence);
    if (index === -1) return;
    const [entry] = this.#entries.splice(index, 1);
    if (entry!.text === null) this.#clear(this.#path(sequence));
    if (this.#entries.length > 0) return;
    this.#emptied.resolve();
    this.#emptied = Promise.withResolvers();
  }

  /** Puts a window where it does not stop the others, with the reason. */
  setAside(sequence: number, reason: string): void {
    const entry = this.#entries.find((one) => one.sequence === sequence);
    if (entry === undefined) return;
    const folder = join(this.#folder, "set-aside");
    const path = join(folder, `${name(sequence)}.window`);
    try {
      Deno.mkdirSync(folder, { recursive: true });
      Deno.writeTextFileSync(join(folder, `${name(sequence)}.reason`), `${reason}\n`);
      if (entry.text === null) Deno.renameSync(this.#path(sequence), path);
      else Deno.writeTextFileSync(path, entry.text);
      this.#say(`A window was set aside: ${reason}: ${path}`);
    } catch (error) {
      this.#say(`A window is lost: ${reason}, and it cannot be set aside (${oneLine(error)})`);
    }
    this.remove(sequence);
    this.#limitSetAside(folder);
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
      `The spool is full, ${gone} of its oldest windows had to go unsent, ${this.#dropped} in all`,
    );
    try {
      Deno.writeTextFileSync(join(this.#folder, "dropped"), `${this.#dropped}\n`);
    } catch {
      // It was told; a disk that is full cannot remember it.
    }
  }

  /** What is set aside takes no more room than the spool itself. */
  #limitSetAside(folder: string): void {
    try {
      const files = Array.from(Deno.readDirSync(folder), ({ name }) => name).sort().reverse();
      let total = 0;
      for (const file of files) {
        total += Deno.statSync(join(folder, file)).size;
        if (total > this.#limit) Deno.removeSync(join(folder, file));
      }
    } catch {
      // There is nothing to limit.
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
