/** What each alert is tested with by promtool: a healthy quarter of an hour, the cause, and health again. */

import { nativeIndex } from "../../../export/prometheus/buckets.ts";

/** How histograms are stored. */
export type Histograms = "classic" | "native";

/** A series of an input, in the notation of promtool. */
export interface InputSeries {
  readonly series: string;
  readonly values: string;
}

/** An alert and its cause. */
export interface RuleCase {
  readonly alert: string;
  /** The labels of the alert beside those of the target and `severity`. */
  readonly labels: Readonly<Record<string, string>>;
  readonly series: (histograms: Histograms) => readonly InputSeries[];
  /** Minutes at which it does not fire: before, and long after. */
  readonly quiet: readonly [before: number, after: number];
  /** Minute at which it fires. */
  readonly fires: number;
}

/** The labels of a target, and the server. */
export const TARGET = { job: "kea", instance: "ns1:10047", site: "north" } as const;
const SERVER = { ...TARGET, server: "dhcp4" };

/** Minutes of health, of the cause, of health. */
const [BEFORE, DURING, AFTER] = [15, 20, 60];
const USUAL = { quiet: [BEFORE - 1, BEFORE + DURING + 30], fires: BEFORE + DURING - 1 } as const;

const name = (metric: string, labels: Readonly<Record<string, string>>) =>
  `${metric}{${Object.entries(labels).map(([key, value]) => `${key}="${value}"`).join(",")}}`;

/** One value per minute: what a minute is like in the three phases. */
function minutes<T>(before: T, during: T, after: T): T[] {
  return [
    ...Array.from({ length: BEFORE }, () => before),
    ...Array.from({ length: DURING }, () => during),
    ...Array.from({ length: AFTER }, () => after),
  ];
}

function gauge(
  metric: string,
  values: readonly (number | "_")[],
  labels: Readonly<Record<string, string>> = {},
): InputSeries {
  return { series: name(metric, { ...SERVER, ...labels }), values: values.join(" ") };
}

/** A counter, from what it counts in each minute. */
function counter(
  metric: string,
  perMinute: readonly number[],
  labels: Readonly<Record<string, string>> = {},
): InputSeries {
  let sum = 0;
  return gauge(metric, perMinute.map((count) => sum += count), labels);
}

/** A histogram of 600 events a minute that take so many seconds each. */
function times(
  metric: string,
  seconds: readonly number[],
  labels: Readonly<Record<string, string>>,
  histograms: Histograms,
): InputSeries[] {
  if (histograms === "native") {
    const [fast, slow] = [Math.min(...seconds), Math.max(...seconds)].map(nativeIndex) as [
      number,
      number,
    ];
    let [count, ofFast] = [0, 0];
    const values = seconds.map((each) => {
      count += 600;
      if (nativeIndex(each) === fast) ofFast += 600;
      const middle = Array.from({ length: slow - fast - 1 }, () => 0);
      const buckets = [ofFast, ...middle, count - ofFast].join(" ");
      return `{{schema:4 sum:${count} count:${count} offset:${fast} buckets:[${buckets}]}}`;
    });
    return [{ series: name(metric, { ...SERVER, ...labels }), values: values.join(" ") }];
  }
  const bounds = ["0.000131072", "0.001048576", "0.033554432", "0.050331648", "0.100663296"];
  return [...bounds, "0.134217728", "+Inf"].map((le) => {
    const bound = le === "+Inf" ? Infinity : Number(le);
    const counts = seconds.map((each) => each <= bound ? 600 : 0);
    return counter(`${metric}_bucket`, counts, { ...labels, le });
  });
}

const PACKETS = counter("kea_ebpf_packets_received_total", minutes(6000, 6000, 6000), {
  socket: "raw",
});

const DISCOVER = { message: "DHCPDISCOVER", answer: "DHCPOFFER" };
const INSERT = { backend: "postgresql", statement: "insert_lease4" };

/** All alerts, each with its cause. */
export const RULE_CASES: readonly RuleCase[] = [
  {
    alert: "KeaDropsBeforeReading",
    labels: { server: "dhcp4" },
    series: () => [
      PACKETS,
      counter("kea_ebpf_kernel_dropped_packets_total", minutes(1, 60, 1), { socket: "raw" }),
    ],
    ...USUAL,
  },
  {
    alert: "KeaSlow",
    labels: { server: "dhcp4", message: "DHCPDISCOVER" },
    series: (histograms) =>
      times(
        "kea_ebpf_packet_processing_seconds",
        minutes(0.0001, 0.13, 0.0001),
        DISCOVER,
        histograms,
      ),
    ...USUAL,
  },
  {
    alert: "KeaUnanswered",
    labels: { server: "dhcp4" },
    series: () => [
      PACKETS,
      counter("kea_ebpf_requests_unanswered_total", minutes(30, 1200, 30), {
        message: "DHCPREQUEST",
      }),
    ],
    ...USUAL,
  },
  {
    alert: "KeaQueue",
    labels: { server: "dhcp4" },
    series: () => [
      gauge("kea_ebpf_socket_queued_bytes", minutes(2000, 150_000, 0), { socket: "raw" }),
    ],
    ...USUAL,
  },
  {
    alert: "KeaSocketWait",
    labels: { server: "dhcp4" },
    series: (histograms) =>
      times(
        "kea_ebpf_packet_socket_wait_seconds",
        minutes(0.0001, 0.13, 0.0001),
        { message: "DHCPDISCOVER" },
        histograms,
      ),
    ...USUAL,
  },
  {
    alert: "KeaDatabaseSlow",
    labels: { server: "dhcp4", ...INSERT },
    series: (histograms) => [
      ...times(
        "kea_ebpf_database_query_seconds",
        minutes(0.001, 0.13, 0.001),
        INSERT,
        histograms,
      ),
      // A cleanup of the lease file takes its time, always.
      ...times(
        "kea_ebpf_database_query_seconds",
        minutes(0.13, 0.13, 0.13),
        { backend: "memfile", statement: "lease_file_cleanup" },
        histograms,
      ),
    ],
    ...USUAL,
  },
  {
    alert: "KeaDatabaseFails",
    labels: { server: "dhcp4", failure: "postgresql insert_lease4: FATAL_ERROR" },
    // One failure, with which the series appears.
    series: () => [
      gauge("kea_ebpf_database_failures_total", minutes<number | "_">("_", 1, 1), {
        failure: "postgresql insert_lease4: FATAL_ERROR",
      }),
    ],
    quiet: [BEFORE - 1, BEFORE + 10],
    fires: BEFORE + 1,
  },
  {
    alert: "KeaLeaseFileFails",
    labels: { server: "dhcp4", operation: "lease_file_write_failed", status: "write" },
    series: () => [
      counter("kea_ebpf_lease_file_failures_total", minutes(0, 5, 0), {
        operation: "lease_file_write_failed",
        status: "write",
      }),
    ],
    ...USUAL,
  },
  {
    alert: "KeaNotWatched",
    labels: { server: "dhcp4" },
    series: () => [
      gauge("kea_ebpf_server_up", minutes(1, 1, 1)),
      gauge("kea_ebpf_watch_complete", minutes(1, 0, 1)),
    ],
    ...USUAL,
  },
  {
    alert: "KeaWatchGaps",
    labels: { server: "dhcp4" },
    series: () => [counter("kea_ebpf_unwatched_seconds_total", minutes(0, 30, 0))],
    quiet: [BEFORE - 1, BEFORE + DURING + 59],
    fires: BEFORE + DURING - 1,
  },
  {
    alert: "KeaMetricLost",
    labels: { server: "dhcp4", metric: "lease_allocation_time" },
    series: () => [
      gauge("kea_ebpf_metric_available", minutes(1, 0, 1), { metric: "lease_allocation_time" }),
      // What was never there is not lost.
      gauge("kea_ebpf_metric_available", minutes(0, 0, 0), { metric: "packet_socket_wait" }),
    ],
    ...USUAL,
  },
  {
    alert: "KeaGone",
    labels: { server: "dhcp4" },
    series: () => [gauge("kea_ebpf_server_up", minutes(1, 0, 1))],
    ...USUAL,
  },
  {
    alert: "KeaAbsent",
    labels: {},
    series: () => [
      { series: name("up", TARGET), values: minutes(1, 1, 1).join(" ") },
      gauge("kea_ebpf_server_up", minutes<number | "_">(1, "_", 1)),
    ],
    quiet: [BEFORE - 1, BEFORE + DURING + 30],
    // A series counts for five minutes more, where no one says that it ended.
    fires: BEFORE + DURING - 1,
  },
  {
    alert: "KeaExporterDown",
    labels: {},
    series: () => [{ series: name("up", TARGET), values: minutes(1, 0, 1).join(" ") }],
    ...USUAL,
  },
];
