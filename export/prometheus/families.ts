/**
 * The metric families of the exporter: their names, types and labels, and which series become them.
 *
 * @module
 */

import type { MetricName } from "../../metrics/metric_names.ts";
import type { Series } from "../../metrics/document.ts";
import type { TimeUnit } from "../../metrics/time_units.ts";

/** What every name begins with. */
export const PREFIX = "kea_ebpf_";

/** A metric family, as Prometheus has it. */
export interface Family {
  /** Without {@linkcode PREFIX}; counters end in `_total`, times in `_seconds`. */
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  /**
   * Upper bounds of a histogram's classic buckets, nanoseconds, where they are not the usual ladder; inclusive,
   * as its values are whole seconds or whole hundredths.
   */
  readonly bounds?: readonly number[];
}

/** A family of values that only go up. */
export function counter(name: string, help: string): Family {
  return { name, type: "counter", help };
}

/** A family of values that go up and down. */
export function gauge(name: string, help: string): Family {
  return { name, type: "gauge", help };
}

/** How series become a family: one metric for one thing. */
interface Source extends Family {
  readonly metric: MetricName;
  /** Labels that the series must have. */
  readonly where?: Readonly<Record<string, string | RegExp>>;
  readonly unit: string;
  /** Our label and its name in Prometheus; labels that are not named here are dropped. */
  readonly labels: Readonly<Record<string, string>>;
}

const histogram = (
  metric: MetricName,
  name: string,
  help: string,
  labels: Readonly<Record<string, string>>,
): Source => ({ metric, name, type: "histogram", help, unit: "ns", labels });

/** One kind of what `error_rate` counts. */
const errors = (
  kind: string | RegExp,
  name: string,
  help: string,
  labels: Readonly<Record<string, string>> = {},
  where: Readonly<Record<string, RegExp>> = {},
): Source => ({
  metric: "error_rate",
  where: { kind, ...where },
  name,
  type: "counter",
  help,
  unit: "events",
  labels,
});

const traffic = (direction: string, unit: "packets" | "bytes", name: string, help: string) => ({
  metric: "network_traffic" as const,
  where: { direction },
  name,
  type: "counter" as const,
  help,
  unit,
  labels: { socket: "socket" },
});

/** Seconds that clients say they have waited: bounds of our buckets of whole seconds. */
const WAITING_BOUNDS = [0, 1, 2, 4, 8, 15, 31, 63, 127, 255, 511, 1023].map((each) => each * 1e9);

/** What clients say in a unit of their own. */
const waiting = (unit: TimeUnit): Source => ({
  ...histogram(
    "client_waiting_time",
    "client_waiting_seconds",
    "Time that clients had waited when they sent a request, by their own account.",
    MESSAGE,
  ),
  unit,
  bounds: WAITING_BOUNDS,
});

const busiest = (who: "client" | "relay", help: string): Source => ({
  metric: `${who}_requests`,
  name: `${who}_requests_total`,
  type: "counter",
  help,
  unit: "packets",
  labels: { [who]: who },
});

const MESSAGE = { message: "message" };
const STATEMENT = { backend: "backend", statement: "statement" };
const CALLOUT = { hook_point: "hook_point", library: "library", callout: "callout" };

/** In the order in which they are exposed. */
export const SOURCES: readonly Source[] = [
  histogram(
    "packet_processing_time",
    "packet_processing_seconds",
    "Time from the system call that received a request to the one that sent its answer.",
    { ...MESSAGE, answer: "answer" },
  ),
  histogram(
    "packet_stage_time",
    "packet_stage_seconds",
    "Time of a request in one stage of its processing.",
    { ...MESSAGE, stage: "packet_stage" },
  ),
  histogram(
    "packet_wait_time",
    "packet_wait_seconds",
    "Time of a request on its thread, by what it waited for; running is the rest.",
    { ...MESSAGE, cause: "cause" },
  ),
  histogram(
    "packet_socket_wait",
    "packet_socket_wait_seconds",
    "Time of a request in the server's socket before it was received.",
    MESSAGE,
  ),
  histogram(
    "packet_parked_time",
    "packet_parked_seconds",
    "Time of a packet that a hook library parked.",
    { hook_point: "hook_point" },
  ),
  waiting("s"),
  waiting("cs"),
  {
    metric: "retransmissions",
    name: "retransmissions_total",
    type: "counter",
    help: "Requests that came again before they were answered.",
    unit: "packets",
    labels: MESSAGE,
  },
  {
    metric: "parked_packets",
    name: "packets_parked",
    type: "gauge",
    help: "Packets that a hook library has parked now.",
    unit: "packets",
    labels: { hook_point: "hook_point" },
  },
  histogram(
    "partner_request_time",
    "partner_request_seconds",
    "Time of a request to the partner of a high-availability pair, or of one from it.",
    { direction: "direction", command: "command" },
  ),
  busiest("client", "Requests of the clients that send most."),
  busiest("relay", "Requests that came from the relays that send most."),
  histogram(
    "relay_processing_time",
    "relay_processing_seconds",
    "Processing time of requests, by the relay nearest to the client.",
    { relay: "relay" },
  ),
  histogram(
    "interface_processing_time",
    "interface_processing_seconds",
    "Processing time of requests, by the interface of the answer.",
    { interface: "interface" },
  ),
  histogram(
    "lease_allocation_time",
    "lease_allocation_seconds",
    "Time of a lease allocation.",
    MESSAGE,
  ),
  histogram("database_query_time", "database_query_seconds", "Time of a query.", STATEMENT),
  histogram("hook_callout_time", "hook_callout_seconds", "Time of a callout.", CALLOUT),
  {
    metric: "database_rows",
    name: "database_rows_total",
    type: "counter",
    help: "Rows that queries returned.",
    unit: "rows",
    labels: STATEMENT,
  },
  {
    metric: "hook_next_step",
    name: "hook_next_steps_total",
    type: "counter",
    help: "What callouts made the server do next.",
    unit: "events",
    labels: { ...CALLOUT, next_step: "next_step" },
  },
  traffic("received", "packets", "packets_received_total", "DHCP packets that Kea received."),
  traffic("received", "bytes", "received_bytes_total", "UDP payload that Kea received."),
  traffic("sent", "packets", "packets_sent_total", "DHCP packets that Kea sent."),
  traffic("sent", "bytes", "sent_bytes_total", "UDP payload that Kea sent."),
  errors(
    "kernel_drop",
    "kernel_dropped_packets_total",
    "Packets that the kernel dropped at Kea's sockets: Kea has no counter for them.",
    { id: "socket" },
  ),
  errors(
    "not_dhcp",
    "not_dhcp_packets_total",
    "Packets to the DHCP port that are not DHCP.",
    { id: "socket" },
  ),
  errors(
    "unanswered",
    "requests_unanswered_total",
    "Requests without an answer for 5 s.",
    { id: "message" },
  ),
  errors(
    "late",
    "requests_answered_late_total",
    "Requests that were answered after they had counted as unanswered.",
    { id: "message" },
  ),
  {
    metric: "pending_requests",
    name: "requests_pending",
    type: "gauge",
    help: "Requests without an answer so far.",
    unit: "requests",
    labels: MESSAGE,
  },
  errors(
    "unmatched_answer",
    "unmatched_answers_total",
    "Answers whose request was not seen.",
    { id: "answer" },
  ),
  errors("send_refused", "sends_refused_total", "Answers that the kernel refused.", {
    id: "answer",
  }),
  errors("exception", "exceptions_total", "C++ exceptions that Kea threw.", { id: "exception" }),
  errors("log", "log_messages_total", "Messages that Kea logged.", {
    severity: "severity",
    id: "id",
  }),
  errors(
    "statistic",
    "statistics_total",
    "What Kea's own counters of refusals counted.",
    { id: "statistic" },
    // Those of a subnet would be a series for each.
    { id: /^(?!subnet\[)/ },
  ),
  errors("database", "database_failures_total", "Queries that failed.", { id: "failure" }),
  errors(
    /^lease_file_(write|cleanup)_failed$/,
    "lease_file_failures_total",
    "Writes and cleanups of the lease file that failed.",
    { kind: "operation", id: "status" },
  ),
  errors(
    "allocation_unfinished",
    "allocations_unfinished_total",
    "Lease allocations that an exception ended.",
  ),
  errors(
    "callout_unfinished",
    "callouts_unfinished_total",
    "Callouts that an exception ended.",
  ),
  {
    metric: "slow_packets_omitted",
    name: "slow_packets_omitted_total",
    type: "counter",
    help: "Slow packets that were not listed.",
    unit: "packets",
    labels: {},
  },
  {
    metric: "cpu_usage",
    where: { thread: "all" },
    name: "server_cpu_seconds_total",
    type: "counter",
    help: "CPU time of the server.",
    unit: "seconds",
    labels: { mode: "mode" },
  },
  // What the whole host did, node_exporter has.
  {
    metric: "cpu_throttled",
    name: "server_throttled_periods_total",
    type: "counter",
    help: "Periods in which the CPU quota of the server's control group was used up.",
    unit: "periods",
    labels: {},
  },
  {
    metric: "memory_usage",
    name: "server_memory_bytes",
    type: "gauge",
    help: "Memory of the server.",
    unit: "bytes",
    labels: { kind: "kind" },
  },
  {
    metric: "memory_usage",
    name: "server_page_faults_total",
    type: "counter",
    help: "Page faults of the server.",
    unit: "faults",
    labels: { kind: "kind" },
  },
];

/** The family of a series; null for one that is not exported. */
export function sourceOf({ metric, labels, unit, kind }: Series): Source | null {
  return SOURCES.find((source) =>
    source.metric === metric && source.unit === unit && source.type === kind &&
    Object.entries(source.where ?? {}).every(([name, value]) =>
      typeof value === "string" ? labels[name] === value : value.test(labels[name] ?? "")
    )
  ) ?? null;
}

/** The labels of a series in its family. */
export function labelsOf(source: Source, series: Series): Record<string, string> {
  return Object.fromEntries(
    Object.entries(source.labels).map(([ours, name]) => [name, series.labels[ours] ?? ""]),
  );
}
