/**
 * How a running Kea was started, as far as the configuration depends on it.
 *
 * @module
 */

import { isAbsolute, resolve } from "node:path";
import { DiscoveryError } from "../discovery_error.ts";
import { readProc } from "../../system/read_proc.ts";
import { pathInRoot } from "../mapped_files.ts";

/** Options of kea-dhcp4 and kea-dhcp6 that take an argument, of all versions (src/bin/dhcp4/main.cc). */
const WITH_ARGUMENT = "ctTpP";

/**
 * Variables that override the folders that Kea 3 was built with (Kea's ARM, "Environment Variables").
 */
const FOLDER_VARIABLES: readonly string[] = [
  "KEA_CONTROL_SOCKET_DIR",
  "KEA_DHCP_DATA_DIR",
  "KEA_HOOKS_PATH",
  "KEA_LEGAL_LOG_DIR",
  "KEA_LOG_FILE_DIR",
];

/** The options of a command line. */
export interface KeaOptions {
  /** The configuration file, as written there; null without one. */
  readonly configuration: string | null;
  /** -X: files may be anywhere (Kea 3.0 and later). */
  readonly isRelaxed: boolean;
}

/** How a server was started. */
export interface KeaStart extends KeaOptions {
  /** The server's working directory, in its own root; null if its path is not UTF-8. */
  readonly workingDirectory: string | null;
  /** The variables that name Kea's folders; nothing else of its environment. */
  readonly folders: Readonly<Record<string, string>>;
}

/**
 * Reads the options of a command line like getopt(3): several may follow one dash, an argument may follow
 * its option directly, and the last of a kind counts.
 *
 * @param args without the program.
 */
export function keaOptions(args: readonly string[]): KeaOptions {
  let [configuration, isRelaxed]: [string | null, boolean] = [null, false];
  for (let index = 0; index < args.length && args[index] !== "--"; index++) {
    const arg = args[index]!;
    if (!arg.startsWith("-")) continue;
    for (let at = 1; at < arg.length; at++) {
      const option = arg[at]!;
      if (option === "X") isRelaxed = true;
      if (!WITH_ARGUMENT.includes(option)) continue;
      const value = at + 1 < arg.length ? arg.slice(at + 1) : args[++index];
      if (option === "c") configuration = value ?? null;
      break;
    }
  }
  return { configuration, isRelaxed };
}

/**
 * Reads how a running server was started.
 *
 * @throws {Deno.errors.NotFound} when it has ended.
 */
export async function keaStartOf(pid: number): Promise<KeaStart> {
  const [, ...args] = words(await readProc(pid, "cmdline"));
  const folders = words(await readProc(pid, "environ")).map((line) => line.split(/=(.*)/s))
    .filter(([name]) => FOLDER_VARIABLES.includes(name!))
    .map(([name, value]) => [name!, value ?? ""] as const);
  return {
    ...keaOptions(args),
    workingDirectory: await workingDirectoryOf(pid),
    folders: Object.fromEntries(folders),
  };
}

/**
 * A path as a server would open it.
 *
 * @throws {DiscoveryError} when it is relative to a directory that is not known.
 */
export function pathAt({ workingDirectory }: KeaStart, path: string): string {
  if (workingDirectory === null && !isAbsolute(path)) {
    throw new DiscoveryError("the path of the server's working directory is not UTF-8");
  }
  return resolve(workingDirectory ?? "/", path);
}

function words(text: string): string[] {
  return text.replace(/\0$/, "").split("\0");
}

async function workingDirectoryOf(pid: number): Promise<string | null> {
  try {
    return await pathInRoot(await Deno.readLink(`/proc/${pid}/cwd`), pid);
  } catch (error) {
    // Deno gives no path that is not UTF-8.
    if (error instanceof Deno.errors.InvalidData) return null;
    throw error;
  }
}
