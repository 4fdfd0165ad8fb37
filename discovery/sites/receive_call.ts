/**
 * With which system call a server takes packets from its raw sockets: `read` in Kea 2.2, `recvmsg` in
 * later ones, which ask for the kernel's time stamp too. Read from the code that runs; by the version
 * where that is built in a way that does not tell.
 *
 * @module
 */

import { callsOf } from "../code/call_sites.ts";
import { codeOfFunctions } from "../code/decoded_code.ts";
import { DiscoveryError } from "../discovery_error.ts";
import { boundsOf, exportedFunctions } from "../code/elf.ts";
import { FileCache } from "../file_cache.ts";
import type { MappedFile, Server } from "../types.ts";

/** A system call that receives. */
export type ReceiveCall = "read" | "recvmsg";

/** `isc::dhcp::PktFilterLPF::receive(Iface&, SocketInfo const&)`. */
const RECEIVE = "_ZN3isc4dhcp12PktFilterLPF7receiveERNS0_5IfaceERKNS0_10SocketInfoE";

const known = new FileCache<ReceiveCall>();

/**
 * Whether a Kea has the kernel write down when each packet came, for which it takes them with `recvmsg`:
 * 2.5.6 and later do.
 *
 * @param version as Kea prints it; that of a build from git, "3.3.1-git", is the one that it leads to.
 * @returns null where it is no version.
 */
export function asksForArrivals(version: string): boolean | null {
  const numbers = /^(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number);
  if (numbers === undefined) return null;
  const [major, minor, patch] = numbers as [number, number, number];
  return major * 10_000 + minor * 100 + patch >= 20_506;
}

/**
 * Finds the call.
 *
 * @throws {DiscoveryError} when neither the code nor the version tells.
 */
export async function receiveCall(
  { libraries, version }: Pick<Server, "libraries" | "version">,
): Promise<ReceiveCall> {
  const library = libraries.find(({ path }) => /\/libkea-dhcp(\+\+)?\.so/.test(path));
  try {
    if (library === undefined) throw untold("it maps no libkea-dhcp");
    return await known.of(library.pinnedPath, () => callIn(library));
  } catch (error) {
    const asks = asksForArrivals(version);
    if (!(error instanceof DiscoveryError) || asks === null) throw error;
    return asks ? "recvmsg" : "read";
  }
}

function untold(why: string): DiscoveryError {
  return new DiscoveryError(
    `Cannot tell how the server receives, and its version is not known: ${why}`,
  );
}

async function callIn(library: MappedFile): Promise<ReceiveCall> {
  const functions = await exportedFunctions(library.pinnedPath);
  const bounds = boundsOf(functions, RECEIVE);
  if (bounds === undefined) throw untold("libkea-dhcp has no PktFilterLPF::receive");
  const code = await codeOfFunctions(library, [bounds]);
  for (const call of ["recvmsg", "read"] as const) {
    if (callsOf(code, call).length > 0) return call;
  }
  throw untold("PktFilterLPF::receive calls neither read nor recvmsg");
}
