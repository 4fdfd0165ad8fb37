/** A disk without room for leases. Needs root. */

import { join } from "node:path";
import type { Lab } from "../../tools/lab/lab.ts";
import { reconfigure } from "./reconfigure.ts";
import { must } from "./run_script.ts";

/** Gives a server a lease file on a full disk: a mount of its own namespace, which ends with the server. */
export async function fullLeaseDisk(lab: Lab): Promise<void> {
  const folder = join(lab.directory, "full");
  await Deno.mkdir(folder);
  const inside = (script: string) =>
    must("nsenter", "--target", String(lab.pid), "--mount", "sh", "-c", script, "sh", folder);
  await inside('mount -t tmpfs -o size=64k tmpfs "$1"');
  await reconfigure(lab, (dhcp) => dhcp["lease-database"].name = join(folder, "leases.csv"));
  await inside('dd if=/dev/zero of="$1/rest" bs=1k 2>&1 || :');
}
