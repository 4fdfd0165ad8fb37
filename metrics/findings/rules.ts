/**
 * All rules. Findings of the same damage are in this order.
 *
 * @module
 */

import type { Rule } from "./finding.ts";
import { BUSY_NEIGHBOUR } from "./rules/busy_neighbour.ts";
import { CLEANUP } from "./rules/cleanup.ts";
import { CPU_QUOTA } from "./rules/cpu_quota.ts";
import { DATABASE_FAILS } from "./rules/database_fails.ts";
import { DEBUG_LOGGING } from "./rules/debug_logging.ts";
import { EXCEPTIONS } from "./rules/exceptions.ts";
import { FAR_DATABASE } from "./rules/far_database.ts";
import { FLOODING_CLIENT } from "./rules/flooding_client.ts";
import { HOOK_DROPS } from "./rules/hook_drops.ts";
import { LEASE_FILE_FAILS } from "./rules/lease_file_fails.ts";
import { LOCK } from "./rules/lock.ts";
import { MANY_NAKS } from "./rules/many_naks.ts";
import { MONITORING_OVERHEAD } from "./rules/monitoring_overhead.ts";
import { NEARLY_EMPTY_POOL } from "./rules/nearly_empty_pool.ts";
import { NO_ADDRESS } from "./rules/no_address.ts";
import { OTHER_DISK, OTHER_NETWORK } from "./rules/other_waits.ts";
import { PACKET_QUEUE } from "./rules/packet_queue.ts";
import { PAGING } from "./rules/paging.ts";
import { PARKED_PACKETS } from "./rules/parked_packets.ts";
import { RECEIVE_BUFFER } from "./rules/receive_buffer.ts";
import { REPEATING_RELAY } from "./rules/repeating_relay.ts";
import { RETRANSMISSIONS } from "./rules/retransmissions.ts";
import { SLOW_HOOK_LIBRARY } from "./rules/slow_hook_library.ts";
import { SLOW_LEASE_FILE } from "./rules/slow_lease_file.ts";
import { SLOW_PACKETS } from "./rules/slow_packets.ts";
import { SLOW_PARTNER } from "./rules/slow_partner.ts";
import { SLOW_STATEMENT } from "./rules/slow_statement.ts";
import { TOO_FEW_THREADS } from "./rules/too_few_threads.ts";
import { TOO_MANY_THREADS } from "./rules/too_many_threads.ts";
import { UNANSWERED } from "./rules/unanswered.ts";
import { WAITING_CLIENTS } from "./rules/waiting_clients.ts";

/** Every cause that is looked for. */
export const RULES: readonly Rule[] = [
  // Lost packets and leases.
  LEASE_FILE_FAILS,
  DATABASE_FAILS,
  NO_ADDRESS,
  RECEIVE_BUFFER,
  PACKET_QUEUE,
  HOOK_DROPS,
  UNANSWERED,
  // Time: first what happens at times, then what makes everything slow, then places.
  CLEANUP,
  CPU_QUOTA,
  TOO_MANY_THREADS,
  BUSY_NEIGHBOUR,
  LOCK,
  PAGING,
  SLOW_STATEMENT,
  FAR_DATABASE,
  SLOW_HOOK_LIBRARY,
  SLOW_PARTNER,
  PARKED_PACKETS,
  SLOW_LEASE_FILE,
  OTHER_DISK,
  OTHER_NETWORK,
  NEARLY_EMPTY_POOL,
  TOO_FEW_THREADS,
  SLOW_PACKETS,
  WAITING_CLIENTS,
  RETRANSMISSIONS,
  // Risks.
  FLOODING_CLIENT,
  REPEATING_RELAY,
  DEBUG_LOGGING,
  MANY_NAKS,
  EXCEPTIONS,
  MONITORING_OVERHEAD,
];
