/**
 * The lab's hook library that waits for a known cause in each packet.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { compiled } from "./compiled.ts";
import { ensureSuite } from "./debian_suites.ts";
import { KEAS } from "./kea_builds.ts";
import type { Lab } from "./lab.ts";
import { LabError } from "./lab_error.ts";
import type { Cause } from "../../metrics/waits.ts";

/** Where each Kea looks for hook libraries; since 2.7.9 nowhere else. */
const HOOKS = "usr/lib/x86_64-linux-gnu/kea/hooks";

/** Longest time for the library to prepare itself, milliseconds. */
const LIMIT_MS = 30_000;

/** One wait, as the kernel counted it for the thread, nanoseconds. */
export interface Waited {
  readonly cause: Cause;
  /** From its beginning to its end. */
  readonly real: number;
  readonly running: number;
  readonly runQueue: number;
}

/**
 * Builds the library for a Kea.
 *
 * @returns its path, as that Kea sees it.
 */
export async function waitingHooks(kea: keyof typeof KEAS): Promise<string> {
  const suite = KEAS[kea] === null ? null : await ensureSuite(KEAS[kea]);
  const library = await compiled("waiting_hooks.cc", [
    ...["-shared", "-fPIC", "-Wl,-z,nodelete"],
    `-DKEA_HOOKS_VERSION=${hooksVersion(suite?.versions.kea ?? "2.2.0")}`,
  ]);
  if (suite === null) return library;
  // A folder of its cache: as one of its own libraries.
  const name = "libdhcp_lab_waiting.so";
  const place = join(suite.root, HOOKS, name);
  const draft = `${place}.${crypto.randomUUID()}`;
  await Deno.copyFile(library, draft);
  await Deno.rename(draft, place);
  return join("/", HOOKS, name);
}

/** KEA_HOOKS_VERSION of a Kea: 20603 of "2.6.3-1+deb13u1". */
function hooksVersion(version: string): number {
  const [major, minor, patch] = version.split(/[^0-9]+/).map(Number);
  return 10_000 * major! + 100 * minor! + patch!;
}

/** Says what packets wait for, in turn, and waits until the library is prepared for that. */
export async function waitFor(
  { directory }: Lab,
  causes: readonly Cause[],
  milliseconds: number,
  slowFolder: string,
): Promise<void> {
  // All at once: the library may read at any time.
  const draft = join(directory, "waits.new");
  await Deno.writeTextFile(draft, `${causes.join(",")} ${milliseconds} ${slowFolder}\n`);
  await Deno.rename(draft, join(directory, "waits"));
  const limit = performance.now() + LIMIT_MS;
  while (!existsSync(join(directory, "waited"))) {
    if (performance.now() > limit) throw new LabError("The hook library did not open its files");
    await pause(20);
  }
}

/** What the library waited for, by the kernel's own counts. */
export async function waitedIn({ directory }: Lab): Promise<Waited[]> {
  const text = await Deno.readTextFile(join(directory, "waited"));
  return text.split("\n").filter(Boolean).map((line) => {
    const [cause, ...times] = line.split(" ");
    const [real, running, runQueue] = times.map(Number);
    return { cause: cause as Cause, real: real!, running: running!, runQueue: runQueue! };
  });
}
