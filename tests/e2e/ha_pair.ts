/** Two servers of Kea's high availability on one machine. */

import { join } from "node:path";
import { keaCommand } from "../../discovery/control_channel.ts";
import { suiteCommand } from "../../tools/lab/debian_suites.ts";
import type { HookLibrary } from "../../tools/lab/kea_configuration.ts";
import { keaBuild, type KeaChoice } from "../../tools/lab/kea_builds.ts";
import type { Lab } from "../../tools/lab/lab.ts";

/** No partner is that slow, whatever else the machine does. */
export const PATIENT_MS = 60_000;

const LIBRARIES = "/usr/lib/x86_64-linux-gnu/kea/hooks";

/**
 * Both libraries that high availability takes, for one of the two servers, which gives the other up
 * when that has not answered for some milliseconds.
 */
export const libraries = (name: "primary" | "partner", givesUpAfter: number) => [
  { path: `${LIBRARIES}/libdhcp_lease_cmds.so` },
  {
    path: `${LIBRARIES}/libdhcp_ha.so`,
    parameters: {
      "high-availability": [{
        "this-server-name": name,
        mode: "hot-standby",
        "heartbeat-delay": 300,
        "max-response-delay": givesUpAfter,
        "multi-threading": { "enable-multi-threading": true, "http-dedicated-listener": true },
        peers: [
          { name: "primary", url: "http://127.0.0.1:8001/", role: "primary" },
          { name: "partner", url: "http://127.0.0.1:8002/", role: "standby" },
        ],
      }],
    },
  },
];

/** How a partner differs from others. */
export interface PartnerOptions {
  readonly kea?: KeaChoice;
  /** More hook libraries. */
  readonly hooks?: readonly HookLibrary[];
}

/** A running partner. */
export interface Partner extends AsyncDisposable {
  readonly pid: number;
}

/** Starts the partner beside a lab's server: it gets every lease, and listens to no client. */
export async function startPartner(
  lab: Lab,
  { kea = "2.2", hooks = [] }: PartnerOptions = {},
): Promise<Partner> {
  const root = `Dhcp${lab.family}`;
  const { [root]: server } = JSON.parse(await Deno.readTextFile(join(lab.directory, "kea.json")));
  const folder = join(lab.directory, "partner");
  await Deno.mkdir(folder, { mode: 0o750 });
  const socket = { "socket-type": "unix", "socket-name": partnerSocket(lab) };
  Object.assign(server, {
    "interfaces-config": { interfaces: [] },
    ..."control-sockets" in server ? { "control-sockets": [socket] } : { "control-socket": socket },
    "lease-database": { type: "memfile", name: join(folder, "leases.csv"), "lfc-interval": 0 },
    "hooks-libraries": [...libraries("partner", PATIENT_MS), ...hooks].map((
      { path, parameters },
    ) => ({
      library: path,
      ...parameters === undefined ? {} : { parameters },
    })),
    loggers: [{
      name: `kea-dhcp${lab.family}`,
      severity: "INFO",
      output_options: [{ output: join(folder, "kea.log") }],
    }],
  });
  await Deno.writeTextFile(join(folder, "kea.json"), JSON.stringify({ [root]: server }));
  const { suite, program, environment } = await keaBuild(kea, lab.family);
  const argv = [program, "-c", join(folder, "kea.json")] as const;
  const child = new Deno.Command("ip", {
    args: [
      ...["netns", "exec", lab.serverNetns, "setpriv", "--pdeathsig", "TERM", "--"],
      ...suite === null ? argv : suiteCommand(suite, argv, [lab.directory]),
    ],
    env: {
      ...{ KEA_PIDFILE_DIR: folder, KEA_LOCKFILE_DIR: folder, KEA_DHCP_DATA_DIR: folder },
      ...{ KEA_LOG_FILE_DIR: folder, KEA_CONTROL_SOCKET_DIR: folder },
      ...environment,
    },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  let hasEnded = false;
  child.status.then(() => hasEnded = true);
  return {
    pid: child.pid,
    [Symbol.asyncDispose]: async () => {
      if (!hasEnded) child.kill("SIGTERM");
      await child.status;
    },
  };
}

/** The partner's control socket. */
export function partnerSocket({ directory }: Lab): string {
  return join(directory, "partner", "control");
}

/** The state of a lab's server in the pair. */
export async function stateOf(lab: Lab): Promise<string> {
  const status = await keaCommand(lab.controlSocket, "status-get") as {
    "high-availability": { "ha-servers": { local: { state: string } } }[];
  };
  return status["high-availability"][0]!["ha-servers"].local.state;
}
