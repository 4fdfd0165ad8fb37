/**
 * Checks from outside, with test records, that a producer follows the API.
 *
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import { oneLine } from "../../system/command_line.ts";
import type { ProducerClient } from "../push/producer_client.ts";
import type { Batch, HollowRecord } from "../push/records.ts";

/** One result; `ok` is null if there was nothing to check. */
export interface ConformanceResult {
  readonly check: string;
  readonly ok: boolean | null;
  readonly detail: string;
}

/** A check returns what it saw, or throws what was wrong. */
type Check = (context: Context) => Promise<string>;

/** The data that all checks share. */
interface Context {
  readonly client: ProducerClient;
  readonly dataset: string;
  /** Source and server of all test records. */
  readonly runId: string;
  readonly records: readonly HollowRecord[];
}

/** There is nothing to check. */
class Skipped extends Error {}

/** The checks, in order; each builds on the earlier ones. */
const CHECKS: readonly (readonly [name: string, check: Check])[] = [
  ["health", health],
  ["wrong token", wrongToken],
  ["acceptance", acceptance],
  ["read-back", readBack],
  ["idempotence", idempotence],
  ["stale batch", staleBatch],
  ["replacement", replacement],
  ["bad records", badRecords],
  ["clean-up", cleanUp],
];

/**
 * Runs all checks, and always deletes what they pushed.
 *
 * @param report is called with each result.
 */
export async function checkProducer(
  client: ProducerClient,
  dataset: string,
  report: (verdict: ConformanceResult) => void,
): Promise<ConformanceResult[]> {
  const runId = `test-hollow-${crypto.randomUUID().slice(0, 8)}`;
  const context = { client, dataset, runId, records: testRecords(runId, Date.now()) };
  const verdicts: ConformanceResult[] = [];
  for (const [name, check] of CHECKS) {
    let verdict: ConformanceResult;
    try {
      verdict = { check: name, ok: true, detail: await check(context) };
    } catch (error) {
      verdict = {
        check: name,
        ok: error instanceof Skipped ? null : false,
        detail: oneLine(error),
      };
    }
    verdicts.push(verdict);
    report(verdict);
    // Without a producer, the other checks have no meaning.
    if (name === "health" && verdict.ok === false) break;
  }
  return verdicts;
}

async function health({ client }: Context): Promise<string> {
  if (await client.health()) return `${client.base} answers`;
  throw new Error(`${client.base}/health does not answer with 200`);
}

async function wrongToken({ client, dataset }: Context): Promise<string> {
  const status = await client.raw("GET", `/datasets/${dataset}`, undefined, "not-the-token");
  if (status === 401) return "refused with 401";
  // Without a token every request is served, and 404 says that there is no such dataset yet.
  if (status === 200 || status === 404) throw new Skipped("this producer needs no token");
  throw new Error(`expected 401, it answered with ${status}`);
}

async function acceptance({ client, runId, records }: Context): Promise<string> {
  const outcome = await client.push(batchOf(runId, 10, "first", records));
  if (outcome.kind !== "accepted") throw new Error(JSON.stringify(outcome));
  if (outcome.duplicate) throw new Error("a new batch was called a duplicate");
  return `${records.length} records accepted: a counter, a gauge, a histogram`;
}

async function readBack(context: Context): Promise<string> {
  const found = await context.client.records({ source: context.runId });
  const differing = context.records.filter((record) =>
    !found.some((other) => isDeepStrictEqual(sorted(other), sorted(record)))
  );
  if (differing.length === 0 && found.length === context.records.length) {
    return `${found.length} records found, equal in every field`;
  }
  throw new Error(
    `${found.length} records found, ${context.records.length} were sent, ${differing.length} differ`,
  );
}

async function idempotence({ client, runId, records }: Context): Promise<string> {
  const outcome = await client.push(batchOf(runId, 10, "first", records));
  if (outcome.kind !== "accepted" || !outcome.duplicate) {
    throw new Error(`sent again: expected a duplicate, got ${JSON.stringify(outcome)}`);
  }
  await expectCount(client, runId, records.length);
  return "sent again, it is a duplicate and changes nothing";
}

async function staleBatch({ client, runId, records }: Context): Promise<string> {
  const outcome = await client.push(batchOf(runId, 9, "earlier", records));
  if (outcome.kind !== "stale" || outcome.lastSequence !== 10) {
    throw new Error(`expected 409 with lastSequence 10, got ${JSON.stringify(outcome)}`);
  }
  return "an earlier batch is refused with 409 and the number of the last";
}

async function replacement({ client, runId, records }: Context): Promise<string> {
  const counter = { ...records[0]!, value: 4711 };
  const outcome = await client.push(batchOf(runId, 11, "second", [counter]));
  if (outcome.kind !== "accepted") throw new Error(JSON.stringify(outcome));
  const found = await client.records({ source: runId, metric: counter.metric });
  if (found.length === 1 && found[0]!.value === 4711) {
    return "a record replaces the one with its key";
  }
  throw new Error(`${found.length} records of the key, the first with ${found[0]?.value}`);
}

async function badRecords({ client, dataset, runId, records }: Context): Promise<string> {
  const [counter, , histogram] = records;
  const bad: Record<string, string> = {
    "NaN": textOf(runId, { ...counter!, value: 0.125 }).replace("0.125", "NaN"),
    "a missing field": textOf(runId, { ...counter!, metric: undefined }),
    "an unknown field": textOf(runId, { ...counter!, color: "red" }),
    "text for a number": textOf(runId, { ...counter!, value: "7" }),
    "an integer beyond 2^53": textOf(runId, { ...counter!, value: 2 ** 54 }),
    "a window that ends before it starts": textOf(runId, { ...counter!, windowEnd: 1 }),
    "a count that is not the sum of its buckets": textOf(runId, { ...histogram!, count: 1000 }),
    "two records with one key": textOf(runId, counter!, counter!),
    "a duplicate JSON key": textOf(runId, counter!).replace("{", '{"source":"other",'),
    "no batch": "[]",
    "half a batch": textOf(runId, counter!).slice(0, -5),
  };
  const taken: string[] = [];
  for (const [what, body] of Object.entries(bad)) {
    const status = await client.raw("POST", `/datasets/${dataset}/records`, body);
    if (status !== 400 && status !== 422) taken.push(`${what}: ${status}`);
  }
  await expectCount(client, runId, records.length);
  if (taken.length === 0) return `${Object.keys(bad).length} kinds refused, nothing changed`;
  throw new Error(`expected 400 or 422: ${taken.join(", ")}`);
}

async function cleanUp({ client, runId }: Context): Promise<string> {
  const deleted = await client.remove(runId);
  await expectCount(client, runId, 0);
  const state = await client.state();
  if (state !== null && runId in state.sources) throw new Error("the source is still known");
  return `${deleted} records deleted, nothing of this test is left`;
}

async function expectCount(client: ProducerClient, runId: string, expected: number): Promise<void> {
  const { length } = await client.records({ source: runId });
  if (length !== expected) throw new Error(`expected ${expected} records, found ${length}`);
}

function batchOf(
  runId: string,
  sequence: number,
  batchId: string,
  records: readonly HollowRecord[],
): Batch {
  return { schema: "kea-hollow/1", source: runId, sequence, batchId, records };
}

function textOf(runId: string, ...records: readonly object[]): string {
  return JSON.stringify(batchOf(runId, 100, "bad", records as HollowRecord[]));
}

/** One record of each kind. */
function testRecords(runId: string, now: number): HollowRecord[] {
  const common = { server: runId, family: 4, windowStart: now - 1000, windowEnd: now } as const;
  return [
    {
      ...common,
      metric: "test_counter",
      unit: "events",
      labels: { kind: "test", odd: 'a,b=c\\"\u00e9' },
      kind: "counter",
      value: 3,
    },
    {
      ...common,
      metric: "test_gauge",
      unit: "ratio",
      labels: {},
      kind: "gauge",
      value: 0.5,
      mean: 0.25,
      min: 0,
      max: 0.75,
    },
    {
      ...common,
      metric: "test_histogram",
      unit: "ns",
      labels: { message: "DHCPDISCOVER" },
      kind: "histogram",
      count: 3,
      sum: 400_000,
      min: 98_304,
      max: 163_840,
      exact: false,
      buckets: [{ lower: 98_304, upper: 106_496, count: 1 }, {
        lower: 147_456,
        upper: 163_840,
        count: 2,
      }],
      quantiles: [{ q: 0.5, value: 155_648, lower: 147_456, upper: 163_840 }],
    },
  ];
}

/** A value with its keys in order, for comparison. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).toSorted().map(([key, one]) => [key, sorted(one)]),
  );
}
