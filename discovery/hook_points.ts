/**
 * The hook points of a build and their numbers, which differ between versions and families.
 *
 * Kea numbers them in the order in which they are registered, most of them before main(): asked
 * for its version (`-v`) it registers all its own and ends. An entry probe reads the names.
 *
 * @module
 */

import { join } from "node:path";
import { DiscoveryError } from "./discovery_error.ts";
import { pathInRoot } from "./mapped_files.ts";
import { isTrusted, type Printed, printedWithin, wayToRun } from "./own_program.ts";
import type { MappedFile, Program } from "./types.ts";

const REGISTER_HOOK = "_ZN3isc5hooks11ServerHooks12registerHookERK" +
  "NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE";

/** It takes half a second. */
const LIMIT_MS = 20_000;

/**
 * Learns the hook points of a program, by number. Points that hook libraries register themselves
 * come after these. Kept in the user's cache, by the build ids of the program and Kea's libraries.
 *
 * @param bpftrace program and first arguments.
 * @throws {DiscoveryError} without root or bpftrace, or when the names cannot be read.
 */
export async function hookPointsOf(
  program: Program,
  bpftrace: readonly string[] = ["bpftrace"],
): Promise<string[]> {
  const cache = await cachePath(program);
  const known = await Deno.readTextFile(cache).catch(() => null);
  if (known !== null) return known.trim().split("\n");
  const { names, isTrue } = await learn(program, bpftrace);
  // A cache that cannot be written is done without.
  if (isTrue) await keep(cache, names).catch(() => {});
  return names;
}

async function keep(cache: string, names: readonly string[]): Promise<void> {
  await Deno.mkdir(join(cache, ".."), { recursive: true });
  // Renamed into place: a reader never sees half of it.
  const draft = `${cache}.${crypto.randomUUID()}`;
  await Deno.writeTextFile(draft, names.join("\n") + "\n");
  await Deno.rename(draft, cache);
}

/** Parses what the probe prints; a name that is registered twice keeps its first number. */
export function parseHookPoints(text: string): string[] {
  return [...new Set(Array.from(text.matchAll(/^hook point (\w+)$/gm), ([, name]) => name!))];
}

/** @returns the names, and whether they may be believed of every file with these build ids. */
async function learn(
  program: Program,
  bpftrace: readonly string[],
): Promise<{ readonly names: string[]; readonly isTrue: boolean }> {
  if (Deno.uid() !== 0) {
    throw new DiscoveryError("Cannot learn the hook points without root: run it with sudo");
  }
  const { pid, libraries } = program;
  const inRoot = async (file: MappedFile) => ({
    ...file,
    path: pid === null ? file.path : await pathInRoot(file.path, pid),
  });
  const executable = await inRoot(program.executable);
  const found = libraries.find(({ path }) => /\/libkea-hooks\.so/.test(path));
  const library = found && await inRoot(found);
  if (library === undefined) {
    throw new DiscoveryError(
      `Cannot learn the hook points: "${executable.path}" has no libkea-hooks`,
    );
  }
  if (executable.replaced || library.replaced) {
    throw new DiscoveryError(
      "Cannot learn the hook points: the package was replaced under the running server, restart it",
    );
  }
  // bpftrace splits the command at blanks, and a quote would end the path in the program.
  const odd = [executable.path, library.path].find((path) => /[^\w./+~:-]/.test(path));
  if (odd !== undefined) {
    throw new DiscoveryError(
      `Cannot learn the hook points of "${odd}": bpftrace cannot take the path`,
    );
  }
  const root = pid === null ? "" : `/proc/${pid}/root`;
  // By its whole path: bpftrace refuses a name that the PATH finds twice (/bin is /usr/bin).
  const way = pid === null ? null : await wayToRun(pid, executable.path);
  // One that sees other processes than we do is a child of what bpftrace started.
  const isIt = way === null || way.user === "root"
    ? "pid == cpid"
    : "curtask->real_parent->tgid == cpid";
  const probe = `uprobe:"${root}${library.path}":${REGISTER_HOOK} /${isIt}/ ` +
    '{ printf("hook point %s\\n", str(*(uint64*)arg1)); }';
  const asked = [...way?.words ?? [], executable.path, "-v"].join(" ");
  let output: Printed;
  try {
    output = await printedWithin([...bpftrace, "-e", probe, "-c", asked], LIMIT_MS);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new DiscoveryError(
      "Cannot learn the hook points without bpftrace: apt-get install bpftrace",
    );
  }
  const names = parseHookPoints(output.stdout);
  if (names[0] !== "context_create") {
    const words = output.stderr.trim().split("\n").at(-1);
    throw new DiscoveryError(
      `Cannot learn the hook points, context_create should come first, got "${
        names[0] ?? "none"
      }": ${words}`,
    );
  }
  const paths = [executable.path, library.path];
  return { names, isTrue: pid === null || await isTrusted(pid, paths) };
}

async function cachePath({ executable, libraries }: Program): Promise<string> {
  const files = [executable, ...libraries.filter(({ path }) => path.includes("/libkea-"))];
  const ids = files.map(({ buildId }) => buildId).join();
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(ids));
  const home = Deno.env.get("XDG_CACHE_HOME") || join(Deno.env.get("HOME") ?? "/root", ".cache");
  const name = new Uint8Array(digest).toHex().slice(0, 32);
  return join(home, "kea-ebpf-monitoring", "hook-points", name);
}
