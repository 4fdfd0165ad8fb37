/**
 * A metrics document as a person reads it at the end of a run. Pure: document in, text out.
 *
 * @module
 */

import { styleText } from "node:util";
import type { Cost, HistogramSeries, MetricsDocument, Series } from "../metrics/document.ts";
import { ledgerRows } from "../metrics/ledger.ts";
import { messageRank } from "../metrics/messages.ts";
import { printable } from "../system/printable.ts";
import { durationOf } from "./series.ts";

/** How the summary is drawn. */
export interface SummaryStyle {
  readonly colour: boolean;
}

/** Columns of the summary; only names that are longer make it wider. */
const WIDTH = 80;

/** Renders the summary of a document: what came, how long it took, what was lost, what looking cost. */
export function summary(document: MetricsDocument, { colour }: SummaryStyle): string {
  const { server, capture, totals } = document;
  const seconds = durationOf(document);
  const lines: string[] = [];
  // Colour comes last, so that no name in the document can bring its own.
  const add = (text: string, style?: "bold" | "green" | "yellow") => {
    const shown = printable(text);
    lines.push(
      colour && style !== undefined ? styleText(style, shown, { validateStream: false }) : shown,
    );
  };
  const section = (title: string, rows: readonly string[]) => {
    if (rows.length === 0) return;
    add("");
    add(title, "bold");
    for (const row of rows) add(`  ${row}`);
  };
  const verdict = capture.verdict === "COMPLETE" ? "green" : "yellow";

  add(
    `Kea ${server.version ?? "?"} DHCPv${server.family ?? "?"} on ${server.host ?? "?"}, ` +
      `pid ${server.pid ?? "?"}`,
    "bold",
  );
  add(
    [
      ...capture.started === null ? [] : [`${capture.started.slice(0, 19).replace("T", " ")} UTC`],
      ...lengthOf(capture),
      ...capture.profile === null ? [] : [`profile ${capture.profile}`],
      capture.verdict,
    ].join(", "),
  );
  section(
    "Packet processing time (packet_processing_time)",
    times(
      totals,
      "packet_processing_time",
      seconds,
      ({ message, answer }) => `${message} -> ${answer}`,
    ),
  );
  section(
    "Stages of it (packet_stage_time)",
    times(totals, "packet_stage_time", seconds, ({ message, stage }) => `${message} ${stage}`),
  );
  section(
    "Wait in the socket before it (packet_socket_wait)",
    times(totals, "packet_socket_wait", seconds, ({ message }) => message ?? ""),
  );
  section(
    "Lease allocation (lease_allocation_time)",
    times(totals, "lease_allocation_time", seconds, ({ message }) => message ?? ""),
  );
  section("Database (database_query_time)", [
    ...times(
      totals,
      "database_query_time",
      seconds,
      ({ backend, statement }) => `${backend} ${statement}`,
    ),
    ...databaseShare(totals),
  ]);
  section(
    "Hook callouts (hook_callout_time)",
    times(
      totals,
      "hook_callout_time",
      seconds,
      ({ hook_point, library, callout }) =>
        `${hook_point} ${library}${callout === hook_point ? "" : ` ${callout}`}`,
    ),
  );
  section("What they decided (hook_next_step)", decisions(totals, seconds));
  section(
    "Parked packets (packet_parked_time)",
    times(totals, "packet_parked_time", seconds, ({ hook_point }) => hook_point ?? ""),
  );
  section("CPU, share of one core (cpu_usage)", cpu(totals));
  section("Memory (memory_usage)", memory(totals));
  section("Network (network_traffic)", traffic(totals, seconds));
  section("Losses and errors (error_rate)", errors(totals));
  section("Where every packet went", ledger(document));
  section(slowTitle(document), slow(document));
  section("What looking cost", cost(document));
  section(
    "Not available",
    [...new Set(capture.not_available.map(({ metric, why }) => `${metric}: ${why}`))]
      .flatMap(wrapped),
  );
  add("");
  add(`Verdict: ${capture.verdict}`, verdict);
  for (const reason of capture.reasons.flatMap(wrapped)) add(`  ${reason}`);
  return lines.join("\n") + "\n";
}

/** How long it took, and how much of that was not watched. */
function lengthOf(
  { duration_seconds, watched_seconds }: MetricsDocument["capture"],
): readonly string[] {
  if (duration_seconds === null) return [];
  const whole = `${duration_seconds.toFixed(1)} s`;
  if (watched_seconds === undefined) return [whole];
  return [`${whole}, ${(duration_seconds - watched_seconds).toFixed(1)} s of it not watched`];
}

function ledger({ ledger }: MetricsDocument): string[] {
  if (ledger === undefined) return [];
  const rows = ledgerRows(ledger).map(([what, count, depth]) =>
    ["  ".repeat(depth) + what, count] as const
  );
  const [names, counts] = [0, 1].map((at) => Math.max(...rows.map((row) => row[at]!.length)));
  return rows.map(([what, count]) => `${what.padEnd(names!)}  ${count.padStart(counts!)}`);
}

/** A time with a unit that a person uses, three digits. */
export function duration(nanoseconds: number): string {
  const units: readonly [number, string][] = [[1e9, "s"], [1e6, "ms"], [1e3, "us"], [1, "ns"]];
  const [size, unit] = units.find(([size]) => nanoseconds >= 0.9995 * size) ?? [1, "ns"];
  return `${three(nanoseconds / size)} ${unit}`;
}

/** Bytes with a binary prefix, three digits. */
export function size(bytes: number): string {
  const units: readonly [number, string][] = [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]];
  const [unit, name] = units.find(([unit]) => bytes >= unit) ?? [1, "B"];
  return `${unit === 1 ? bytes : three(bytes / unit)} ${name}`;
}

function three(value: number): string {
  return value >= 99.95 ? value.toFixed(0) : value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}

/** A rate in the mean of the whole run, its idle seconds, too. */
function perSecond(count: number, seconds: number | null): string {
  return seconds === null ? "?" : three(count / seconds);
}

/** As many slow packets are shown; the report has more of them. */
const MOST_SLOW = 10;

function slowTitle({ slow }: MetricsDocument): string {
  return slow === undefined ? "" : `Slow packets, over ${duration(slow.threshold_ns)}`;
}

function slow({ slow }: MetricsDocument): string[] {
  if (slow === undefined) return [];
  if (slow.packets.length === 0) return ["none"];
  const rows = slow.packets.slice(0, MOST_SLOW).map((packet) => [
    `${packet.time.slice(11, 23)} ${packet.message} -> ${packet.answer}`,
    duration(packet.duration_ns),
    longestStage(packet.stages),
    packet.client,
    packet.transaction,
  ]);
  const more = slow.packets.length - rows.length + slow.left_out;
  return [
    ...columns([["", "took", "most of it", "client", "transaction"], ...rows]),
    ...more > 0 ? [`and ${more} more`] : [],
  ];
}

/** The stage that took most of a packet's time. */
export function longestStage(stages: Readonly<Record<string, number>>): string {
  const [longest] = Object.entries(stages).toSorted(([, a], [, b]) => b - a);
  return longest === undefined ? "" : `${longest[0]} ${duration(longest[1])}`;
}

/** How much of the packets' time SQL takes: Kea waits for each statement. */
function databaseShare(totals: readonly Series[]): string[] {
  const sumOf = (metric: string, isMeant: (series: HistogramSeries) => boolean) =>
    totals.filter((series): series is HistogramSeries =>
      series.metric === metric && series.kind === "histogram" && isMeant(series)
    ).reduce((sum, series) => sum + Number(series.sum ?? 0), 0);
  const sql = sumOf("database_query_time", ({ labels }) => labels["backend"] !== "memfile");
  const packets = sumOf("packet_processing_time", () => true);
  if (sql === 0 || packets === 0) return [];
  return [`waiting for SQL: ${three(100 * sql / packets)} % of the packets' time`];
}

function decisions(totals: readonly Series[], seconds: number | null): string[] {
  const rows = totals.flatMap((series) => {
    if (series.metric !== "hook_next_step" || series.kind !== "counter") return [];
    const { hook_point, library, next_step } = series.labels;
    const count = Number(series.value);
    return [[`${hook_point} ${library} ${next_step}`, String(count), perSecond(count, seconds)]];
  });
  return rows.length === 0 ? [] : columns([["", "count", "avg/s"], ...rows]);
}

function times(
  totals: readonly Series[],
  metric: string,
  seconds: number | null,
  nameOf: (labels: Series["labels"]) => string,
): string[] {
  const found = totals.filter((series): series is HistogramSeries =>
    series.metric === metric && series.kind === "histogram"
  ).toSorted(inOrder);
  if (found.length === 0) return [];
  const at = (series: HistogramSeries, q: number) =>
    duration(series.quantiles.find((quantile) => quantile.q === q)!.value);
  const rows = found.map((series) => [
    nameOf(series.labels),
    String(series.count),
    perSecond(series.count, seconds),
    at(series, 0.5),
    at(series, 0.95),
    at(series, 0.99),
    (series.exact ? "" : "<") + duration(series.max),
  ]);
  return columns([["", "count", "avg/s", "p50", "p95", "p99", "max"], ...rows]);
}

/** The stages of a packet in the order of time. */
const STAGES = [
  ...["queue", "parse", "select", "before", "allocate", "commit", "pack", "send", "after", "other"],
];

/** Messages in the order of an exchange, their stages in the order of time. */
export function inOrder({ labels: a }: HistogramSeries, { labels: b }: HistogramSeries): number {
  const rank = (message = "") => Math.min(messageRank(message), 255);
  return rank(a["message"]) - rank(b["message"]) || rank(a["answer"]) - rank(b["answer"]) ||
    STAGES.indexOf(a["stage"] ?? "") - STAGES.indexOf(b["stage"] ?? "");
}

function cpu(totals: readonly Series[]): string[] {
  const ratios = totals.filter((series) =>
    series.metric === "cpu_usage" && series.kind === "gauge"
  );
  const spent = new Map(
    totals.filter((series) => series.metric === "cpu_usage" && series.kind === "counter")
      .map((series) => [
        `${series.labels["thread"]} ${series.labels["mode"]}`,
        series.kind === "counter" ? Number(series.value) : 0,
      ]),
  );
  const threads = [...new Set(ratios.map(({ labels }) => labels["thread"]!))]
    .filter((thread) => ["user", "system"].some((mode) => spent.get(`${thread} ${mode}`)! > 0));
  if (threads.length === 0) return ratios.length === 0 ? [] : ["idle"];
  const cell = (thread: string, mode: string, of: "mean" | "max") => {
    const series = ratios.find(({ labels }) =>
      labels["thread"] === thread && labels["mode"] === mode
    );
    return series?.kind === "gauge" ? `${(100 * series[of]).toFixed(1)} %` : "";
  };
  return columns([
    ["", "user", "system", "user max", "system max"],
    ...threads.map((thread) => [
      thread,
      cell(thread, "user", "mean"),
      cell(thread, "system", "mean"),
      cell(thread, "user", "max"),
      cell(thread, "system", "max"),
    ]),
  ]);
}

function memory(totals: readonly Series[]): string[] {
  const memory = totals.filter(({ metric }) => metric === "memory_usage");
  const sizes = memory.flatMap((series) =>
    series.kind === "gauge" ? [`${series.labels["kind"]} ${size(series.value)}`] : []
  );
  const faults = memory.flatMap((series) =>
    series.kind === "counter" ? [`${series.value} ${series.labels["kind"]}`] : []
  );
  return [
    ...(sizes.length === 0 ? [] : [sizes.join(", ")]),
    ...(faults.length === 0 ? [] : [`page faults: ${faults.join(", ")}`]),
  ];
}

function traffic(totals: readonly Series[], seconds: number | null): string[] {
  const rows = new Map<string, { packets: number; bytes: number }>();
  for (const series of totals) {
    if (series.metric !== "network_traffic" || series.kind !== "counter") continue;
    const name = `${series.labels["direction"]} ${series.labels["socket"]}`;
    const row = rows.get(name) ?? { packets: 0, bytes: 0 };
    row[series.unit as "packets" | "bytes"] = Number(series.value);
    rows.set(name, row);
  }
  return columns(
    [...rows].map(([name, { packets, bytes }]) => [
      name,
      `${packets} packet${packets === 1 ? "" : "s"}`,
      `avg ${perSecond(packets, seconds)}/s`,
      size(bytes),
    ]),
  );
}

function errors(totals: readonly Series[]): string[] {
  const counters = totals.filter((series) => series.metric === "error_rate");
  if (counters.length === 0) return [];
  const rows = counters.flatMap((series) => {
    if (series.kind !== "counter" || Number(series.value) === 0) return [];
    const { kind, severity, id } = series.labels;
    return [[String(series.value), [kind, severity, id].filter(Boolean).join(" ")]];
  });
  const watched = [...new Set(counters.map(({ labels }) => labels["kind"]))].join(", ");
  return rows.length === 0 ? [`none (${watched} watched)`] : columns(rows);
}

function cost(document: MetricsDocument): string[] {
  const { cost } = document.capture;
  if (cost === null) return [];
  const { server_cpu_us_per_packet: server } = cost;
  return [
    ...wrapped(`BPF programs: ${priceOf(cost, durationOf(document))}`),
    ...server === null ? [] : [`Kea, to compare: ${three(server)} us of CPU a packet`],
    `Monitor: ${(100 * cost.monitor_cpu_ratio).toFixed(1)} % of one core, ` +
    size(cost.monitor_memory_bytes),
  ];
}

function priceOf(cost: Cost, seconds: number | null): string {
  // System calls of other processes run the programs too, so none at all means that none were counted.
  if (cost.hits === 0) return "not known, the kernel does not count their time";
  const { bpf_us_per_packet: time, hits_per_packet: runs } = cost;
  // The kernel counts the runs for every process of the host, those that a filter ends at once, too.
  return `${bpfShare(cost, seconds)}, all processes of the host together; ` +
    (time === null || runs === null
      ? `${cost.hits} runs, no packet came`
      : `${three(time)} us and ${three(runs)} runs a packet, ` +
        "those for the host's other processes included");
}

/** What the BPF programs took of one core; where nobody knows how long, as time. */
export function bpfShare({ bpf_seconds }: Cost, seconds: number | null): string {
  return seconds === null || seconds === 0
    ? `${duration(bpf_seconds * 1e9)} of CPU`
    : `${three(100 * bpf_seconds / seconds)} % of one core`;
}

/** Pads cells to columns: the first and texts to the left, numbers to the right. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, index) => widths[index] = Math.max(widths[index] ?? 0, cell.length));
  }
  return rows.map((row) =>
    row.map((cell, index) =>
      /^[<\d]/.test(cell) || rows[0]![0] === "" && index > 0
        ? cell.padStart(widths[index]!)
        : cell.padEnd(widths[index]!)
    ).join("  ").trimEnd()
  );
}

/** Breaks a sentence into lines that fit, the later ones indented. */
function wrapped(sentence: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of sentence.split(" ")) {
    if (line !== "" && `  ${line} ${word}`.length > WIDTH) {
      lines.push(line);
      line = `  ${word}`;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
