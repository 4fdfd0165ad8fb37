/**
 * The version of a Kea program, read from its file; the program is not run.
 *
 * @module
 */

import { readUpTo } from "../system/file_bytes.ts";
import { openLinked } from "../system/foreign_file.ts";

/** A constant of a file: "2.2.0", "2.7.8-git". */
const VERSION = /(?<=\0)\d+\.\d+\.\d+(?:-\w[\w.]*)?(?=\0)/g;

/** How much of a file is read, bytes: constants come before debug information. */
const REACH = 64 * 2 ** 20;

/** @returns the version, as `-v` prints it; "unknown" if the file does not contain exactly one. */
export function programVersion(path: string): string {
  using file = openLinked(path);
  const bytes = readUpTo(file, 0, Math.min(file.statSync().size, REACH));
  const text = new TextDecoder("latin1").decode(bytes);
  const found = new Set(text.match(VERSION));
  return found.size === 1 ? [...found][0]! : "unknown";
}
