/**
 * The system call with which a server receives packets from raw sockets: `read` in Kea 2.2, `recvmsg` in later
 * versions, which also request the kernel's time stamp. It is read from the code; if the code does not show
 * it, it follows from the version.
 *
 * @module
 */

import { callsOf } from "../code/call_sites.ts";
import { codeOfFunctions } from "../code/decoded_code.ts";
import { DiscoveryError } from "../discovery_error.ts";
import { boundsOf, exportedFunctions } from "../code/elf.ts";
import { factOf } from "../file_facts.ts";
import type { MappedFile, Server } from "../types.ts";

/** A system call that receives. */
export type ReceiveCall = "read" | "recvmsg";

/** `isc::dhcp::PktFilterLPF::receive(Iface&, SocketInfo const&)`. */
const RECEIVE = "_ZN3isc4dhcp12PktFilterLPF7receiveERNS0_5IfaceERKNS0_10SocketInfoE";

/**
 * Whether a Kea requests the kernel's time stamp of each packet, for which it uses `recvmsg`:
 * 2.5.6 and later do.
 *
 * @param version as Kea prints it; a build from git, "3.3.1-git", counts as the version that it leads to.
 * @returns null when it is not a version.
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
 * @throws {DiscoveryError} when neither the code nor the version shows it.
 */
export async function receiveCall(
  { libraries, version }: Pick<Server, "libraries" | "version">,
): Promise<ReceiveCall> {
  const library = libraries.find(({ path }) => /\/libkea-dhcp(\+\+)?\.so/.test(path));
  try {
    if (library === undefined) throw notFound("it maps no libkea-dhcp");
    return await factOf("receiving call", library, callIn);
  } catch (error) {
    const asks = asksForArrivals(version);
    if (!(error instanceof DiscoveryError) || asks === null) throw error;
    return asks ? "recvmsg" : "read";
  }
}

function notFound(why: string): DiscoveryError {
  return new DiscoveryError(
    `Cannot find how the server receives, and its version is not known: ${why}`,
  );
}

async function callIn(library: MappedFile): Promise<ReceiveCall> {
  const functions = await exportedFunctions(library.pinnedPath);
  const bounds = boundsOf(functions, RECEIVE);
  if (bounds === undefined) throw notFound("libkea-dhcp has no PktFilterLPF::receive");
  const code = await codeOfFunctions(library, [bounds]);
  for (const call of ["recvmsg", "read"] as const) {
    if (callsOf(code, call).length > 0) return call;
  }
  throw notFound("PktFilterLPF::receive calls neither read nor recvmsg");
}
