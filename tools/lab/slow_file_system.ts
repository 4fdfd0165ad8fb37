/**
 * A file system that is slow, and by how much is known: each read and each sync takes a while, and each write to a
 * file that was created in it.
 *
 * @module
 */

import { join } from "node:path";
import { linesOf } from "../../system/lines.ts";
import { compiled } from "./compiled.ts";
import { LabError } from "./lab_error.ts";

/** A mounted one; disposing ends it. */
export interface SlowFileSystem extends AsyncDisposable {
  /** Its files are "0", "1", ..., and those that are created. Every process of root's can open them. */
  readonly folder: string;
  readonly pid: number;
}

/**
 * Mounts a slow file system in a mount namespace of its own, so that nothing stays when it or this process
 * is killed.
 *
 * @param milliseconds how long each takes.
 */
export async function startSlowFileSystem(milliseconds: number): Promise<SlowFileSystem> {
  const program = await compiled("slow_file_system.cc");
  const child = new Deno.Command("setpriv", {
    args: [
      ...["--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private", "--"],
      ...[program, "/mnt", String(milliseconds)],
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const lines = linesOf(child.stdout);
  const errors = new Response(child.stderr).text();
  const first = await lines.next();
  if (first.done) {
    await child.status;
    throw new LabError(`Cannot start the slow file system: ${(await errors).trim()}`);
  }
  return {
    folder: join("/proc", String(child.pid), "root/mnt"),
    pid: child.pid,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await lines.return(undefined);
      await Promise.all([child.status, errors]);
    },
  };
}
