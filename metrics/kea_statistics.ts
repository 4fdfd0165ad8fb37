/**
 * Kea's own counters of packets that it did not answer.
 *
 * @module
 */

/** The increase of Kea's counters, by Kea's names. */
export type Statistics = Readonly<Record<string, number>>;

/** The counters of every Kea from 2.2 on; they are requested one by one if there is no cheaper way. */
export const STATISTICS = [
  "pkt4-received",
  "pkt4-parse-failed",
  "pkt4-receive-drop",
  "v4-allocation-fail",
] as const;

/** Whether a counter is a reason for missing answers: Kea 3.1.2 and later have one for each reason. */
function isReason(name: string): boolean {
  return name.startsWith("pkt4-") && !/-(received|sent)$/.test(name) &&
    name !== "pkt4-receive-drop" && name !== "pkt4-parse-failed";
}

/** Whether a ledger may show a counter, known here or not. */
export function isAccounted(name: string): boolean {
  return isReason(name) || STATISTICS.some((known) => known === name);
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
  const of = (name: string) => statistics[name] ?? 0;
  const named = Object.keys(statistics).filter(isReason).map((name) =>
    [name, of(name)] as [string, number]
  );
  // Each of these is also counted in pkt4-receive-drop.
  const counted = named.reduce((sum, [, count]) => sum + count, of("pkt4-parse-failed"));
  return [
    // Read from the socket, but dropped from the full queue before Kea counts it; no counter before 3.1.4.
    ["packet_queue", read - of("pkt4-received") - of("pkt4-queue-full")],
    ["parse_failed", of("pkt4-parse-failed")],
    ...named,
    ["dropped", of("pkt4-receive-drop") - counted],
    ["no_address", of("v4-allocation-fail")],
  ];
}
