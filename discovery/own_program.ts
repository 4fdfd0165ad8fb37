/**
 * How the program of a server is run once more, to ask it something: never with more rights than whoever
 * could have written its file.
 *
 * A process may call itself kea-dhcp4 and be anybody's, and root of a container owns every file in there.
 *
 * @module
 */

import { dirname } from "node:path";

/** `nobody` of every Linux. */
const NOBODY = 65534;

/**
 * The words before a program's path that run it where a server sees its files.
 *
 * @param pid of the server.
 * @param path of the program, as the server sees it.
 * @returns a command by its whole path, with its first arguments.
 */
export async function commandToRun(pid: number, path: string): Promise<string[]> {
  const enter = ["/usr/bin/nsenter", "-t", String(pid), "-m", "-n", "-r"];
  if (await isOfThisHost(pid) && await isRootsAlone(path)) return [...enter, "--"];
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const id = (name: string) => {
    const own = Number(new RegExp(`^${name}:\\t(\\d+)`, "m").exec(status)?.[1] ?? 0);
    return own === 0 ? NOBODY : own;
  };
  // Without new privileges no file in there makes it root again.
  return [
    ...["/usr/bin/setpriv", "--no-new-privs", "--", ...enter, "-i", "-u"],
    ...[`--setuid=${id("Uid")}`, `--setgid=${id("Gid")}`, "--"],
  ];
}

/** Whether a process sees the files of this host, and its root is this host's. */
async function isOfThisHost(pid: number): Promise<boolean> {
  const [[root, ours], [user, own]] = await Promise.all([
    Promise.all([Deno.stat(`/proc/${pid}/root/`), Deno.stat("/")]),
    Promise.all([Deno.readLink(`/proc/${pid}/ns/user`), Deno.readLink("/proc/self/ns/user")]),
  ]);
  return root.ino === ours.ino && root.dev === ours.dev && user === own;
}

/** Whether root alone can change a file, or put another in its place. */
async function isRootsAlone(path: string): Promise<boolean> {
  for (let at = await Deno.realPath(path);; at = dirname(at)) {
    const { uid, mode } = await Deno.lstat(at);
    if (uid !== 0 || (mode! & 0o022) !== 0) return false;
    if (at === "/") return true;
  }
}
