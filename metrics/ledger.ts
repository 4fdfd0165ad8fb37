/**
 * Where every packet went: what the client sent, the kernel dropped, Kea received, refused and
 * answered, and the client got. It adds up, or says how many are unexplained.
 *
 * @module
 */

import type { Traffic } from "./capture.ts";
import type { Ledger, Series } from "./document.ts";
import { messageRank } from "./messages.ts";

/**
 * Kea's own counters that tell why it did not answer (Kea 2.2 and later); a few of them, because
 * asking for all of them is dear on a server with many subnets.
 */
export const STATISTICS = [
  "pkt4-received",
  "pkt4-parse-failed",
  "pkt4-receive-drop",
  "v4-allocation-fail",
] as const;

/**
 * Draws up the ledger of a run.
 *
 * @param totals the series of the whole run.
 * @param traffic what was sent, and how far Kea's own counters went on; null where nobody knows.
 * @returns null when no packet was looked for.
 */
export function ledgerOf(totals: readonly Series[], traffic: Traffic | null): Ledger | null {
  const received = counters(totals, "network_traffic", { direction: "received" }, "packets");
  if (received.length === 0) return null;
  const errors = (kind: string) => counters(totals, "error_rate", { kind });
  const dhcp = sum(received);
  const sendRefused = sum(errors("send_refused"));
  const { answered, matched } = answersIn(totals);
  const unanswered = sum(errors("unanswered"));
  const unmatched = sum(errors("unmatched_answer"));
  const noAnswerWanted = Math.max(0, dhcp - matched - unanswered);
  const kernelDropped = sum(errors("kernel_drop"));
  const foreign = sum(errors("not_dhcp"));

  const statistics = traffic?.statistics ?? null;
  // Kea counts datagrams that are too short for the probes to be looked at.
  const read = Math.max(dhcp + foreign, statistics?.["pkt4-received"] ?? 0);
  const allAnswers = matched + unmatched - sendRefused;
  let rest = read - noAnswerWanted - allAnswers;
  const refused: Record<string, number> = {};
  const refuse = (reason: string, count: number) => {
    const taken = Math.max(0, Math.min(count, rest));
    rest -= taken;
    if (taken > 0) refused[reason] = taken;
  };
  refuse("send_refused", sendRefused);
  if (statistics === null) {
    refuse("not_dhcp", foreign);
    refuse("unanswered", unanswered);
  } else {
    // Read from the socket, and thrown out of the full queue before Kea counts: no counter tells.
    refuse("packet_queue", dhcp + foreign - (statistics["pkt4-received"] ?? 0));
    const parse = statistics["pkt4-parse-failed"] ?? 0;
    refuse("parse_failed", parse);
    refuse("dropped", (statistics["pkt4-receive-drop"] ?? 0) - parse);
    refuse("no_address", statistics["v4-allocation-fail"] ?? 0);
  }

  const client = traffic?.client ?? null;
  const base = {
    kernel_dropped: kernelDropped,
    received: read,
    refused,
    no_answer_wanted: noAnswerWanted,
    answered,
  };
  if (client === null) {
    return {
      offered: null,
      from_others: null,
      ...base,
      client_dropped: null,
      answered_others: null,
      received_by_client: null,
      // More answers than requests: those came before anything was counted, or had a second answer.
      ...(rest < 0 ? { requests_not_seen: -rest } : {}),
      unexplained: Math.max(0, rest),
    };
  }
  const lostBefore = client.sent - kernelDropped - read;
  const fromOthers = Math.max(0, -lostBefore);
  const lostBehind = allAnswers - client.dropped - client.received;
  const answeredOthers = Math.max(0, Math.min(lostBehind, fromOthers));
  return {
    offered: client.sent,
    from_others: fromOthers,
    ...base,
    client_dropped: client.dropped,
    answered_others: answeredOthers,
    received_by_client: client.received,
    unexplained: Math.max(0, lostBefore) + Math.abs(rest) + Math.abs(lostBehind - answeredOthers),
  };
}

/** Answers by type that the kernel took, and how many of all were matched to their requests. */
function answersIn(totals: readonly Series[]): {
  readonly answered: Record<string, number>;
  readonly matched: number;
} {
  const answered: Record<string, number> = {};
  let matched = 0;
  const add = (type: string, count: number) => {
    answered[type] = (answered[type] ?? 0) + count;
  };
  for (const series of totals) {
    const { metric, labels } = series;
    if (metric === "packet_processing_time" && series.kind === "histogram") {
      matched += series.count;
      add(labels["answer"] ?? "unknown", series.count);
    }
    if (metric === "error_rate" && series.kind === "counter") {
      const sign = { unmatched_answer: 1, send_refused: -1 }[labels["kind"] ?? ""] ?? 0;
      add(labels["id"] ?? "unknown", sign * Number(series.value));
    }
  }
  const ranked = Object.entries(answered).filter(([, count]) => count > 0)
    .toSorted(([a], [b]) => messageRank(a) - messageRank(b));
  return { answered: Object.fromEntries(ranked), matched };
}

function counters(
  totals: readonly Series[],
  metric: string,
  labels: Readonly<Record<string, string>>,
  unit?: string,
): number[] {
  return totals.flatMap((series) => {
    const fits = series.kind === "counter" && series.metric === metric &&
      (unit === undefined || series.unit === unit) &&
      Object.entries(labels).every(([name, value]) => series.labels[name] === value);
    return fits ? [Number(series.value)] : [];
  });
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** The rows of a ledger for people: what, how many, and how far it is set in. */
export function ledgerRows(ledger: Ledger): readonly (readonly [string, number, 0 | 1])[] {
  const known = (what: string, count: number | null, isAlways = false) =>
    count === null || (count === 0 && !isAlways) ? [] : [[what, count, 0] as const];
  const parts = (
    words: Readonly<Record<string, string>>,
    counts: Readonly<Record<string, number>>,
  ) => Object.entries(counts).map(([name, count]) => [words[name] ?? name, count, 1] as const);
  const refused = sum(Object.values(ledger.refused));
  const answered = sum(Object.values(ledger.answered));
  return [
    ...known("sent by the client", ledger.offered, true),
    ...known("sent by others", ledger.from_others),
    ...known("dropped by the kernel before Kea", ledger.kernel_dropped, true),
    ...known("received by Kea", ledger.received, true),
    ...known("received before it was watched", ledger.requests_not_seen ?? 0),
    ...known("not answered", refused, true),
    ...parts(REASONS, ledger.refused),
    ...known("answer not wanted", ledger.no_answer_wanted),
    ...known("answered", answered, true),
    ...parts({}, ledger.answered),
    ...known("dropped by the client's kernel", ledger.client_dropped),
    ...known("answers to others", ledger.answered_others),
    ...known("received by the client", ledger.received_by_client, true),
    ["unexplained", ledger.unexplained, 0],
  ];
}

const REASONS: Readonly<Record<string, string>> = {
  send_refused: "the kernel refused Kea's answer",
  packet_queue: "Kea's packet queue was full (no counter tells)",
  parse_failed: "malformed (pkt4-parse-failed)",
  dropped: "dropped by Kea (pkt4-receive-drop)",
  no_address: "no address to give (v4-allocation-fail)",
  not_dhcp: "no DHCP",
  unanswered: "reason not known",
};
