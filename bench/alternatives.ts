/**
 * The alternatives to this monitor, switched on and off in the same Kea process, for comparison.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { basename, dirname, join, relative } from "node:path";
import { keaCommand } from "../discovery/control_channel.ts";
import { describeServer } from "../discovery/servers.ts";
import type { Lab } from "../tools/lab/lab.ts";

/** The alternatives. */
export const ALTERNATIVES = ["perfmon", "debug-log", "strace"] as const;

/** An alternative. */
export type Alternative = typeof ALTERNATIVES[number];

/** This Kea does not have the alternative. */
export class UnavailableError extends Error {
  override name = "UnavailableError";
}

/**
 * Switches an alternative on; disposing switches it off.
 *
 * @throws {UnavailableError} when this Kea does not have it.
 */
export async function withAlternative(lab: Lab, way: Alternative): Promise<AsyncDisposable> {
  switch (way) {
    case "perfmon":
      return await configured(lab, await withPerfmon(lab));
    case "debug-log":
      return await configured(lab, (dhcp) => {
        for (const logger of dhcp.loggers) {
          Object.assign(logger, { severity: "DEBUG", debuglevel: 99 });
        }
      });
    case "strace":
      return await straced(lab);
  }
}

// deno-lint-ignore no-explicit-any -- Kea's own configuration.
type Change = (dhcp: any) => void;

async function configured(lab: Lab, change: Change): Promise<AsyncDisposable> {
  const name = `Dhcp${lab.family}`;
  const configuration = await keaCommand(lab.controlSocket, "config-get") as Record<string, object>;
  const before = configuration[name]!;
  const changed = structuredClone(before);
  change(changed);
  const set = (dhcp: object) => keaCommand(lab.controlSocket, "config-set", { [name]: dhcp });
  await set(changed);
  return {
    [Symbol.asyncDispose]: async () => {
      await set(before);
    },
  };
}

/** Kea's own hook library for times: means per second, available by statistic-get. */
async function withPerfmon({ pid }: Lab): Promise<Change> {
  const { libraries, version } = await describeServer(pid);
  const kea = libraries.find(({ path }) => basename(path).startsWith("libkea-hooks"));
  const inHere = join(dirname(kea?.path ?? "/"), "kea", "hooks", "libdhcp_perfmon.so");
  if (!existsSync(inHere)) {
    throw new UnavailableError(`Kea ${version} has no perfmon`);
  }
  // The path in the server's own root.
  const root = await Deno.readLink(`/proc/${pid}/root`);
  const library = join("/", relative(root, inHere));
  return (dhcp) =>
    dhcp["hooks-libraries"].push({
      library,
      parameters: {
        "enable-monitoring": true,
        "interval-width-secs": 1,
        "stats-mgr-reporting": true,
      },
    });
}

async function straced({ pid, directory }: Lab): Promise<AsyncDisposable> {
  const strace = new Deno.Command("strace", {
    args: ["-c", "-f", "-p", String(pid), "-o", join(directory, "strace")],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  await pause(500);
  return {
    [Symbol.asyncDispose]: async () => {
      strace.kill("SIGINT");
      await strace.status;
    },
  };
}
