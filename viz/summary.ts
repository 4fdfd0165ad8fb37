/**
 * A metrics document as a person reads it at the end of a run. Pure: document in, text out.
 *
 * @module
 */

import { styleText } from "node:util";
import type { HistogramSeries, MetricsDocument, Series } from "../metrics/document.ts";

/** How the summary is drawn. */
export interface SummaryStyle {
  readonly colour: boolean;
}

/** Renders the summary of a document, at most 80 columns where names allow. */
export function summary(document: MetricsDocument, { colour }: SummaryStyle): string {
  const { server, capture, totals } = document;
  const bold = (text: string) => colour ? styleText("bold", text, { validateStream: false }) : text;
  const lines = [
    bold(`Kea ${server.version ?? "?"} DHCPv${server.family ?? "?"} on ${server.host ?? "?"}`) +
    `  pid ${server.pid ?? "?"}, ${
      capture.duration_seconds.toFixed(1)
    } s, profile ${capture.profile}`,
  ];
  const section = (title: string, rows: readonly string[]) => {
    if (rows.length > 0) lines.push("", bold(title), ...rows.map((row) => `  ${row}`));
  };
  const seconds = capture.duration_seconds;

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
    "Lease allocation (lease_allocation_time)",
    times(totals, "lease_allocation_time", seconds, ({ message }) => message ?? ""),
  );
  section(
    "Database (database_query_time)",
    times(
      totals,
      "database_query_time",
      seconds,
      ({ backend, statement }) => `${backend} ${statement}`,
    ),
  );
  section("CPU, share of one core (cpu_usage)", cpu(totals));
  section("Memory (memory_usage)", memory(totals));
  section("Network (network_traffic)", traffic(totals, seconds));
  section("Losses and errors (error_rate)", errors(totals));
  section("What looking cost", cost(document));
  section(
    "Not available",
    [...new Set(capture.not_available.map(({ metric, why }) => `${metric}: ${why}`))],
  );

  const verdict = capture.verdict === "COMPLETE" ? "green" : "yellow";
  lines.push(
    "",
    "Verdict: " +
      (colour ? styleText(verdict, capture.verdict, { validateStream: false }) : capture.verdict),
    ...capture.reasons.map((reason) => `  ${reason}`),
  );
  return lines.map(printable).join("\n") + "\n";
}

/** A time with a unit that a person uses, three digits. */
export function duration(nanoseconds: number): string {
  const units: readonly [number, string][] = [[1e9, "s"], [1e6, "ms"], [1e3, "us"], [1, "ns"]];
  const [size, unit] = units.find(([size]) => nanoseconds >= size) ?? [1, "ns"];
  return `${three(nanoseconds / size)} ${unit}`;
}

/** Bytes with a binary prefix, three digits. */
export function size(bytes: number): string {
  const units: readonly [number, string][] = [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]];
  const [unit, name] = units.find(([unit]) => bytes >= unit) ?? [1, "B"];
  return `${three(bytes / unit)} ${name}`;
}

function three(value: number): string {
  return value >= 99.95 ? value.toFixed(0) : value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}

function times(
  totals: readonly Series[],
  metric: string,
  seconds: number,
  nameOf: (labels: Series["labels"]) => string,
): string[] {
  const found = totals.filter((series): series is HistogramSeries =>
    series.metric === metric && series.kind === "histogram"
  );
  if (found.length === 0) return [];
  found.sort((a, b) => rank(nameOf(a.labels)) - rank(nameOf(b.labels)));
  const at = (series: HistogramSeries, q: number) =>
    duration(series.quantiles.find((quantile) => quantile.q === q)!.value);
  const rows = found.map((series) => [
    nameOf(series.labels),
    String(series.count),
    three(series.count / seconds),
    at(series, 0.5),
    at(series, 0.95),
    at(series, 0.99),
    (series.exact ? "" : "<") + duration(series.max),
  ]);
  return columns([["", "count", "per s", "p50", "p95", "p99", "max"], ...rows]);
}

/** Messages in the order of an exchange, their stages in the order of time. */
function rank(name: string): number {
  const order = ["DISCOVER", "SOLICIT", "REQUEST", "before", "allocate", "after"];
  return order.reduce(
    (sum, word, index) => sum + (name.includes(word) ? 10 ** (index > 2 ? 0 : 1) * (index + 1) : 0),
    0,
  ) ||
    Infinity;
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
  const parts = totals.flatMap((series) => {
    if (series.metric !== "memory_usage") return [];
    const kind = series.labels["kind"];
    if (series.kind === "gauge") return [`${kind} ${size(series.value)}`];
    return series.kind === "counter" ? [`${series.value} ${kind} faults`] : [];
  });
  return parts.length === 0 ? [] : [parts.join(", ")];
}

function traffic(totals: readonly Series[], seconds: number): string[] {
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
      `${packets} packets`,
      `${three(packets / seconds)}/s`,
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

function cost({ capture: { cost } }: MetricsDocument): string[] {
  if (cost === null) return [];
  const per = (value: number | null, unit: string) =>
    value === null ? `no packets` : `${three(value)} ${unit} a packet`;
  return [
    `BPF programs: ${per(cost.bpf_us_per_packet, "us")}, ${per(cost.hits_per_packet, "runs")}` +
    (cost.server_cpu_us_per_packet === null
      ? ""
      : ` (Kea: ${three(cost.server_cpu_us_per_packet)} us of CPU)`),
    `Monitor: ${(100 * cost.monitor_cpu_ratio).toFixed(1)} % of one core, ` +
    size(cost.monitor_memory_bytes),
  ];
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

/** Control characters and marks that change the direction of text, made visible. */
function printable(line: string): string {
  // deno-lint-ignore no-control-regex
  return line.replace(
    /(?!\u001b\[\d*m)[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    "?",
  );
}
