/**
 * The parts of a check, and its results.
 *
 * @module
 */

import type { FoundConfiguration } from "../../discovery/configuration/server_configuration.ts";
import {
  interfacesMeant,
  type MeantInterface,
  type NetworkInterface,
} from "../../discovery/network_addresses.ts";
import type { Server } from "../../discovery/types.ts";
import { runAtNetworkOf } from "../../system/network_namespace.ts";
import { type Ran, run } from "../../system/run.ts";

/** The result of a check. */
export interface CheckResult {
  /**
   * `problem` keeps Kea or the monitor from working; `note` is worth knowing; `skipped` does not apply
   * here; `not_known` could not be decided.
   */
  readonly status: "ok" | "note" | "problem" | "skipped" | "not_known";
  readonly found: string;
  /** The consequence of a problem or note; for `not_known`, the reason. */
  readonly means?: string;
  /** How to fix a problem: a command, if there is one. */
  readonly remedy?: string;
  /** Where the configuration came from, if the check rests on one. */
  readonly restsOn?: FoundConfiguration["from"];
}

/** A verdict and its check. */
export interface Finding extends CheckResult {
  readonly check: string;
}

/** What is known so far; earlier checks find what later ones need. */
export interface Facts {
  /** A process id, `dhcp4`, `dhcp6`, or nothing for the only server. */
  readonly selector: string | undefined;
  /** Network namespace for a test client; null when none may send. */
  readonly probeFrom: string | null;
  /** Whether this process may read others. */
  canLook: boolean;
  server: Server | null;
  configuration: FoundConfiguration | null;
  /** Why there is no configuration. */
  whyNoConfiguration: string;
  interfaces: readonly NetworkInterface[] | null;
  /** Kea's control socket, when it answered. */
  controlSocket: string | null;
}

/** A check. */
export interface Check {
  readonly name: string;
  /** Runs the check; an exception becomes a verdict of its own. */
  readonly look: (facts: Facts) => Promise<CheckResult> | CheckResult;
}

/** All is well. */
export const ok = (found: string): CheckResult => ({ status: "ok", found });

/** Worth knowing, and no fault. */
export const note = (found: string, means: string): CheckResult => ({
  status: "note",
  found,
  means,
});

/** A fault: what was found, its consequence, how to fix it. */
export const problem = (found: string, means: string, remedy: string): CheckResult => ({
  status: "problem",
  found,
  means,
  remedy,
});

/** Nothing to check. */
export const skipped = (found: string): CheckResult => ({ status: "skipped", found });

/** Undecided: what was found, and why it is not enough. */
export const notKnown = (found: string, means: string): CheckResult => ({
  status: "not_known",
  found,
  means,
});

/** A check that needs a running server. */
export function ofServer(
  name: string,
  look: (server: Server, facts: Facts) => Promise<CheckResult> | CheckResult,
): Check {
  return {
    name,
    look: (facts) => facts.server === null ? skipped("no server runs") : look(facts.server, facts),
  };
}

/** A check that needs a readable configuration. */
export function ofConfiguration(
  name: string,
  look: (
    configuration: FoundConfiguration,
    server: Server,
    facts: Facts,
  ) => Promise<CheckResult> | CheckResult,
): Check {
  return ofServer(name, async (server, facts) => {
    const { configuration } = facts;
    if (configuration === null) {
      return notKnown("it needs the configuration", facts.whyNoConfiguration);
    }
    return { ...await look(configuration, server, facts), restsOn: configuration.from };
  });
}

/** The interfaces that a configuration means, whether there are such or not. */
export function meantBy(
  { dhcp }: Pick<FoundConfiguration, "dhcp">,
  { interfaces }: Pick<Facts, "interfaces">,
): MeantInterface[] {
  return interfacesMeant(dhcp["interfaces-config"]?.interfaces ?? [], interfaces ?? []);
}

/** Those of them that are there, as the kernel shows them. */
export function linksOf(
  configuration: Pick<FoundConfiguration, "dhcp">,
  facts: Pick<Facts, "interfaces">,
): NetworkInterface[] {
  const names = meantBy(configuration, facts).map(({ name }) => name);
  return facts.interfaces?.filter(({ name }) => names.includes(name)) ?? [];
}

/** What a program printed. */
interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Longest time for a program of a check, milliseconds. */
const LIMIT_MS = 20_000;

/** What a program printed; null when it is not there. */
export const outputHere = (...command: readonly [string, ...string[]]) =>
  printed(run(command, { limitMs: LIMIT_MS }));

/** The same, in the server's network namespace. */
export const outputAt = ({ pid }: Server, ...command: readonly [string, ...string[]]) =>
  printed(runAtNetworkOf(pid, command, { limitMs: LIMIT_MS }));

async function printed(running: Promise<Ran>): Promise<Output | null> {
  try {
    const { code, stdout, stderr } = await running;
    // nsenter's exit status when there is no such program.
    if (code === 127) return null;
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code: code ?? 1, stdout: text(stdout), stderr: text(stderr) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** A file's text; null when it cannot be read. */
export const textOf = (path: string) => Deno.readTextFile(path).then((text) => text, () => null);
