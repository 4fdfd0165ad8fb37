/**
 * What a producer must do, checked from outside with records of its own.
 *
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import { oneLine } from "../../system/command_line.ts";
import type { ProducerClient } from "../push/producer_client.ts";
import type { Batch, HollowRecord } from "../push/records.ts";

/** One verdict; `ok` is null where there was nothing to check. */
export interface ConformanceResult {
  readonly check: string;
  readonly ok: boolean | null;
  readonly detail: string;
}

/** A check says what it saw, or throws what was wrong. */
type Check = (about: About) => Promise<string>;

/** What the checks share. */
interface About {
  readonly client: ProducerClient;
  readonly dataset: string;
  /** Source and server of all test records. */
  readonly mark: string;
  readonly records: readonly HollowRecord[];
}

/** There is nothing to check. */
class Unchecked extends Error {}

/** The checks in their order; each builds on those before. */
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
 * Runs all checks, and takes away what they pushed whatever happens.
 *
 * @param tell is told of each verdict when it is there.
 */
export async function checkProducer(
  client: ProducerClient,
  dataset: string,
  tell: (verdict: ConformanceResult) => void,
): Promise<ConformanceResult[]> {
  const mark = `test-hollow-${crypto.randomUUID().slice(0, 8)}`;
  const about = { client, dataset, mark, records: testRecords(mark, Date.now()) };
  const verdicts: ConformanceResult[] = [];
  for (const [name, check] of CHECKS) {
    let verdict: ConformanceResult;
    try {
      verdict = { check: name, ok: true, detail: await check(about) };
    } catch (error) {
      verdict = {
        check: name,
        ok: error instanceof Unchecked ? null : false,
        detail: oneLine(error),
      };
    }
    verdicts.push(verdict);
    tell(verdict);
    // Nothing can be said of one that is not there.
    if (name === "health" && verdict.ok === false) break;
  }
  return verdicts;
}

async function health({ client }: About): Promise<string> {
  if (await client.health()) return `${client.base} answers`;
  throw new Error(`${client.base}/health does not answer with 200`);
}

async function wrongToken({ client, dataset }: About): Promise<string> {
  const status = await client.raw("GET", `/datasets/${dataset}`, undefined, "not-the-token");
  if (status === 401) return "refused with 401";
  // Without a token everybody may ask, and 404 says that there is no such dataset yet.
  if (status === 200 || status === 404) throw new Unchecked("this producer wants no token");
  throw new Error(`answered with ${status}, 401 is wanted`);
}

async function acceptance({ client, mark, records }: About): Promise<string> {
  const outcome = await client.push(batchOf(mark, 10, "first", records));
  if (outcome.kind !== "accepted") throw new Error(JSON.stringify(outcome));
  if (outcome.duplicate) throw new Error("taken for a duplicate, though it is new");
  return `${records.length} records taken: a counter, a gauge, a histogram`;
}

async function readBack(about: About): Promise<string> {
  const found = await about.client.records({ source: about.mark });
  const differing = about.records.filter((record) =>
    !found.some((other) => isDeepStrictEqual(sorted(other), sorted(record)))
  );
  if (differing.length === 0 && found.length === about.records.length) {
    return `${found.length} records are there, equal in every field`;
  }
  throw new Error(
    `${found.length} records are there, ${about.records.length} were sent, ${differing.length} differ`,
  );
}

async function idempotence({ client, mark, records }: About): Promise<string> {
  const outcome = await client.push(batchOf(mark, 10, "first", records));
  if (outcome.kind !== "accepted" || !outcome.duplicate) {
    throw new Error(`sent again: ${JSON.stringify(outcome)}, a duplicate is wanted`);
  }
  await expectCount(client, mark, records.length);
  return "sent again, it is told to be a duplicate and changes nothing";
}

async function staleBatch({ client, mark, records }: About): Promise<string> {
  const outcome = await client.push(batchOf(mark, 9, "earlier", records));
  if (outcome.kind !== "stale" || outcome.lastSequence !== 10) {
    throw new Error(`${JSON.stringify(outcome)}, 409 with lastSequence 10 is wanted`);
  }
  return "an earlier batch is refused with 409 and the number of the last";
}

async function replacement({ client, mark, records }: About): Promise<string> {
  const counter = { ...records[0]!, value: 4711 };
  const outcome = await client.push(batchOf(mark, 11, "second", [counter]));
  if (outcome.kind !== "accepted") throw new Error(JSON.stringify(outcome));
  const found = await client.records({ source: mark, metric: counter.metric });
  if (found.length === 1 && found[0]!.value === 4711) return "a record replaces that of its key";
  throw new Error(`${found.length} records of the key, the first with ${found[0]?.value}`);
}

async function badRecords({ client, dataset, mark, records }: About): Promise<string> {
  const [counter, , histogram] = records;
  const bad: Record<string, string> = {
    "NaN": textOf(mark, { ...counter!, value: 0.125 }).replace("0.125", "NaN"),
    "a field that is missing": textOf(mark, { ...counter!, metric: undefined }),
    "a field that nobody knows": textOf(mark, { ...counter!, color: "red" }),
    "text for a number": textOf(mark, { ...counter!, value: "7" }),
    "an integer beyond 2^53": textOf(mark, { ...counter!, value: 2 ** 54 }),
    "a window that ends before it starts": textOf(mark, { ...counter!, windowEnd: 1 }),
    "a count that its buckets do not have": textOf(mark, { ...histogram!, count: 1000 }),
    "two records of one key": textOf(mark, counter!, counter!),
    "a key that stands twice": textOf(mark, counter!).replace("{", '{"source":"other",'),
    "no batch": "[]",
    "half a batch": textOf(mark, counter!).slice(0, -5),
  };
  const taken: string[] = [];
  for (const [what, body] of Object.entries(bad)) {
    const status = await client.raw("POST", `/datasets/${dataset}/records`, body);
    if (status !== 400 && status !== 422) taken.push(`${what}: ${status}`);
  }
  await expectCount(client, mark, records.length);
  if (taken.length === 0) return `${Object.keys(bad).length} kinds refused, nothing changed`;
  throw new Error(`400 or 422 is wanted: ${taken.join(", ")}`);
}

async function cleanUp({ client, mark }: About): Promise<string> {
  const deleted = await client.remove(mark);
  await expectCount(client, mark, 0);
  const state = await client.state();
  if (state !== null && mark in state.sources) throw new Error("the source is still known");
  return `${deleted} records deleted, nothing of this test is left`;
}

async function expectCount(client: ProducerClient, mark: string, wanted: number): Promise<void> {
  const { length } = await client.records({ source: mark });
  if (length !== wanted) throw new Error(`${length} records are there, ${wanted} are wanted`);
}

function batchOf(
  mark: string,
  sequence: number,
  batchId: string,
  records: readonly HollowRecord[],
): Batch {
  return { schema: "kea-hollow/1", source: mark, sequence, batchId, records };
}

function textOf(mark: string, ...records: readonly object[]): string {
  return JSON.stringify(batchOf(mark, 100, "bad", records as HollowRecord[]));
}

/** One record of each kind. */
function testRecords(mark: string, now: number): HollowRecord[] {
  const common = { server: mark, family: 4, windowStart: now - 1000, windowEnd: now } as const;
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
