/**
 * The installed bpftrace: its version, and how to run it.
 *
 * @module
 */

import { type Ran, run, textOf } from "../system/run.ts";

/** A bpftrace to run, and how. */
export interface Bpftrace {
  /** Program and first arguments: ["bpftrace"], or a command that runs it in another root. */
  readonly command: readonly string[];
  /** As printed: "0.17.0". */
  readonly version: string;
}

/** bpftrace cannot be used. */
export class BpftraceError extends Error {
  override name = "BpftraceError";
}

/** The oldest minor version of bpftrace 0.x that this is tested with. */
const OLDEST_MINOR = 17;

/**
 * Finds the version of a bpftrace.
 *
 * @throws {BpftraceError} when it is missing, does not answer, or is older than 0.17.
 */
export async function findBpftrace(command: readonly string[] = ["bpftrace"]): Promise<Bpftrace> {
  const [program, ...rest] = command;
  let ran: Ran;
  try {
    ran = await run([program!, ...rest, "--version"]);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new BpftraceError(
      "Cannot watch without bpftrace, and it is not installed: apt-get install bpftrace",
    );
  }
  const text = textOf(ran).trim();
  const match = /v?(\d+)\.(\d+)\.(\d+)/.exec(text);
  if (ran.code !== 0 || match === null) {
    throw new BpftraceError(`Cannot read the version of bpftrace from "${text.slice(0, 80)}"`);
  }
  const [version, major, minor] = [match[0].replace(/^v/, ""), Number(match[1]), Number(match[2])];
  if (major === 0 && minor < OLDEST_MINOR) {
    throw new BpftraceError(
      `Cannot use bpftrace ${version}, expected 0.${OLDEST_MINOR} or later: upgrade the package`,
    );
  }
  return { command, version };
}

/** The most keys of a map; the kernel refuses more, and bpftrace does not report it. */
export const MAP_KEYS = 20_480;

/**
 * Before Linux 5.11, the kernel's types have no number by which bpftrace (seen: 0.17) looks for them: it needs their
 * path, and with it does not look for those of modules, which have none there.
 */
function pathOfTypes(kernel: string): Readonly<Record<string, string>> {
  const [major, minor] = kernel.split(".").map(Number) as [number, number];
  return major * 1000 + minor < 5011 ? { BPFTRACE_BTF: "/sys/kernel/btf/vmlinux" } : {};
}

/** Variables that set the limits of every supported version; each ignores the others' names. */
export const BPFTRACE_ENVIRONMENT: Readonly<Record<string, string>> = {
  // Renamed in 0.20.
  BPFTRACE_MAP_KEYS_MAX: String(MAP_KEYS),
  BPFTRACE_MAX_MAP_KEYS: String(MAP_KEYS),
  // bpftrace prints this word once every probe is attached: on stderr up to 0.22, on stdout from 0.23.
  __BPFTRACE_NOTIFY_PROBES_ATTACHED: "1",
  ...pathOfTypes(Deno.osRelease()),
};

/** The word that bpftrace prints when every probe is attached. */
export const ATTACHED = "__BPFTRACE_NOTIFY_PROBES_ATTACHED";
