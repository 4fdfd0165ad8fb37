/**
 * With which system call a server takes packets from its raw sockets: `read` in Kea 2.2, `recvmsg` in
 * later ones, which ask for the kernel's time stamp too. Read from the code that runs, not guessed
 * from the version.
 *
 * @module
 */

import { callsOf } from "./call_sites.ts";
import { codeOfFunctions } from "./code.ts";
import { DiscoveryError } from "./discovery_error.ts";
import { exportedFunctions } from "./elf.ts";
import { FileCache } from "./file_cache.ts";
import type { MappedFile, Server } from "./types.ts";

/** A system call that receives. */
export type ReceiveCall = "read" | "recvmsg";

/** `isc::dhcp::PktFilterLPF::receive(Iface&, SocketInfo const&)`. */
const RECEIVE = "_ZN3isc4dhcp12PktFilterLPF7receiveERNS0_5IfaceERKNS0_10SocketInfoE";

const known = new FileCache<ReceiveCall>();

/**
 * Finds the call.
 *
 * @throws {DiscoveryError} when the server has no such function, or it calls neither.
 */
export async function receiveCall({ libraries }: Pick<Server, "libraries">): Promise<ReceiveCall> {
  const library = libraries.find(({ path }) => /\/libkea-dhcp(\+\+)?\.so/.test(path));
  if (library === undefined) {
    throw new DiscoveryError("Cannot tell how the server receives: it maps no libkea-dhcp");
  }
  return await known.of(library.pinnedPath, () => callIn(library));
}

async function callIn(library: MappedFile): Promise<ReceiveCall> {
  const functions = await exportedFunctions(library.pinnedPath);
  const receive = functions.find(({ name }) => name === RECEIVE);
  if (receive === undefined) {
    throw new DiscoveryError(
      "Cannot tell how the server receives: libkea-dhcp has no PktFilterLPF::receive",
    );
  }
  const bounds = { start: receive.address, end: receive.address + receive.size };
  const code = await codeOfFunctions(library, [bounds]);
  for (const call of ["recvmsg", "read"] as const) {
    if (callsOf(code, call).length > 0) return call;
  }
  throw new DiscoveryError(
    "Cannot tell how the server receives: PktFilterLPF::receive calls neither read nor recvmsg",
  );
}
