/** Records and batches for tests that say what they change. */

import type { Batch, HollowRecord } from "../../../hollow/push/records.ts";

/** A counter of the window that starts at a time, milliseconds. */
export function counterAt(windowStart: number, value = 1, server = "kea-1/dhcp4"): HollowRecord {
  return {
    server,
    metric: "error_rate",
    family: 4,
    unit: "events",
    labels: { kind: "unanswered", id: "DHCPDISCOVER" },
    kind: "counter",
    windowStart,
    windowEnd: windowStart + 1000,
    value,
  };
}

/** A batch of a source of its own. */
export function batchWith(sequence: number, records: readonly HollowRecord[]): Batch {
  return {
    schema: "kea-hollow/1",
    source: "kea-1/dhcp4",
    sequence,
    batchId: `batch-${sequence}`,
    records,
  };
}
