import type { HollowRecord } from "../../hollow/push/records.ts";

/** Records in an order of their own, to compare two lists of them. */
export function inOrder(records: readonly HollowRecord[]): unknown[] {
  return records.map((record) => sorted(record)).toSorted((a, b) => {
    const [left, right] = [keyOf(a), keyOf(b)];
    return left < right ? -1 : left > right ? 1 : 0;
  });
}

function keyOf(record: unknown): string {
  const { server, metric, family, unit, labels, windowStart } = record as HollowRecord;
  return JSON.stringify([server, windowStart, metric, family, unit, labels]);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).toSorted().map(([key, one]) => [key, sorted(one)]),
  );
}
