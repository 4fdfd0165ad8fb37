/**
 * Which Kea a lab runs: this machine's, that of a newer Debian suite, or one that is installed in a folder.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { DiscoveryError } from "../../discovery/discovery_error.ts";
import { installedKea } from "../../discovery/installed_kea.ts";
import { filesOf, installedProgram } from "../../discovery/programs.ts";
import { type Bpftrace, findBpftrace } from "../../probes/bpftrace.ts";
import type { Family } from "../../metrics/dhcp.ts";
import { resolveUserPath } from "../../system/command_line.ts";
import { isRootsAlone } from "../../system/only_ours.ts";
import { ensureSuite, type Suite, suiteCommand, type SuiteName } from "./debian_suites.ts";
import { LabError } from "./lab_error.ts";

/** The Keas of Debian: this machine's, or that of a newer suite in the cache. */
export const KEAS = { "2.2": null, "2.6": "trixie", "newest": "sid" } as const satisfies Readonly<
  Record<string, SuiteName | null>
>;

/** A Kea of Debian, or the absolute path of the folder in which one is installed. */
export type KeaChoice = keyof typeof KEAS | `/${string}`;

/** What `--kea` chooses, for help. */
export const KEA_OPTION =
  `which Kea: ${Object.keys(KEAS).join(", ")} (newer ones come from newer ` +
  "Debian suites), or the folder in which one is installed";

/** Parses `--kea`; a folder is relative to the user's. */
export function keaChoice(text: string): KeaChoice {
  if (text in KEAS) return text as keyof typeof KEAS;
  const folder = resolveUserPath(text);
  try {
    return installedKea(folder).folder as KeaChoice;
  } catch (error) {
    if (!(error instanceof DiscoveryError)) throw error;
    throw new InvalidArgumentError(
      `Expected ${Object.keys(KEAS).join(", ")}, or a folder. ${error.message}.`,
    );
  }
}

/** The bpftrace that comes with a Kea: that of the same Debian suite, or this machine's. */
export async function bpftraceOf(kea: KeaChoice): Promise<Bpftrace> {
  const suite = suiteOf(kea);
  if (suite === null) return await findBpftrace();
  return await findBpftrace(suiteCommand(await ensureSuite(suite), ["bpftrace"]));
}

/** A Kea that can be started. */
export interface KeaBuild {
  /** The suite in which it runs; null for this machine. */
  readonly suite: Suite | null;
  /** Path of the server there. */
  readonly program: string;
  /** Folder with the scripts that make its databases, as this machine sees it. */
  readonly scripts: string;
  /** Whether it has a hook library for each database: until 2.6 these were part of Kea. */
  readonly hasDatabaseHooks: boolean;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Finds a Kea. One in a folder is started only if root alone can change it.
 *
 * @throws {LabError} when it is not there, or others can change it.
 */
export async function keaBuild(kea: KeaChoice, family: Family): Promise<KeaBuild> {
  if (kea.startsWith("/")) return await buildIn(kea, family);
  const name = suiteOf(kea);
  const suite = name === null ? null : await ensureSuite(name);
  const folder = `${suite?.root ?? ""}/usr`;
  const hooks = `${folder}/lib/${Deno.build.arch}-linux-gnu/kea/hooks`;
  return {
    suite,
    program: programPath(`kea-dhcp${family}`),
    scripts: `${folder}/share/kea/scripts`,
    hasDatabaseHooks: existsSync(`${hooks}/libdhcp_pgsql.so`),
    environment: {},
  };
}

async function buildIn(folder: string, family: Family): Promise<KeaBuild> {
  const { servers, hooks } = installedKea(folder);
  const program = servers.get(family);
  if (program === undefined) {
    throw new LabError(`Cannot find kea-dhcp${family} in "${folder}/sbin"`);
  }
  for (const { path } of filesOf(await installedProgram(program, [], hooks?.paths))) {
    if (await isRootsAlone(path)) continue;
    throw new LabError(
      `Cannot start the Kea in "${folder}", users other than root can change ${path}: ` +
        "chown and chmod it and its folders",
    );
  }
  return {
    suite: null,
    program,
    scripts: join(folder, "share", "kea", "scripts"),
    hasDatabaseHooks: hooks?.names.includes("libdhcp_pgsql.so") ?? false,
    // Kea 3 loads hook libraries only from this folder.
    environment: hooks === null ? {} : { KEA_HOOKS_PATH: hooks.folder },
  };
}

function suiteOf(kea: KeaChoice): SuiteName | null {
  return kea in KEAS ? KEAS[kea as keyof typeof KEAS] : null;
}

function programPath(name: string): string {
  const folders = ["/usr/sbin", "/usr/local/sbin", "/usr/bin"];
  const path = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (path === undefined) throw new LabError(`Cannot find ${name}: deno task install`);
  return path;
}
