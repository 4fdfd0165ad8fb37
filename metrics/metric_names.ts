/**
 * The names of all metrics of our captures; counts of other programs keep their names.
 *
 * @module
 */

/** Grouped: packets, clients, leases, hook libraries, the process, its host, the monitor itself. */
export const METRIC_NAMES = [
  "packet_processing_time",
  "packet_stage_time",
  "packet_wait_time",
  "packet_socket_wait",
  "packet_parked_time",
  "parked_packets",
  "partner_request_time",
  "pending_requests",
  "client_waiting_time",
  "retransmissions",
  "client_requests",
  "relay_requests",
  "relay_retransmissions",
  "relay_processing_time",
  "interface_processing_time",
  "lease_allocation_time",
  "database_query_time",
  "database_rows",
  "hook_callout_time",
  "hook_next_step",
  "network_traffic",
  "error_rate",
  "cpu_usage",
  "memory_usage",
  "cpu_throttled",
  "host_steal_time",
  "host_pressure",
  "slow_packets_omitted",
] as const;

/** The name of a metric. */
export type MetricName = typeof METRIC_NAMES[number];
