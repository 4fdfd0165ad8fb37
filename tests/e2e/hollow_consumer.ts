/**
 * A stock Hollow consumer: only Netflix's classes, and it prints what it reads. Needs Java.
 *
 * @module
 */

import { join } from "node:path";
import { ensureProducer, SHORT_LIVED } from "../../hollow/producer/ensure_producer.ts";
import type { HollowRecord } from "../../hollow/push/records.ts";
import { collect } from "../../tools/lab/producer.ts";

/** A state of a dataset, as a stock consumer printed it. */
export interface ConsumedState {
  readonly version: string;
  readonly update: "snapshot" | "delta";
  readonly records: readonly HollowRecord[];
}

/** Reads a dataset with a new stock consumer. */
export async function consumeOnce(folder: string): Promise<ConsumedState> {
  const { hollowJar } = await ensureProducer();
  const { stdout, stderr, success } = await new Deno.Command("java", {
    args: [...SHORT_LIVED, "-cp", hollowJar, CONSUMER, folder, "once"],
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
    args: ["--pdeathsig", "KILL", "--", "java", ...SHORT_LIVED, "-cp", hollowJar, CONSUMER, folder],
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

const CONSUMER = join(import.meta.dirname!, "../../hollow/consumer/FollowRecords.java");

/** All complete states in a consumer's output: each ends with an empty line. */
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

// deno-lint-ignore no-explicit-any -- the consumer made it from Hollow's own schema.
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
