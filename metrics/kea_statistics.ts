/**
 * What Kea's own counters say of packets that it did not answer.
 *
 * @module
 */

/** How far Kea's counters grew, by Kea's names. */
export type Statistics = Readonly<Record<string, number>>;

/** The counters of every Kea from 2.2 on; they are asked for one by one where there is no cheaper way. */
export const STATISTICS = [
  "pkt4-received",
  "pkt4-parse-failed",
  "pkt4-receive-drop",
  "v4-allocation-fail",
] as const;

/** Whether a counter says why packets got no answer: Kea 3.1.2 and later have one for each reason. */
function isReason(name: string): boolean {
  return name.startsWith("pkt4-") && !/-(received|sent)$/.test(name) &&
    name !== "pkt4-receive-drop" && name !== "pkt4-parse-failed";
}

/** Whether a counter is one that a ledger may show, known here or not. */
export function isAccounted(name: string): boolean {
  return isReason(name) || STATISTICS.some((known) => known === name);
}

/**
 * Packets that Kea took and did not answer, by reason, in the order in which a ledger believes them.
 * Counters that are not known here keep Kea's names.
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
  // Each of these counts in pkt4-receive-drop, too.
  const counted = named.reduce((sum, [, count]) => sum + count, of("pkt4-parse-failed"));
  return [
    // Read from the socket, and thrown out of the full queue before Kea counts: before 3.1.4 Kea has no counter.
    ["packet_queue", read - of("pkt4-received") - of("pkt4-queue-full")],
    ["parse_failed", of("pkt4-parse-failed")],
    ...named,
    ["dropped", of("pkt4-receive-drop") - counted],
    ["no_address", of("v4-allocation-fail")],
  ];
}
