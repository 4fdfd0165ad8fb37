/**
 * Kea's own counters of packets that it did not answer.
 *
 * @module
 */

import type { Family } from "./dhcp.ts";

/** The increase of Kea's counters, by Kea's names. */
export type Statistics = Readonly<Record<string, number>>;

/**
 * The counters of every Kea from 2.2 on; they are requested one by one if there is no cheaper way. DHCPv6 has one
 * for each type of message: see {@linkcode processed}.
 */
export const STATISTICS: Readonly<Record<Family, readonly string[]>> = {
  4: ["pkt4-received", "pkt4-parse-failed", "pkt4-receive-drop", "v4-allocation-fail"],
  6: [
    ...["received", "parse-failed", "receive-drop"],
    ...[
      ...["solicit", "request", "confirm", "renew", "rebind", "release", "decline", "infrequest"],
      ...["advertise", "reply", "reconfigure", "dhcpv4-query", "dhcpv4-response", "unknown"],
    ].map((type) => `${type}-received`),
  ].map((name) => `pkt6-${name}`),
};

/** A DHCPv6 message by its type, after Kea has parsed it. */
const TYPED = /^pkt6-.+-received$/;

/** Whether a counter is a reason for missing answers: Kea 3.1.2 and later have one for each reason. */
function isReason(name: string): boolean {
  return /^pkt[46]-/.test(name) && !/-(received|sent|receive-drop|parse-failed)$/.test(name);
}

/** Whether a ledger may use a counter, known here or not. */
export function isAccounted(name: string): boolean {
  return isReason(name) || TYPED.test(name) || STATISTICS[4].includes(name) ||
    STATISTICS[6].includes(name);
}

/** The counter of all packets that the server received: statistics are of one server, so of one family. */
export function receivedCounter(statistics: Statistics): string {
  return `pkt${familyOf(statistics)}-received`;
}

function familyOf(statistics: Statistics): Family {
  return statistics["pkt6-received"] === undefined ? 4 : 6;
}

/**
 * Packets that Kea read and did not answer, by reason, in the order in which a ledger uses them. Unknown
 * counters keep Kea's names.
 *
 * @param read packets that were read from the sockets.
 */
export function refusalsIn(
  statistics: Statistics,
  read: number,
): [reason: string, count: number][] {
  const family = familyOf(statistics);
  const of = (name: string) => statistics[name] ?? 0;
  const parseFailed = of(`pkt${family}-parse-failed`);
  const named = Object.keys(statistics).filter(isReason).map((name) =>
    [name, of(name)] as [string, number]
  );
  // Each of these is also counted in the last one.
  const counted = named.reduce((sum, [, count]) => sum + count, parseFailed);
  const countsQueue = statistics[`pkt${family}-queue-full`] !== undefined;
  return [
    ["parse_failed", parseFailed],
    ...named,
    ["dropped", of(`pkt${family}-receive-drop`) - counted],
    // Dropped from the full queue; Kea has a counter for it since 3.1.4.
    ["packet_queue", countsQueue ? 0 : read - processed(statistics)],
    // DHCPv6 has none: a client without an address gets an answer that says so.
    ["no_address", of("v4-allocation-fail")],
  ];
}

/**
 * Packets that a Kea without a counter for its full queue took from that queue. DHCPv4 counts a packet as received
 * then. DHCPv6 has counted it before, but counts each type of message after parsing.
 */
function processed(statistics: Statistics): number {
  if (familyOf(statistics) === 4) return statistics["pkt4-received"] ?? 0;
  return Object.entries(statistics).filter(([name]) => TYPED.test(name))
    .reduce((sum, [, count]) => sum + count, statistics["pkt6-parse-failed"] ?? 0);
}
