/**
 * The version of a Kea program, read from its file: nothing of it is run.
 *
 * @module
 */

import { mappedData } from "./elf.ts";

/** A text of its own among the constants of a file: "2.2.0", "2.7.8-git". */
const VERSION = /(?<=\0)\d+\.\d+\.\d+(?:-\w[\w.]*)?(?=\0)/g;

/** @returns the version, as `-v` prints it; "unknown" where the file does not hold exactly one. */
export async function programVersion(path: string): Promise<string> {
  const decoder = new TextDecoder("latin1");
  const found = new Set(
    (await mappedData(path)).filter(({ executable }) => !executable)
      .flatMap(({ bytes }) => decoder.decode(bytes).match(VERSION) ?? []),
  );
  return found.size === 1 ? [...found][0]! : "unknown";
}
