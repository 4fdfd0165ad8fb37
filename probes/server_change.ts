/**
 * Whether a server has changed since the probes were attached: process, sockets, lease file, hook libraries.
 *
 * @module
 */

import { openDescriptors, openPaths } from "../system/descriptors.ts";
import { isGone, isRunning } from "../system/proc.ts";
import { setTimeout as pause } from "node:timers/promises";
import { linkOf, parseMaps } from "../discovery/mapped_files.ts";
import { openSockets } from "../discovery/servers.ts";
import { readProc } from "../system/read_proc.ts";
import type { MappedFile, Server } from "../discovery/types.ts";
import type { Preparation } from "./preparation.ts";

/** Changes of a watched server. */
export type ServerChange = "server ended" | "server changed";

/** How often a server is examined after something about it has changed, before that is trusted to stay. */
const LOOKS = 5;

/** After so many looks it is examined anyway. */
const LOOKS_BETWEEN = 30;

/**
 * Looks again and again whether a server has changed. It is examined only if its descriptors or its memory map look
 * different: a socket is bound some time after it was made, and a lease file gets its first line after it was opened.
 */
export class ChangeWatch {
  readonly #server: Server;
  readonly #preparation: Preparation;
  readonly #examined: Examined = new Map();
  #seen = "";
  #looks = 0;

  constructor(server: Server, preparation: Preparation) {
    this.#server = server;
    this.#preparation = preparation;
  }

  /** As {@linkcode changeOf}. */
  async look(): Promise<ServerChange | null> {
    const { pid, startTicks } = this.#server;
    const seen = await appearanceOf(pid);
    this.#looks = seen === this.#seen ? this.#looks + 1 : 0;
    this.#seen = seen;
    const isSettled = this.#looks > LOOKS && this.#looks % LOOKS_BETWEEN !== 0;
    return isSettled && isRunning(pid, startTicks)
      ? null
      : await changeOf(this.#server, this.#preparation, this.#examined);
  }
}

/** Where its descriptors lead, and what it has mapped; empty for a process that is gone. */
async function appearanceOf(pid: number): Promise<string> {
  try {
    const descriptors = openDescriptors(pid).map((each) => each.join(" "));
    return [...descriptors, await readProc(pid, "maps")].join("\n");
  } catch (error) {
    if (isGone(error)) return "";
    throw error;
  }
}

/** How often each new file of a server was examined. */
type Examined = Map<string, number>;

/** How often a new file is examined: a lease file gets its first line just after it was opened. */
const EXAMINATIONS = 2;

/** The change of a server since the probes were attached, ignoring momentary ones. */
export async function changeOf(
  server: Server,
  preparation: Preparation,
  examined: Examined = new Map(),
): Promise<ServerChange | null> {
  const first = await differenceOf(server, preparation, examined);
  if (first !== "server changed") return first;
  // A lease file is closed before the next is opened.
  await pause(100);
  return await differenceOf(server, preparation, new Map());
}

async function differenceOf(
  server: Server,
  preparation: Preparation,
  examined: Examined,
): Promise<ServerChange | null> {
  const { pid, family, startTicks, leaseFile } = server;
  if (!isRunning(pid, startTicks)) return "server ended";
  try {
    const sockets = await openSockets(pid, family);
    const paths = openPaths(pid);
    const mapped = parseMaps(await readProc(pid, "maps"));
    const isSame = sockets.join() === server.sockets.join() &&
      (leaseFile === null || paths.values().some((path) => path === leaseFile.path)) &&
      !hasLostCode(server, mapped);
    if (!isSame) return "server changed";
    const files = [
      ...newMappings(server, mapped),
      ...leaseFile === null ? paths.entries().map((entry) => entry.join(" ")) : [],
    ];
    const unknown = files.filter((file) => (examined.get(file) ?? 0) < EXAMINATIONS);
    if (unknown.length === 0) return null;
    // What they are is found out where a file system that hangs costs only this server.
    const now = await preparation.describe(pid);
    for (const file of unknown) examined.set(file, (examined.get(file) ?? 0) + 1);
    return isAsBefore(server, now) ? null : "server changed";
  } catch (error) {
    if (isGone(error) || !isRunning(pid, startTicks)) return "server ended";
    throw error;
  }
}

/** What parseMaps() finds. */
type Mapped = ReturnType<typeof parseMaps>[number];

/** A file, and where in memory it is mapped. */
const placeOf = ({ inode, pinnedPath }: MappedFile) => `${inode} ${pinnedPath}`;
const placeIn = (pid: number, mapping: Mapped) => `${mapping.inode} ${linkOf(pid, mapping)}`;

/** Whether a server runs another program, or has a hook library no more, or elsewhere in memory. */
function hasLostCode(
  { pid, executable, libraries, hookLibraries }: Server,
  mapped: readonly Mapped[],
): boolean {
  // The same process, but with another program.
  if (!mapped.some(({ inode }) => inode === executable.inode)) return true;
  const places = new Set(mapped.map((each) => placeIn(pid, each)));
  return libraries.some((file) => hookLibraries.includes(file.path) && !places.has(placeOf(file)));
}

/** What a server has mapped since it was described. */
function newMappings({ pid, executable, libraries }: Server, mapped: readonly Mapped[]): string[] {
  const before = new Set(libraries.map(placeOf));
  return mapped.filter(({ inode }) => inode !== executable.inode).map((each) => placeIn(pid, each))
    .filter((place) => !before.has(place));
}

/** Whether a server has the same lease file and no new hook library. */
function isAsBefore(before: Server, now: Server): boolean {
  const places = new Set(before.libraries.map(placeOf));
  return now.leaseFile?.path === before.leaseFile?.path &&
    now.libraries.every((file) =>
      !now.hookLibraries.includes(file.path) || places.has(placeOf(file))
    );
}

/** Describes a server that is being reconfigured, once it has its sockets again. */
export async function settled(pid: number, { describe }: Preparation): Promise<Server> {
  const limit = performance.now() + 5000;
  const server = await describe(pid);
  while (server.sockets.length === 0 && performance.now() < limit) {
    await pause(200);
    // Describing takes longer, because the server is asked for its configuration. It also reports an end.
    const isDone = await openSockets(pid, server.family)
      .then((sockets) => sockets.length > 0, () => true);
    if (isDone) return await describe(pid);
  }
  return server;
}
