/**
 * The program of a plan for plain bpftrace: to read it, to change it, to run it without this tool.
 *
 * @module
 */

import { join } from "node:path";
import type { Server } from "../discovery/types.ts";
import { ownFolder } from "../system/own_folder.ts";
import { type Bpftrace, BPFTRACE_ENVIRONMENT } from "./bpftrace.ts";
import { prepareIn } from "./prepare.ts";
import type { Profile } from "./programs.ts";

/**
 * Makes the program for a running server. Its first lines say how to run it; the symbol files that they
 * name stay until another program is printed after the server has ended.
 */
export async function printedProgram(
  server: Server,
  profile: Profile,
  bpftrace: Bpftrace,
  intervalMs: number,
): Promise<string> {
  const symbols = await symbolFolder(server.pid);
  // With the links of /proc, not with files that this process holds: it is run later.
  const { rendered } = await prepareIn(symbols, {
    ...{ server, profile, bpftrace, intervalMs },
    slowNs: 0,
    leftOut: new Map(),
  });
  const { family, pid, version } = server;
  const environment = Object.entries({ BCC_SYMFS: symbols, ...BPFTRACE_ENVIRONMENT })
    .filter(([name]) => !name.startsWith("__")).map(([name, value]) => `${name}=${value}`);
  return `/*
Kea ${version} DHCPv${family}, process ${pid}, profile ${profile}. Run it as root while this process lives, until
^C, and convert what it printed:

  ${environment.join(" ")} bpftrace --unsafe -f json program.bt > printed.json
  deno task -q to-json printed.json --pretty

Callouts, MariaDB's statements and the lease manager's operations have addresses for names: deno task
monitor knows their names.
*/

${rendered.program}`;
}

/** An empty folder for a process; those of processes that have ended are removed. */
async function symbolFolder(pid: number): Promise<string> {
  const all = join(ownFolder("cache"), "symbols");
  await Deno.mkdir(all, { recursive: true, mode: 0o700 });
  for (const { name } of [...Deno.readDirSync(all)]) {
    const isRunning = await Deno.stat(`/proc/${name}`).then(() => true, () => false);
    if (!isRunning || name === String(pid)) {
      await Deno.remove(join(all, name), { recursive: true });
    }
  }
  const folder = join(all, String(pid));
  await Deno.mkdir(folder, { mode: 0o700 });
  return folder;
}
