#!/usr/bin/env -S deno run -A
/**
 * `deno task lab`: a real Kea and a network namespace for its clients on this machine, removed at the end.
 *
 * @module
 */

import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { newCommand, resolveUserPath, runMain, say } from "../system/command_line.ts";
import { ensureInstalled } from "./install/ensure_installed.ts";
import { CaughtSignals } from "./lab/caught_signals.ts";
import { BACKENDS } from "./lab/database.ts";
import type { HookLibrary } from "./lab/kea_configuration.ts";
import { KEA_OPTION, type KeaChoice, keaChoice } from "./lab/kea_builds.ts";
import { KEA_PACKET_QUEUE, type Lab, startLab } from "./lab/lab.ts";
import { SOCKET_KINDS } from "../metrics/dhcp.ts";

const command = newCommand("lab")
  .description(
    "Start a Kea DHCP server, its database, and an empty client namespace on this machine (root). Run " +
      "a command with their names in KEA_LAB_*, or wait for ^C. Then remove everything.",
  )
  .addOption(
    new Option("--kea <version|folder>", KEA_OPTION).argParser(keaChoice)
      .default("2.2" as KeaChoice),
  )
  .addOption(new Option("--family <number>", "DHCP family").choices(["4", "6"]).default("4"))
  .addOption(
    new Option("--backend <name>", "lease backend").choices(BACKENDS).default("memfile" as const),
  )
  .addOption(
    new Option("--sockets <kind>", "DHCP sockets").choices(SOCKET_KINDS).default("raw" as const),
  )
  .option("--threads <number>", "worker threads, 0 for a single-threaded server", threadCount, 2)
  .option("--hook <path[=json]>", "hook library and its parameters, may be repeated", hook, [])
  .argument("[command...]", "what to run in the lab, after --")
  .showHelpAfterError("(--help shows the options)")
  .addHelpText(
    "after",
    `
Examples:
  deno task lab                                     until ^C
  deno task lab --kea /opt/kea                      a Kea of your own build, meson's --prefix
  deno task lab --threads 0 --sockets udp -- sh -c 'tail -f "$KEA_LAB_LOG"'
  deno task lab -- sh -c 'ip netns exec $KEA_LAB_CLIENT_NETNS perfdhcp -4 -r 50 -n 500 -R 500 \\
    -l $KEA_LAB_CLIENT_INTERFACE $KEA_LAB_SERVER_ADDRESS'
  deno task lab --family 6 -- sh -c 'ip netns exec $KEA_LAB_CLIENT_NETNS perfdhcp -6 -r 50 -n 200 \\
    -W 500000 -l $KEA_LAB_CLIENT_INTERFACE all'`,
  );

/** The environment variables of a lab's command. */
function environmentOf(lab: Lab): Record<string, string> {
  return {
    KEA_LAB_PID: String(lab.pid),
    KEA_LAB_FAMILY: String(lab.family),
    KEA_LAB_CLIENT_NETNS: lab.clientNetns,
    KEA_LAB_CLIENT_INTERFACE: lab.clientInterface,
    KEA_LAB_SERVER_NETNS: lab.serverNetns,
    KEA_LAB_SERVER_INTERFACE: lab.serverInterface,
    KEA_LAB_SERVER_ADDRESS: lab.serverAddress,
    KEA_LAB_CONTROL_SOCKET: lab.controlSocket,
    KEA_LAB_DIRECTORY: lab.directory,
    KEA_LAB_LOG: lab.log,
  };
}

function threadCount(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 64) {
    throw new InvalidArgumentError("Expected a whole number from 0 to 64.");
  }
  return value;
}

function hook(text: string, before: readonly HookLibrary[]): HookLibrary[] {
  const [path, json] = [resolveUserPath(text.replace(/=.*/s, "")), /=(.*)/s.exec(text)?.[1]];
  try {
    return [...before, { path, ...(json === undefined ? {} : { parameters: JSON.parse(json) }) }];
  } catch {
    throw new InvalidArgumentError("Expected JSON after =.");
  }
}

/** Runs a command in the lab and returns its status; without one, waits for a signal. */
async function run(lab: Lab, argv: readonly string[], signals: CaughtSignals): Promise<number> {
  const environment = environmentOf(lab);
  if (argv.length === 0) {
    for (const [name, value] of Object.entries(environment)) console.log(`${name}=${value}`);
    say("Running until ^C");
    await signals.first;
    return 0;
  }
  const child = new Deno.Command("setpriv", {
    // The command ends with the lab, even if that is killed.
    args: ["--pdeathsig", "TERM", "--", ...argv],
    env: environment,
    stdin: "inherit",
  }).spawn();
  signals.forwardTo(child);
  return (await child.status).code;
}

await command.parseAsync(Deno.args, { from: "user" });
const { family, kea, backend, sockets, threads, hook: hooks } = command.opts();
await runMain(async () => {
  await ensureInstalled(backend === "memfile" ? "lab" : "databases", false);
  // No signal may end this process before the lab is removed.
  using signals = new CaughtSignals();
  await using lab = await startLab({
    family: family === "6" ? 6 : 4,
    kea,
    backend,
    sockets,
    threads,
    hooks,
    packetQueue: KEA_PACKET_QUEUE,
  });
  return await run(lab, command.args, signals);
});
