/**
 * The summary that a user reads at the end of a run. Pure: document in, text out.
 *
 * @module
 */

import type { Cost, HistogramSeries, MetricsDocument, Series } from "../metrics/document.ts";
import { ledgerRows } from "../metrics/ledger.ts";
import { findings } from "../metrics/findings/findings.ts";
import { titleOf } from "./finding_words.ts";
import {
  bpfShare,
  columns,
  duration,
  longestPart,
  perSecond,
  size,
  threeDigits,
  wrapped,
} from "./format.ts";
import { counters, durationOf, errorName, gauges, histograms } from "./series.ts";
import { busiest, counts, times } from "./summary_tables.ts";
import { TextLines } from "./text_lines.ts";

/** How the summary is drawn. */
export interface SummaryStyle {
  readonly colour: boolean;
}

/** The sections, in order: a title and its rows. A section without rows is left out. */
const SECTIONS: readonly (readonly [string, (document: MetricsDocument) => readonly string[]])[] = [
  ["What is wrong or slow (deno task explain shows evidence and remedies)", worst],
  [
    "Packet processing time (packet_processing_time)",
    times("packet_processing_time", ({ message, answer }) => `${message} -> ${answer}`),
  ],
  [
    "Stages (packet_stage_time)",
    times("packet_stage_time", ({ message, stage }) => `${message} ${stage}`),
  ],
  [
    "Running and waiting (packet_wait_time)",
    times("packet_wait_time", ({ message, cause }) => `${message} ${cause}`),
  ],
  [
    "Wait in the socket (packet_socket_wait)",
    times("packet_socket_wait", ({ message }) => message ?? ""),
  ],
  [
    "Lease allocation (lease_allocation_time)",
    times("lease_allocation_time", ({ message }) => message ?? ""),
  ],
  ["Database (database_query_time)", database],
  [
    "Hook callouts (hook_callout_time)",
    times(
      "hook_callout_time",
      ({ hook_point, library, callout }) =>
        `${hook_point} ${library}${callout === hook_point ? "" : ` ${callout}`}`,
    ),
  ],
  [
    "Decisions of callouts (hook_next_step)",
    counts(
      "hook_next_step",
      "events",
      ({ hook_point, library, next_step }) => `${hook_point} ${library} ${next_step}`,
    ),
  ],
  [
    "Parked packets (packet_parked_time)",
    times("packet_parked_time", ({ hook_point }) => hook_point ?? ""),
  ],
  ["Packets parked at once (parked_packets)", parked],
  [
    "Requests between the partners of a pair (partner_request_time)",
    times("partner_request_time", ({ direction, command }) => `${direction} ${command}`),
  ],
  [
    "Waiting, by the clients' own account (client_waiting_time)",
    times("client_waiting_time", ({ message }) => message ?? ""),
  ],
  [
    "Requests again, before an answer (retransmissions)",
    counts("retransmissions", "packets", ({ message }) => message ?? ""),
  ],
  ["Clients that send most (client_requests)", busiest("client_requests", "client")],
  ["Relays that send most (relay_requests)", busiest("relay_requests", "relay")],
  [
    "Requests again through the same relay (relay_retransmissions)",
    busiest("relay_retransmissions", "relay"),
  ],
  [
    "Processing time by relay (relay_processing_time)",
    times("relay_processing_time", ({ relay }) => relay ?? ""),
  ],
  [
    "Processing time by interface (interface_processing_time)",
    times("interface_processing_time", (labels) => labels["interface"] ?? ""),
  ],
  ["CPU, share of one core (cpu_usage)", cpu],
  ["Memory (memory_usage)", memory],
  ["Host (host_pressure, host_steal_time)", host],
  ["Network (network_traffic)", traffic],
  ["Losses and errors (error_rate)", errors],
  ["Where every packet went", ledger],
];

/** Renders the summary of a document: packets, times, losses, monitoring overhead. */
export function summary(document: MetricsDocument, { colour }: SummaryStyle): string {
  const { server, capture } = document;
  const lines = new TextLines(colour);
  const verdict = capture.verdict === "COMPLETE" ? "green" : "yellow";

  lines.add(
    `Kea ${server.version ?? "?"} DHCPv${server.family ?? "?"} on ${server.host ?? "?"}, ` +
      `pid ${server.pid ?? "?"}`,
    "bold",
  );
  lines.add(
    [
      ...capture.started === null ? [] : [`${capture.started.slice(0, 19).replace("T", " ")} UTC`],
      ...lengthOf(capture),
      ...capture.profile === null ? [] : [`profile ${capture.profile}`],
      capture.verdict,
    ].join(", "),
  );
  for (const [title, rowsOf] of SECTIONS) lines.section(title, rowsOf(document));
  lines.section(slowTitle(document), slow(document));
  lines.section("Monitoring overhead", overhead(document));
  lines.section(
    "Not available",
    [...new Set(capture.not_available.map(({ metric, why }) => `${metric}: ${why}`))]
      .flatMap(wrapped),
  );
  lines.add("");
  lines.add(`Verdict: ${capture.verdict}`, verdict);
  for (const reason of capture.reasons.flatMap(wrapped)) lines.add(`  ${reason}`);
  return lines.toString();
}

/** How long the run was, and how much of it was not watched. */
function lengthOf(
  { duration_seconds, watched_seconds }: MetricsDocument["capture"],
): readonly string[] {
  if (duration_seconds === null) return [];
  const whole = `${duration_seconds.toFixed(1)} s`;
  if (watched_seconds === undefined) return [whole];
  return [`${whole}, ${(duration_seconds - watched_seconds).toFixed(1)} s of it not watched`];
}

function worst(document: MetricsDocument): string[] {
  return findings(document).flatMap((finding, index) => wrapped(titleOf(finding, index)));
}

function ledger({ ledger }: MetricsDocument): string[] {
  if (ledger === undefined) return [];
  const rows = ledgerRows(ledger).map(([what, count, depth]) =>
    ["  ".repeat(depth) + what, count] as const
  );
  const [names, counts] = [0, 1].map((at) => Math.max(...rows.map((row) => row[at]!.length)));
  return rows.map(([what, count]) => `${what.padEnd(names!)}  ${count.padStart(counts!)}`);
}

/** The most slow packets that are shown; the report has more. */
const MOST_SLOW = 10;

function slowTitle({ slow }: MetricsDocument): string {
  return slow === undefined ? "" : `Slow packets, over ${duration(slow.threshold_ns)}`;
}

function slow({ slow }: MetricsDocument): string[] {
  if (slow === undefined) return [];
  if (slow.packets.length === 0) return ["none"];
  const shown = slow.packets.slice(0, MOST_SLOW);
  const hasWaits = shown.some(({ waits }) => waits !== undefined);
  const rows = shown.map((packet) => [
    `${packet.time.slice(11, 23)} ${packet.message}` + (hasWaits ? "" : ` -> ${packet.answer}`),
    duration(packet.duration_ns),
    longestPart(packet.stages),
    ...hasWaits ? [longestPart(packet.waits ?? {})] : [],
    packet.client,
    packet.transaction,
  ]);
  const more = slow.packets.length - rows.length + slow.omitted;
  return [
    ...columns([
      ["", "took", "most of it", ...hasWaits ? ["thread mostly"] : [], "client", "transaction"],
      ...rows,
    ]),
    ...more > 0 ? [`and ${more} more`] : [],
  ];
}

function database(document: MetricsDocument): string[] {
  const nameOf = ({ backend, statement }: Series["labels"]) => `${backend} ${statement}`;
  return [...times("database_query_time", nameOf)(document), ...databaseShare(document)];
}

/** SQL's share of the packets' time: Kea waits for each statement. */
function databaseShare({ totals }: MetricsDocument): string[] {
  const sumOf = (series: readonly HistogramSeries[]) =>
    series.reduce((all, { sum }) => all + Number(sum ?? 0), 0);
  const sql = sumOf(
    histograms(totals, "database_query_time")
      .filter(({ labels }) => labels["backend"] !== "memfile"),
  );
  const packets = sumOf(histograms(totals, "packet_processing_time"));
  if (sql === 0 || packets === 0) return [];
  return [`waiting for SQL: ${threeDigits(100 * sql / packets)} % of the packets' time`];
}

function parked({ totals }: MetricsDocument): string[] {
  const found = gauges(totals, "parked_packets", "packets");
  if (found.length === 0) return [];
  return columns([
    ["", "at the end", "mean", "most"],
    ...found.map(({ labels, value, mean, max }) => [
      labels["hook_point"] ?? "",
      String(value),
      threeDigits(mean),
      String(max),
    ]),
  ]);
}

function cpu({ totals }: MetricsDocument): string[] {
  const ratios = gauges(totals, "cpu_usage", "ratio");
  const spent = new Map(
    counters(totals, "cpu_usage", "seconds").map(({ labels, value }) => [
      `${labels["thread"]} ${labels["mode"]}`,
      Number(value),
    ]),
  );
  const threads = [...new Set(ratios.map(({ labels }) => labels["thread"]!))]
    .filter((thread) => ["user", "system"].some((mode) => spent.get(`${thread} ${mode}`)! > 0));
  if (threads.length === 0) return ratios.length === 0 ? [] : ["idle"];
  const cell = (thread: string, mode: string, of: "mean" | "max") => {
    const series = ratios.find(({ labels }) =>
      labels["thread"] === thread && labels["mode"] === mode
    );
    return series === undefined ? "" : `${(100 * series[of]).toFixed(1)} %`;
  };
  return columns([
    ["", "user", "system", "user max", "system max"],
    ...threads.map((thread) => [
      thread,
      ...(["mean", "max"] as const).flatMap((of) =>
        ["user", "system"].map((mode) => cell(thread, mode, of))
      ),
    ]),
  ]);
}

function memory({ totals }: MetricsDocument): string[] {
  const sizes = gauges(totals, "memory_usage", "bytes")
    .map(({ labels, value }) => `${labels["kind"]} ${size(value)}`);
  const faults = counters(totals, "memory_usage", "faults")
    .map(({ labels, value }) => `${value} ${labels["kind"]}`);
  return [
    ...(sizes.length === 0 ? [] : [sizes.join(", ")]),
    ...(faults.length === 0 ? [] : [`page faults: ${faults.join(", ")}`]),
  ];
}

function host(document: MetricsDocument): string[] {
  const { totals } = document;
  const seconds = durationOf(document);
  const pressures = counters(totals, "host_pressure", "seconds")
    .filter(({ labels }) => labels["kind"] === "some")
    .map(({ labels, value }) => `${labels["resource"]} ${percentOf(Number(value), seconds)}`);
  const [steal] = counters(totals, "host_steal_time", "seconds");
  const [periods] = counters(totals, "cpu_throttled", "periods");
  const [throttled] = counters(totals, "cpu_usage", "seconds")
    .filter(({ labels }) => labels["mode"] === "throttled");
  return [
    ...pressures.length === 0 ? [] : [`tasks waited, share of the time: ${pressures.join(", ")}`],
    ...steal === undefined ? [] : [`steal time: ${duration(1e9 * Number(steal.value))} of CPU`],
    ...periods === undefined || Number(periods.value) === 0 ? [] : [
      `the server was held back by its CPU quota in ${periods.value} periods, ` +
      duration(1e9 * Number(throttled?.value ?? 0)),
    ],
  ];
}

function percentOf(part: number, whole: number | null): string {
  return whole === null || whole === 0 ? "?" : `${threeDigits(100 * part / whole)} %`;
}

function traffic(document: MetricsDocument): string[] {
  const { totals } = document;
  const seconds = durationOf(document);
  const rows = new Map<string, { packets: number; bytes: number }>();
  for (const unit of ["packets", "bytes"] as const) {
    for (const { labels, value } of counters(totals, "network_traffic", unit)) {
      const name = `${labels["direction"]} ${labels["socket"]}`;
      rows.getOrInsertComputed(name, () => ({ packets: 0, bytes: 0 }))[unit] = Number(value);
    }
  }
  return columns(
    [...rows].toSorted().map(([name, { packets, bytes }]) => [
      name,
      `${packets} packet${packets === 1 ? "" : "s"}`,
      `avg ${perSecond(packets, seconds)}/s`,
      size(bytes),
    ]),
  );
}

function errors({ totals }: MetricsDocument): string[] {
  const events = counters(totals, "error_rate", "events");
  if (events.length === 0) return [];
  const rows = events.filter(({ value }) => Number(value) !== 0)
    .map(({ labels, value }) => [String(value), errorName(labels)]);
  const watched = [...new Set(events.map(({ labels }) => labels["kind"]))].join(", ");
  return rows.length === 0 ? [`none (${watched} watched)`] : columns(rows);
}

function overhead(document: MetricsDocument): string[] {
  const { cost } = document.capture;
  if (cost === null) return [];
  const { server_cpu_us_per_packet: server } = cost;
  return [
    ...wrapped(`BPF programs: ${bpfOverhead(cost, durationOf(document))}`),
    ...server === null ? [] : [`Kea itself: ${threeDigits(server)} us of CPU per packet`],
    `Monitor: ${(100 * cost.monitor_cpu_ratio).toFixed(1)} % of one core, ` +
    size(cost.monitor_memory_bytes),
  ];
}

function bpfOverhead(cost: Cost, seconds: number | null): string {
  // System calls of other processes run the programs too, so zero means that they were not counted.
  if (cost.hits === 0) return "not known, the kernel does not count their time";
  const { bpf_us_per_packet: time, hits_per_packet: runs } = cost;
  // The kernel counts the runs for every process of the host, also those that a filter ends at once.
  return `${bpfShare(cost, seconds)}, all processes of the host together; ` +
    (time === null || runs === null
      ? `${cost.hits} runs, no packet came`
      : `${threeDigits(time)} us and ${threeDigits(runs)} runs per packet, ` +
        "including those for the host's other processes");
}
