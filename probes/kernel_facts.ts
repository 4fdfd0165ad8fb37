/**
 * What the running kernel offers to see packets by.
 *
 * @module
 */

import type { KernelFacts } from "./plan.ts";
import { isTraced } from "./requirements.ts";

/** Bytes that a socket received and sent, since Linux 6.3, and packets that reach a network device. */
const SOCKET_EVENTS = ["sock/sock_recv_length", "sock/sock_send_length", "net/net_dev_queue"];

/**
 * Reads the facts.
 *
 * @param hasRegisters see `registersOffset()`; without it, which takes a measurement, x86-64 counts as having them.
 */
export function kernelFacts(hasRegisters = Deno.build.arch === "x86_64"): KernelFacts {
  return {
    hasRegisters,
    reportsSockets: SOCKET_EVENTS.every((event) => isTraced(`events/${event}`)),
  };
}
