/**
 * How the program of a server is run once more, to ask it something: never with more rights than the
 * server itself has, nor than whoever could have written its file.
 *
 * A process may call itself kea-dhcp4 and be anybody's, and root of a container owns every file in there.
 *
 * @module
 */

import { dirname } from "node:path";
import { isGone } from "./discovery_error.ts";

/** `nobody` of every Linux. */
const NOBODY = 65534;

/** A way to run a program. */
export interface WayToRun {
  /** The words before the program's path, the first a whole path itself. */
  readonly words: readonly string[];
  /** Whose rights it gets: the server's, or nobody's where those of root may be too many. */
  readonly user: "root" | "server" | "nobody";
}

/**
 * How to run a program where a server sees its files.
 *
 * @param pid of the server.
 * @param path of the program, as the server sees it.
 */
export async function wayToRun(pid: number, path: string): Promise<WayToRun> {
  const enter = ["/usr/bin/nsenter", "-t", String(pid), "-m", "-n", "-r"];
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  if (await isRootHere(pid, status) && await isRootsAlone(pid, path)) {
    return { words: [...enter, "--"], user: "root" };
  }
  const uid = number(status, "Uid", 10);
  const [user, group] = uid === 0n ? [NOBODY, NOBODY] : [uid, number(status, "Gid", 10)];
  return {
    // Without new privileges no file in there makes it root again; it sees no process but those there.
    words: [
      ...["/usr/bin/setpriv", "--no-new-privs", "--", ...enter, "-i", "-u", "-p"],
      ...[`--setuid=${user}`, `--setgid=${group}`, "--"],
    ],
    user: uid === 0n ? "nobody" : "server",
  };
}

/** Whether what a file says of itself is true: root alone can have written it. */
export async function isTrusted(pid: number, paths: readonly string[]): Promise<boolean> {
  const isHere = await isRootHere(pid, await Deno.readTextFile(`/proc/${pid}/status`)) ||
    await hasRootOfThisHost(pid);
  const alone = await Promise.all(paths.map((path) => isRootsAlone(pid, path)));
  return isHere && alone.every((each) => each);
}

/** Whether a process is root with all of root's rights on this host: it needs none of ours. */
async function isRootHere(pid: number, status: string): Promise<boolean> {
  const own = await Deno.readTextFile("/proc/self/status");
  const capabilities = number(own, "CapEff", 16);
  return number(status, "Uid", 10) === 0n && await hasUsersOfThisHost(pid) &&
    (number(status, "CapEff", 16) & capabilities) === capabilities;
}

async function hasRootOfThisHost(pid: number): Promise<boolean> {
  const [root, ours] = await Promise.all([Deno.stat(`/proc/${pid}/root/`), Deno.stat("/")]);
  return root.ino === ours.ino && root.dev === ours.dev && await hasUsersOfThisHost(pid);
}

async function hasUsersOfThisHost(pid: number): Promise<boolean> {
  const [user, own] = await Promise.all(
    [pid, "self"].map((which) => Deno.readLink(`/proc/${which}/ns/user`)),
  );
  return user === own;
}

/** Whether root alone can change a file, or put another in its place. */
async function isRootsAlone(pid: number, path: string): Promise<boolean> {
  try {
    for (let at = path;; at = dirname(at)) {
      const { uid, mode } = await Deno.stat(`/proc/${pid}/root${at}`);
      if (uid !== 0 || (mode! & 0o022) !== 0) return false;
      if (at === "/") return true;
    }
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

/** The first number of a line of /proc/PID/status. */
function number(status: string, name: string, base: 10 | 16): bigint {
  const text = new RegExp(`^${name}:\\t(\\w+)`, "m").exec(status)?.[1] ?? "0";
  return BigInt(base === 16 ? `0x${text}` : text);
}

/** What a program printed until it ended. */
export interface Printed {
  /** Null where it did not end in time. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a child that ended may leave in its pipes, milliseconds. */
const REST_MS = 200;

/**
 * Runs a program and takes what it prints, for some time at most: those that it started may go on, and
 * hold its pipes.
 *
 * @throws {Deno.errors.NotFound} when there is no such program.
 */
export async function printedWithin(
  [command, ...args]: readonly string[],
  limitMs: number,
): Promise<Printed> {
  const child = new Deno.Command(command!, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const text = { stdout: "", stderr: "" };
  const readers = (["stdout", "stderr"] as const).map((stream) => ({
    stream,
    reader: child[stream].pipeThrough(new TextDecoderStream()).getReader(),
  }));
  const reading = Promise.all(readers.map(async ({ stream, reader }) => {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      text[stream] += next.value;
    }
  }));
  let code: number | null = null;
  const timer = setTimeout(() => child.kill("SIGKILL"), limitMs);
  const status = await child.status;
  clearTimeout(timer);
  if (status.signal !== "SIGKILL") code = status.code;
  let rest: ReturnType<typeof setTimeout> | undefined;
  await Promise.race([reading, new Promise((resolve) => rest = setTimeout(resolve, REST_MS))]);
  clearTimeout(rest);
  await Promise.all(readers.map(({ reader }) => reader.cancel()));
  await reading;
  return { code, ...text };
}
