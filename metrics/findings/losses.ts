/**
 * Requests without an answer, by what is known of the reason.
 *
 * @module
 */

import type { Facts } from "./facts.ts";
import { LEAST_LOST, LOST_SHARE } from "./thresholds.ts";

/** Whether so many lost packets of all are a finding. */
export function isLoss(lost: number, all: number, share: number = LOST_SHARE): boolean {
  return all > 0 && lost >= LEAST_LOST && lost >= share * all;
}

/** Packets that Kea read and dropped because its packet queue was full, by its own counters. */
export function droppedFromQueue(facts: Facts): number {
  const refused = facts.document.ledger?.refused ?? {};
  const counted = ["pkt4-queue-full", "pkt6-queue-full"].map((id) =>
    Math.max(refused[id] ?? 0, facts.errors("statistic", { id }))
  );
  return Math.max(...counted) + (refused["packet_queue"] ?? 0);
}

/** Whether it is known how many were dropped from the packet queue. */
export function knowsQueue({ document: { ledger } }: Facts): boolean {
  return ledger !== undefined && ledger.unexplained !== null;
}

/** Requests that no address was left for, by Kea's log and its counters. */
export function withoutAddress(facts: Facts): number {
  // A request may cause several messages, each with another advice.
  const logged = facts.counters("error_rate", { kind: "log" })
    .filter(({ labels }) => /^ALLOC_ENGINE_V[46]_ALLOC_FAIL/.test(labels["id"] ?? ""))
    .map(({ value }) => value);
  return Math.max(
    0,
    ...logged,
    facts.errors("statistic", { id: "v4-allocation-fail" }),
    facts.document.ledger?.refused["no_address"] ?? 0,
  );
}

/** Packets that callouts of hook libraries dropped. */
export function droppedByHooks(facts: Facts): number {
  return facts.total("hook_next_step", { next_step: "drop" });
}

/** Requests without an answer for 5 s, and without a late one. */
export function unanswered(facts: Facts): number {
  return Math.max(0, facts.errors("unanswered") - facts.errors("late"));
}

/** Of those, the ones whose reason is not known. */
export function unexplained(facts: Facts): number {
  return Math.max(
    0,
    unanswered(facts) - droppedFromQueue(facts) - withoutAddress(facts) - droppedByHooks(facts),
  );
}
