/**
 * Which of the processes that call themselves Kea are watched, where they are too many.
 *
 * @module
 */

import { dirname } from "node:path";
import { pathInRoot } from "../../discovery/mapped_files.ts";
import type { RunningKea } from "../../discovery/servers.ts";
import { isGone } from "../../system/proc.ts";
import { run, textOf } from "../../system/run.ts";
import { type ControlGroup, controlGroupOf } from "./control_group.ts";

/** What is known of a process before it is watched. */
export interface Standing {
  /** Whether the user named it: by its process id or its unit. */
  readonly isNamed: boolean;
  /** Whether it runs as root, or root alone can have put it into its service or container. */
  readonly isOfRoot: boolean;
  /** Whether root alone can change its program. */
  readonly isRootsProgram: boolean;
}

/** A process that may be watched. */
export interface Candidate {
  readonly kea: RunningKea;
  /** Where it runs, for its name. */
  readonly place: string;
  readonly rank: Rank;
}

/** 0: the user named it. 1: root started it, and root alone can change its program. 2: it may be an attack. */
export type Rank = 0 | 1 | 2;

/** Longest time for the file's owner, milliseconds: its file system may never answer. */
const STAT_LIMIT_MS = 2000;

/** How many are watched. */
export interface Places {
  /** In all. */
  readonly most: number;
  /** Of those that may be an attack: each one costs a bpftrace. */
  readonly mostDoubtful: number;
}

/** The rank of a process. */
export function rankOf({ isNamed, isOfRoot, isRootsProgram }: Standing): Rank {
  if (isNamed) return 0;
  return isOfRoot && isRootsProgram ? 1 : 2;
}

/**
 * Those that get a place: by rank, and in the order in which they came.
 *
 * @param candidates in that order.
 */
export function placed<T extends Pick<Candidate, "rank">>(
  candidates: Iterable<T>,
  { most, mostDoubtful }: Places,
): T[] {
  let doubtful = 0;
  return [...candidates].toSorted((a, b) => a.rank - b.rank)
    .filter(({ rank }) => rank < 2 || ++doubtful <= mostDoubtful).slice(0, most);
}

/** What is known of a process; null when it has ended. Nothing of it is opened. */
export async function candidateOf(
  kea: RunningKea,
  isNamed: (kea: RunningKea) => boolean,
): Promise<Candidate | null> {
  const group = controlGroupOf(kea.pid);
  if (group === null) return null;
  const isOfRoot = isStartedByRoot(kea.pid, group);
  // Of what a user has started, the program does not matter.
  const isRootsProgram = isOfRoot && await belongsToRoot(kea);
  return {
    kea,
    place: group.name,
    rank: rankOf({ isNamed: isNamed(kea), isOfRoot, isRootsProgram }),
  };
}

/**
 * Whether a process runs as root, or root alone can have put it where it runs. Services such as cron and sshd run what
 * users give them.
 */
export function isStartedByRoot(pid: number, { isOfRoot, unit }: ControlGroup): boolean {
  const isOfUser = unit?.endsWith(".service") === true && isOfLogin(pid);
  return isOfRoot && !isOfUser || runsAsRoot(pid);
}

/** What the kernel shows for a process that no login has started. */
const NO_LOGIN = 2 ** 32 - 1;

/** Whether a login of a user has started a process, see pam_loginuid(8): no user can change that afterwards. */
function isOfLogin(pid: number): boolean {
  try {
    const user = Number(Deno.readTextFileSync(`/proc/${pid}/loginuid`));
    return user !== NO_LOGIN && user !== 0;
  } catch (error) {
    // It has ended, or the kernel has no audit.
    if (isGone(error)) return false;
    throw error;
  }
}

function runsAsRoot(pid: number): boolean {
  try {
    // Not the owner of the folder: a process can make that root.
    return /^Uid:\s+0\s+0\s/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

/** Whether root alone can change the program of a process, and the folders that lead to it. */
async function belongsToRoot({ pid, executable }: RunningKea): Promise<boolean> {
  const path = await pathInRoot(executable, pid).catch(() => null);
  if (path === null || !path.startsWith("/")) return false;
  const folders: string[] = [];
  for (let folder = dirname(path); folder !== "/"; folder = dirname(folder)) folders.push(folder);
  const root = `/proc/${pid}/root`;
  const modes = await Promise.all([
    modesOf(["-L"], [`/proc/${pid}/exe`, `${root}/`]),
    // A link among them would be one that the process has put there: all may write to links.
    folders.length === 0 ? [] : modesOf([], folders.map((folder) => root + folder)),
  ]);
  return modes.every((each) => each !== null && each.every(isRoots));
}

interface Mode {
  readonly user: number;
  readonly bits: number;
}

/** Owners and permissions, read by another process: a file system that does not answer holds up only that one. */
async function modesOf(
  options: readonly string[],
  paths: readonly string[],
): Promise<Mode[] | null> {
  const ran = await run(["stat", ...options, "-c", "%u %a", "--", ...paths], {
    limitMs: STAT_LIMIT_MS,
  });
  if (ran.code !== 0) return null;
  return textOf(ran).trim().split("\n").map((line) => {
    const [user, bits] = line.split(" ");
    return { user: Number(user), bits: parseInt(bits!, 8) };
  });
}

/** In a folder such as /tmp, no one can replace what is root's. */
function isRoots({ user, bits }: Mode): boolean {
  const isSticky = (bits & 0o1000) !== 0;
  return user === 0 && ((bits & 0o022) === 0 || isSticky);
}
