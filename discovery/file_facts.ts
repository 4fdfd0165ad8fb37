/**
 * Facts that follow from the bytes of a file alone. They are kept in this user's cache folder by the hash of these
 * bytes, so that a server whose files were seen before is probed at once.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { piecesOf } from "../system/file_bytes.ts";
import { ForeignFileError, openLinked } from "../system/foreign_file.ts";
import { isOnlyOurs } from "../system/only_ours.ts";
import { ownFolder, OwnFolderError } from "../system/own_folder.ts";
import { replaceFile } from "../system/replace_file.ts";
import { childEnvironment } from "../system/run.ts";
import { ElfError } from "./code/elf.ts";
import { copyOf } from "./code/file_copies.ts";
import { FileCache, stampOf } from "./file_cache.ts";
import type { MappedFile } from "./types.ts";

/** What is read of a file, and what errors call it. */
type Named = Pick<MappedFile, "path" | "pinnedPath">;

const known = new FileCache<unknown>();

const hashOf = (text: string) => createHash("sha256").update(text).digest("hex");

/**
 * The fact about a file, from the cache or found now. Failures are not cached.
 *
 * @param name of the fact, with all that it depends on besides the file.
 * @param find finds it in a copy of the file, whose bytes no one can change; JSON can express it.
 * @param folder where facts are kept; null for nowhere.
 * @throws {ElfError} when the file cannot be read, and what `find` throws.
 */
export async function factOf<T, F extends Named>(
  name: string,
  file: F,
  find: (copy: F) => Promise<T>,
  folder = cacheFolder(),
): Promise<T> {
  const { pinnedPath } = file;
  try {
    return await known.of(pinnedPath, () => keptFact(name, file, find, folder), name) as T;
  } catch (error) {
    if (!(error instanceof ForeignFileError)) throw error;
    throw new ElfError(`Cannot read "${pinnedPath}": ${error.message}`);
  }
}

async function keptFact<T, F extends Named>(
  name: string,
  file: F,
  find: (copy: F) => Promise<T>,
  folder: string | null,
): Promise<T> {
  const before = await readFact(placeOf(folder, name, file.pinnedPath));
  if (before !== undefined) return before as T;
  using copy = await copyOf(file.pinnedPath);
  try {
    const fact = await find({ ...file, pinnedPath: copy.path });
    // By the copy, which is what was read: the file may have changed since.
    await writeFact(placeOf(folder, name, copy.path), fact);
    return fact;
  } catch (error) {
    if (!(error instanceof ElfError)) throw error;
    throw new ElfError(error.message.replaceAll(copy.path, file.pinnedPath));
  }
}

/** Where a fact about a file is kept; null for nowhere. */
function placeOf(folder: string | null, name: string, path: string): string | null {
  if (folder === null || FINDERS === null || !isOnlyOurs(folder)) return null;
  const bytes = hashOfFile(path);
  return bytes && join(folder, `${hashOf(JSON.stringify([FINDERS, name, bytes]))}.json`);
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

/** Larger files are read each time, bytes. Kea's largest has 5 MB; a hostile process may map many large ones. */
const LARGEST = 16 * 2 ** 20;

/** A hash of a file's bytes; null for one that is too large, or grows while it is read. */
function hashOfFile(path: string): string | null {
  using file = openLinked(path);
  const hash = createHash("sha256");
  let length = 0;
  for (const piece of piecesOf(file)) {
    length += piece.length;
    if (length > LARGEST) return null;
    hash.update(piece);
  }
  return hash.digest("hex");
}

/**
 * A hash of what finds facts: other code, or other programs that decode, may find others. Of the code that is being loaded,
 * so not when it is first needed: then it may have been replaced.
 */
const FINDERS = hashOfFinders();

/** @returns null if it cannot be read. */
function hashOfFinders(): string | null {
  try {
    const sources = [".", "../system"].flatMap((folder) => sourcesIn(folder));
    const programs = ["objdump", "nm", "readelf"].map(stampOfProgram);
    return hashOf(JSON.stringify([sources, programs]));
  } catch {
    return null;
  }
}

function sourcesIn(folder: string): string[] {
  const path = join(import.meta.dirname!, folder);
  const names = readdirSync(path, { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(".ts")).toSorted()
    .map((name) => Deno.readTextFileSync(join(path, name)));
}

/** Which file a program is; null for none. */
function stampOfProgram(name: string): string | null {
  const paths = childEnvironment()["PATH"]!.split(":").map((folder) => join(folder, name));
  const found = paths.find((path) => existsSync(path));
  return found === undefined ? null : stampOf(Deno.statSync(found));
}

/** A fact that was kept; undefined for none. */
async function readFact(place: string | null): Promise<unknown> {
  if (place === null) return undefined;
  try {
    return JSON.parse(await Deno.readTextFile(place));
  } catch {
    // There is none, or it is damaged: it is found again.
    return undefined;
  }
}

/** The longest fact that is kept, characters: the longest about Kea has 35,000. */
const LONGEST = 256 * 1024;

/** The most facts that are kept: those about one Kea are some hundred. */
const MOST = 4096;

/** What we keep, and what a process that was killed left unfinished. */
const KEPT = /^[0-9a-f]{64}\.json/;

async function writeFact(place: string | null, fact: unknown): Promise<void> {
  const text = JSON.stringify(fact);
  if (place === null || text.length > LONGEST) return;
  const folder = dirname(place);
  try {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    if (!isOnlyOurs(folder)) return;
    const kept = (await readdir(folder)).filter((name) => KEPT.test(name));
    // All of them: those that are in use come back.
    if (kept.length >= MOST) {
      await Promise.all(kept.map((name) => rm(join(folder, name), { force: true })));
    }
    // One that a crash damages is found again.
    await replaceFile(place, text, { isSynced: false });
  } catch {
    // The disk is full or read-only: the fact is found each time.
  }
}
