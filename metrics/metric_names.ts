/**
 * The names of all metrics that a capture of ours becomes; what other programs count has its own.
 *
 * @module
 */

/** By what they are about: packets, leases, hook libraries, the process, the monitor itself. */
export const METRIC_NAMES = [
  "packet_processing_time",
  "packet_stage_time",
  "packet_socket_wait",
  "packet_parked_time",
  "pending_requests",
  "lease_allocation_time",
  "database_query_time",
  "database_rows",
  "hook_callout_time",
  "hook_next_step",
  "network_traffic",
  "error_rate",
  "cpu_usage",
  "memory_usage",
  "slow_packets_omitted",
] as const;

/** The name of a metric. */
export type MetricName = typeof METRIC_NAMES[number];
