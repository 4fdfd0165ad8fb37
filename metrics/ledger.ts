/**
 * Where every packet went: what the client sent, the kernel dropped, Kea received, refused and
 * answered, and the client got. It adds up, or says how many are unexplained.
 *
 * @module
 */

import type { Traffic } from "./capture.ts";
import type { Ledger, Series } from "./document.ts";
import { receivedCounter, refusalsIn } from "./kea_statistics.ts";
import { messageRank } from "./messages.ts";
import type { MetricName } from "./metric_names.ts";
import { notSeenIn, type Watching } from "./not_seen.ts";

/**
 * Makes the ledger of a run.
 *
 * @param totals the series of the whole run.
 * @param traffic what was sent, and the increase of Kea's own counters; null if not known.
 * @param watching the part of the run that was not watched.
 * @returns null when packets were not watched, and there are no other counts.
 */
export function ledgerOf(
  totals: readonly Series[],
  traffic: Traffic | null,
  watching: Watching = { notWatchedSeconds: 0, pending: 0 },
): Ledger | null {
  const received = counters(totals, "network_traffic", { direction: "received" }, "packets");
  if (received.length === 0 && traffic === null) return null;
  const errors = (kind: string) => counters(totals, "error_rate", { kind });
  const dhcp = sum(received);
  const sendRefused = sum(errors("send_refused"));
  const { answered, matched } = answersIn(totals);
  // Late answers are among the answers.
  const unanswered = sum(errors("unanswered")) - sum(errors("late"));
  const unmatched = sum(errors("unmatched_answer"));
  const noAnswerExpected = Math.max(0, dhcp - matched - unanswered - watching.pending);
  const kernelDropped = sum(errors("kernel_drop"));
  const foreign = sum(errors("not_dhcp"));

  const statistics = traffic?.statistics ?? null;
  const seen = dhcp + foreign;
  // Further packets that Kea counted came while nothing was watched, or were missed.
  const countedByKea = statistics === null ? 0 : statistics[receivedCounter(statistics)] ?? 0;
  const unseenByKea = Math.max(0, countedByKea - seen);
  const read = seen + (watching.notWatchedSeconds > 0 ? 0 : unseenByKea);
  const allAnswers = matched + unmatched - sendRefused;
  let rest = read - noAnswerExpected - allAnswers;
  const refused: Record<string, number> = {};
  const refuse = (reason: string, count: number) => {
    const taken = Math.max(0, Math.min(count, rest));
    rest -= taken;
    if (taken > 0) refused[reason] = taken;
  };
  refuse("send_refused", sendRefused);
  const reasons = statistics === null
    ? [["not_dhcp", foreign] as const]
    : refusalsIn(statistics, seen);
  for (const [reason, count] of reasons) refuse(reason, count);
  const pending = Math.max(0, Math.min(watching.pending, rest));
  rest -= pending;
  // Kea drops some without a counter, such as a DHCPV4_QUERY that no kea-dhcp4 takes.
  refuse("unanswered", unanswered);

  const client = traffic?.client ?? null;
  const base = {
    kernel_dropped: kernelDropped,
    received: read,
    refused,
    ...pending > 0 ? { pending } : {},
    no_answer_expected: noAnswerExpected,
    answered,
  };
  const missing = {
    requests: (client?.sent ?? 0) - kernelDropped - read,
    answers: (client?.received ?? 0) + (client?.dropped ?? 0) - allAnswers,
  };
  const notSeen = notSeenIn(watching, client, missing, unseenByKea);
  const unwatched = notSeen === null ? {} : {
    not_watched_seconds: watching.notWatchedSeconds,
    not_seen: notSeen.requests,
    ...notSeen.answers > 0 ? { answers_not_seen: notSeen.answers } : {},
  };
  if (client === null) {
    return {
      offered: null,
      from_other_clients: null,
      ...base,
      client_dropped: null,
      answered_others: null,
      received_by_client: null,
      // More answers than requests: some requests came before the counts began, or had a second answer.
      ...(rest < 0 ? { requests_not_seen: -rest } : {}),
      ...unwatched,
      // The probes' own counts always add up.
      unexplained: statistics === null ? null : Math.max(0, rest),
    };
  }
  const lostBefore = missing.requests - (notSeen?.requests ?? 0);
  const fromOthers = Math.max(0, -lostBefore);
  const lostBehind = (notSeen?.answers ?? 0) - missing.answers;
  const answeredOthers = Math.max(0, Math.min(lostBehind, fromOthers));
  const ignored = Math.max(0, Math.min(lostBehind - answeredOthers, answered["DHCPNAK"] ?? 0));
  return {
    offered: client.sent,
    from_other_clients: fromOthers,
    ...base,
    client_dropped: client.dropped,
    answered_others: answeredOthers,
    ...ignored > 0 ? { ignored_by_client: ignored } : {},
    received_by_client: client.received,
    ...client.rejected ? { without_lease: client.rejected } : {},
    ...unwatched,
    unexplained: Math.max(0, lostBefore) + Math.abs(rest) +
      Math.abs(lostBehind - answeredOthers - ignored),
  };
}

/**
 * Packets that others counted and the probes should have seen, for people; null if nothing contradicts the
 * probes.
 */
export function contradictionIn(totals: readonly Series[], traffic: Traffic): string | null {
  const seen = sum(counters(totals, "network_traffic", { direction: "received" }, "packets")) +
    sum(counters(totals, "error_rate", { kind: "not_dhcp" }));
  const statistics = traffic.statistics ?? {};
  const counter = receivedCounter(statistics);
  const counted = statistics[counter] ?? 0;
  if (counted > 0 && seen === 0) {
    return `Kea counted ${counted} packets received (${counter}), and the programs saw none of them`;
  }
  const { answered } = answersIn(totals);
  const answers = sum(Object.values(answered));
  const received = traffic.client?.received ?? 0;
  return received <= answers
    ? null
    : `The client received ${received} answers, and the programs saw ${answers} of them`;
}

/** Answers that the kernel accepted, by type, and how many were matched to their requests. */
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
  metric: MetricName,
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

/** The rows of a ledger for people: text, count, and indentation. */
export function ledgerRows(ledger: Ledger): readonly (readonly [string, string, 0 | 1])[] {
  const always = (what: string, count: number | null) =>
    [what, count === null ? "not known" : String(count), 0] as const;
  const known = (what: string, count: number | null, isAlways = false) =>
    count === null || (count === 0 && !isAlways) ? [] : [always(what, count)];
  const parts = (
    words: Readonly<Record<string, string>>,
    counts: Readonly<Record<string, number>>,
  ) =>
    Object.entries(counts).map(([name, count]) =>
      [words[name.replace(/^pkt[46]-/, "")] ?? name, String(count), 1] as const
    );
  const refused = sum(Object.values(ledger.refused));
  const answered = sum(Object.values(ledger.answered));
  const { not_watched_seconds: seconds, not_seen = null, without_lease = 0 } = ledger;
  return [
    ...known("sent by the client", ledger.offered, true),
    ...known("sent by others", ledger.from_other_clients),
    ...known("dropped by the kernel before Kea", ledger.kernel_dropped, true),
    ...seconds === undefined
      ? []
      : [always(`not seen, in ${seconds.toFixed(1)} s not watched`, not_seen)],
    ...known("received by Kea", ledger.received, true),
    ...known("received before it was watched", ledger.requests_not_seen ?? 0),
    ...known("not answered", refused, true),
    ...parts(REASONS, ledger.refused),
    ...known("no answer yet at the end", ledger.pending ?? 0),
    ...known("no answer expected", ledger.no_answer_expected),
    ...known("answered", answered, true),
    ...parts({}, ledger.answered),
    ...known("answers not seen", ledger.answers_not_seen ?? 0),
    ...known("dropped by the client's kernel", ledger.client_dropped),
    ...known("answers to others", ledger.answered_others),
    ...known("DHCPNAK, which perfdhcp does not count", ledger.ignored_by_client ?? 0),
    ...known("received by the client", ledger.received_by_client, true),
    ...without_lease === 0
      ? []
      : [["without an address or a prefix", String(without_lease), 1] as const],
    always("unexplained", ledger.unexplained),
  ];
}

const REASONS: Readonly<Record<string, string>> = {
  send_refused: "the kernel refused Kea's answer",
  packet_queue: "Kea's packet queue was full (Kea has no counter)",
  parse_failed: "malformed (parse-failed)",
  "queue-full": "Kea's packet queue was full (queue-full)",
  duplicate: "a copy of a request under way (duplicate)",
  "rfc-violation": "against the protocol (rfc-violation)",
  "admin-filtered": "dropped by the configuration, as class DROP (admin-filtered)",
  "not-for-us": "for another server (not-for-us)",
  "limit-exceeded": "over a limit of the hook library limits (limit-exceeded)",
  "service-disabled": "Kea's service was disabled (service-disabled)",
  "processing-failed": "an error of Kea's (processing-failed)",
  dropped: "dropped by Kea (receive-drop)",
  no_address: "no address to give (v4-allocation-fail)",
  not_dhcp: "not DHCP",
  unanswered: "reason not known",
};
