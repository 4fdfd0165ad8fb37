/**
 * From windows of a metrics document to records of a Hollow dataset, and to batches of the
 * producer's API. The shapes are described in docs/hollow.md.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { Series, Window } from "../../metrics/document.ts";
import type { Family } from "../../metrics/dhcp.ts";

/** One series of one server in one window, as the producer accepts it. */
export interface HollowRecord {
  readonly server: string;
  readonly metric: string;
  readonly family: Family | null;
  readonly unit: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly kind: "counter" | "gauge" | "histogram";
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  readonly windowStart: number;
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  readonly windowEnd: number;
  readonly value?: number;
  readonly mean?: number;
  readonly min?: number;
  readonly max?: number;
  readonly exact?: boolean;
  readonly count?: number;
  readonly sum?: number | null;
  /** Lower bound inclusive, upper exclusive. */
  readonly buckets?: readonly {
    readonly lower: number;
    readonly upper: number;
    readonly count: number;
  }[];
  readonly quantiles?: readonly {
    readonly q: number;
    readonly value: number;
    readonly lower: number;
    readonly upper: number;
  }[];
}

/** The body of one request. */
export interface Batch {
  readonly schema: "kea-hollow/1";
  /** The name of the sender. */
  readonly source: string;
  /** Increases with each batch of a source. */
  readonly sequence: number;
  /** The same when a batch is sent again. */
  readonly batchId: string;
  readonly records: readonly HollowRecord[];
}

/** A document cannot be converted to records. */
export class RecordError extends Error {
  override name = "RecordError";
}

/**
 * The records of a window.
 *
 * @param server the server's unique name in the dataset.
 * @throws {RecordError} for an integer beyond 2^53, which a record cannot hold exactly.
 */
export function recordsOf({ start, end, series }: Window, server: string): HollowRecord[] {
  const times = { windowStart: Date.parse(start), windowEnd: Date.parse(end) };
  return series.map((one) => ({
    server,
    metric: shortened(one.metric),
    family: one.family,
    unit: one.unit,
    labels: Object.fromEntries(
      Object.entries(one.labels).map(([name, value]) => [name, shortened(value)]),
    ),
    kind: one.kind,
    ...times,
    ...measured(one, start),
  }));
}

/** The most UTF-16 code units of a name or label; Limits.java has the same. */
const LONGEST_TEXT = 256;

/**
 * Text that fits a record. Text that is too long or not Unicode is cut, and `...#` and a digest of the whole
 * are appended, so that different texts with the same beginning stay different.
 */
function shortened(text: string): string {
  if (text.length <= LONGEST_TEXT && text.isWellFormed()) return text;
  const mark = `...#${createHash("sha256").update(text, "utf16le").digest("hex").slice(0, 16)}`;
  // The cut may have left half of a surrogate pair.
  return text.slice(0, LONGEST_TEXT - mark.length).toWellFormed() + mark;
}

function measured(series: Series, start: string): Partial<HollowRecord> {
  const { kind } = series;
  if (kind === "counter") return { value: exact(series.value, series.metric, start) };
  if (kind === "gauge") {
    const { value, mean, min, max } = series;
    return { value, mean, min, max };
  }
  const { count, min, max, exact: isExact, buckets, quantiles } = series;
  const sum = series.sum === null ? null : exact(series.sum, series.metric, start);
  return {
    ...{ count, sum, min, max, exact: isExact, buckets },
    // An open bound is 2^63 or -2^63.
    quantiles: quantiles.map(({ q, value, lower, upper }) => ({ q, value, lower, upper })),
  };
}

/** Integers beyond 2^53 are strings in a document. */
function exact(value: number | string, metric: string, start: string): number {
  if (typeof value === "number" && Math.abs(value) <= 2 ** 53) return value;
  throw new RecordError(
    `Cannot push ${metric} of the window from ${start}: ${value} is beyond 2^53, ` +
      "where a record is not exact: measure with shorter windows",
  );
}

/** Size of one request; a producer may accept less, and says so. */
export const BATCH_LIMITS = { records: 5000, bytes: 4 * 2 ** 20 };

/** Records that go into one request. */
export async function* inBatches(
  records: Iterable<HollowRecord> | AsyncIterable<HollowRecord>,
  limits: typeof BATCH_LIMITS = BATCH_LIMITS,
): AsyncGenerator<HollowRecord[]> {
  const encoder = new TextEncoder();
  let [batch, bytes]: [HollowRecord[], number] = [[], 0];
  for await (const record of records) {
    const size = encoder.encode(JSON.stringify(record)).length;
    if (batch.length > 0 && (batch.length === limits.records || bytes + size > limits.bytes)) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(record);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
