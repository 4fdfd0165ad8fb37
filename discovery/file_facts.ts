/**
 * Facts that follow from the bytes of a file alone. They are kept in this user's cache folder by the hash of these
 * bytes, so that a server whose files were seen before is probed at once.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { piecesOf } from "../system/file_bytes.ts";
import { ForeignFileError, openLinked } from "../system/foreign_file.ts";
import { ownFolder, OwnFolderError } from "../system/own_folder.ts";
import { isGone } from "../system/proc.ts";
import { replaceFile } from "../system/replace_file.ts";
import { ElfError } from "./code/elf.ts";
import { copyOf } from "./code/file_copies.ts";
import { FileCache } from "./file_cache.ts";
import type { MappedFile } from "./types.ts";

/** What is read of a file, and what errors call it. */
type Named = Pick<MappedFile, "path" | "pinnedPath">;

const known = new FileCache<unknown>();

/**
 * The fact about a file, from the cache or found now. Failures are not cached.
 *
 * @param name of the fact, with all that it depends on besides the file.
 * @param find finds it in a copy of the file, whose bytes no one can change; JSON can express it.
 * @throws {ElfError} when the file cannot be read, and what `find` throws.
 */
export async function factOf<T, F extends Named>(
  name: string,
  file: F,
  find: (copy: F) => Promise<T>,
): Promise<T> {
  const { pinnedPath } = file;
  try {
    return await known.of(pinnedPath, () => keptFact(name, file, find), name) as T;
  } catch (error) {
    if (!(error instanceof ForeignFileError)) throw error;
    throw new ElfError(`Cannot read "${pinnedPath}": ${error.message}`);
  }
}

async function keptFact<T, F extends Named>(
  name: string,
  file: F,
  find: (copy: F) => Promise<T>,
): Promise<T> {
  const before = await readFact(await placeOf(name, file.pinnedPath));
  if (before !== undefined) return before as T;
  using copy = await copyOf(file.pinnedPath);
  try {
    const fact = await find({ ...file, pinnedPath: copy.path });
    // By the copy, which is what was read: the file may have changed since.
    await writeFact(await placeOf(name, copy.path), fact);
    return fact;
  } catch (error) {
    if (!(error instanceof ElfError)) throw error;
    throw new ElfError(error.message.replaceAll(copy.path, file.pinnedPath));
  }
}

/** Where a fact about a file is kept; null for nowhere. */
async function placeOf(name: string, path: string): Promise<string | null> {
  const folder = cacheFolder();
  const bytes = folder === null ? null : hashOfFile(path);
  if (folder === null || bytes === null) return null;
  const key = JSON.stringify([await ownCode(), name, bytes]);
  return join(folder, `${createHash("sha256").update(key).digest("hex")}.json`);
}

/** Null if no folder is this user's alone. */
function cacheFolder(): string | null {
  try {
    return join(ownFolder("cache"), "facts");
  } catch (error) {
    if (!(error instanceof OwnFolderError)) throw error;
    return null;
  }
}

/** Larger files are read each time, bytes. Kea's largest has 5 MB, a hostile process may map many large ones. */
const LARGEST = 64 * 2 ** 20;

/** A hash of a file's bytes; null for one that is too large. */
function hashOfFile(path: string): string | null {
  using file = openLinked(path);
  if (file.statSync().size > LARGEST) return null;
  const hash = createHash("sha256");
  for (const piece of piecesOf(file)) hash.update(piece);
  return hash.digest("hex");
}

let reading: Promise<string> | undefined;

/** A hash of the code that finds facts: other code may find others. */
function ownCode(): Promise<string> {
  return reading ??= (async () => {
    const here = import.meta.dirname!;
    const names = (await readdir(here, { recursive: true })).filter((name) => name.endsWith(".ts"));
    const texts = names.toSorted().map((name) => Deno.readTextFile(join(here, name)));
    return createHash("sha256").update(JSON.stringify(await Promise.all(texts))).digest("hex");
  })();
}

/** A fact that was kept; undefined for none. */
async function readFact(place: string | null): Promise<unknown> {
  if (place === null) return undefined;
  try {
    return JSON.parse(await Deno.readTextFile(place));
  } catch (error) {
    // One that is damaged is found again.
    if (isGone(error) || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The most facts that are kept: those about one Kea are some hundred. */
const MOST = 4096;

async function writeFact(place: string | null, fact: unknown): Promise<void> {
  if (place === null) return;
  const text = JSON.stringify(fact);
  const folder = dirname(place);
  try {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    const kept = (await readdir(folder)).map((name) => join(folder, name));
    // All of them: those that are in use come back.
    if (kept.length >= MOST) await Promise.all(kept.map((path) => rm(path, { force: true })));
    await replaceFile(place, text);
  } catch {
    // The disk is full or read-only: the fact is found each time.
  }
}
