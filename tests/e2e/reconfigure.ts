/** A lab's server gets another configuration. */

import { join } from "node:path";
import { keaCommand } from "../../discovery/control_channel.ts";
import type { Lab } from "../../tools/lab/lab.ts";

/** Changes Kea's own configuration, as far as a test does. */
// deno-lint-ignore no-explicit-any -- any part of it.
export type Change = (dhcp: any) => unknown;

/** Changes what a server runs with. */
export async function reconfigure(
  lab: Pick<Lab, "family" | "controlSocket">,
  change: Change,
): Promise<void> {
  const name = `Dhcp${lab.family}`;
  const { [name]: dhcp } = await keaCommand(lab.controlSocket, "config-get") as Record<
    string,
    object
  >;
  await change(dhcp);
  await keaCommand(lab.controlSocket, "config-set", { [name]: dhcp });
}

/** Changes the file that a server was started with. */
export async function editFile(
  { family, directory }: Pick<Lab, "family" | "directory">,
  change: Change,
): Promise<void> {
  const path = join(directory, "kea.json");
  const json = JSON.parse(await Deno.readTextFile(path));
  await change(json[`Dhcp${family}`]);
  await Deno.writeTextFile(path, JSON.stringify(json));
}
