/** A real producer and a stock consumer, for end-to-end tests. Needs Java and Maven. */

import { join } from "node:path";
import { ensureProducer } from "../../hollow/producer_build.ts";
import type { HollowRecord } from "../../hollow/records.ts";
import { ROOT, until } from "./run_script.ts";

/** A running producer. Disposing ends it, and removes its data. */
export interface Producer extends AsyncDisposable {
  /** The base URL. */
  readonly base: string;
  /** Its folder; each dataset is a folder in it. */
  readonly data: string;
  readonly pid: number;
  /** What it has written to standard error so far. */
  readonly log: () => string;
  /** Ends it with a signal, and waits until it is gone. */
  kill(signal: Deno.Signal): Promise<void>;
}

/** Options of {@linkcode startProducer}. */
export interface ProducerOptions {
  /** More of its command line. */
  readonly args?: readonly string[];
  readonly env?: Record<string, string>;
  /** A folder that outlives it. */
  readonly data?: string;
  readonly port?: number;
  /** Network namespace to run in. */
  readonly netns?: string;
}

/** Starts the producer's own process, without the script around it. */
export async function startProducer(options: ProducerOptions = {}): Promise<Producer> {
  const { args = [], env = {}, port = 0, netns } = options;
  const { jar } = await ensureProducer();
  const data = options.data ?? await Deno.makeTempDir({ prefix: "kea-hollow-test-" });
  const child = new Deno.Command("setpriv", {
    args: [
      ...["--pdeathsig", "KILL", "--"],
      ...(netns === undefined ? [] : ["ip", "netns", "exec", netns]),
      ...["java", "-jar", jar, "--port", String(port), "--data", data, ...args],
    ],
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let [printed, log] = ["", ""];
  const reading = Promise.all([
    collect(child.stdout, (text) => printed += text),
    collect(child.stderr, (text) => log += text),
  ]);
  const status = child.status;
  let ended = false;
  status.then(() => ended = true);
  await until(async () => await Promise.resolve(ended || printed.includes("\n")), 30, "it listens");
  if (ended) {
    await reading;
    throw new Error(`The producer ended: ${log}`);
  }
  const kill = async (signal: Deno.Signal) => {
    if (!ended) child.kill(signal);
    await status;
    await reading;
  };
  return {
    base: printed.split("\n")[0]!,
    data,
    pid: child.pid,
    log: () => log,
    kill,
    [Symbol.asyncDispose]: async () => {
      await kill("SIGKILL");
      if (options.data === undefined) await Deno.remove(data, { recursive: true });
    },
  };
}

/** A state of a dataset, as a stock consumer told it. */
export interface ConsumedState {
  readonly version: string;
  readonly update: "snapshot" | "delta";
  readonly records: readonly HollowRecord[];
}

/** Reads a dataset with a stock consumer that starts afresh. */
export async function consumeOnce(folder: string): Promise<ConsumedState> {
  const { hollowJar } = await ensureProducer();
  const { stdout, stderr, success } = await new Deno.Command("java", {
    args: ["-cp", hollowJar, CONSUMER, folder, "once"],
    stdin: "null",
  }).output();
  const states = statesIn(new TextDecoder().decode(stdout));
  if (!success || states.length === 0) throw new Error(new TextDecoder().decode(stderr));
  return states.at(-1)!;
}

/** A stock consumer that follows announcements. Disposing ends it. */
export async function followDataset(folder: string): Promise<
  AsyncDisposable & { readonly states: () => readonly ConsumedState[] }
> {
  const { hollowJar } = await ensureProducer();
  const child = new Deno.Command("setpriv", {
    args: ["--pdeathsig", "KILL", "--", "java", "-cp", hollowJar, CONSUMER, folder],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let text = "";
  const reading = collect(child.stdout, (piece) => text += piece);
  return {
    states: () => statesIn(text),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await Promise.all([child.status, reading]);
    },
  };
}

const CONSUMER = join(ROOT, "hollow", "consumer", "FollowRecords.java");

async function collect(
  stream: ReadableStream<Uint8Array>,
  take: (text: string) => void,
): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) take(text);
}

/** All whole states in a consumer's output: each ends with an empty line. */
function statesIn(text: string): ConsumedState[] {
  return text.split("\n\n").slice(0, -1).map((block) => {
    const [head, ...lines] = block.split("\n");
    const [version, update] = head!.split(" ");
    return {
      version: version!,
      update: update as ConsumedState["update"],
      records: lines.map((line) => recordOf(JSON.parse(line))),
    };
  });
}

// deno-lint-ignore no-explicit-any -- it was made from Hollow's own schema.
function recordOf({ series, source: _source, ...record }: any): HollowRecord {
  const { key: _key, labels, ...name } = series;
  const isHistogram = name.kind === "histogram";
  const { buckets, quantiles, ...values } = record;
  return {
    family: null,
    ...name,
    ...values,
    labels: Object.fromEntries(
      labels.map((label: { name: string; value: string }) => [label.name, label.value]),
    ),
    ...(isHistogram ? { sum: null, ...values, buckets, quantiles } : {}),
  };
}

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
