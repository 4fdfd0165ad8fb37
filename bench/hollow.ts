#!/usr/bin/env -S deno run -A
/**
 * `deno task bench:hollow`: size, time and memory of a day of ten servers in a Hollow producer.
 *
 * @module
 */

import { join } from "node:path";
import { newCommand, numberBetween, runMain } from "../system/command_line.ts";
import { ProducerClient } from "../hollow/push/producer_client.ts";
import type { HollowRecord } from "../hollow/push/records.ts";
import { startProducer } from "../tools/lab/producer.ts";
import { mulberry32 } from "../system/mulberry32.ts";
import { median } from "./ratio.ts";

const command = newCommand("bench:hollow")
  .description(
    "Push generated windows of 5 minutes to a producer on this machine, one batch per server and " +
      "window: a day until retention is reached, then half a day more. Takes about 8 minutes.",
  )
  .option("--servers <number>", "servers", numberBetween(1, 100), 10)
  .option("--metrics <number>", "series per server", numberBetween(1, 1000), 30)
  .option("--windows <number>", "windows that are kept", numberBetween(50, 2000), 288)
  .addHelpText(
    "after",
    "\nExamples:\n  deno task bench:hollow\n  deno task bench:hollow --windows 50",
  );

const WINDOW_MS = 300_000;

/** One third each: histograms of twelve buckets, counters, gauges; seeded. */
function recordsOf(
  server: string,
  start: number,
  metrics: number,
  random: () => number,
): HollowRecord[] {
  const times = { windowStart: start, windowEnd: start + WINDOW_MS };
  return Array.from({ length: metrics }, (_, index) => {
    const common = {
      server,
      metric: `metric_${index % 7}`,
      family: 4 as const,
      unit: "ns",
      labels: { message: "DHCPDISCOVER", thread: `thread-${index}` },
      ...times,
    };
    const value = Math.floor(random() * 1e9);
    if (index % 3 === 1) return { ...common, kind: "counter" as const, value };
    if (index % 3 === 2) {
      const gauge = { value, mean: value * 0.9, min: value * 0.5, max: value * 1.5 };
      return { ...common, kind: "gauge" as const, ...gauge };
    }
    const buckets = Array.from({ length: 12 }, (_, bucket) => ({
      lower: 65_536 + bucket * 8192,
      upper: 65_536 + (bucket + 1) * 8192,
      count: 1 + Math.floor(random() * 1000),
    }));
    const count = buckets.reduce((sum, bucket) => sum + bucket.count, 0);
    return {
      ...common,
      kind: "histogram" as const,
      count,
      sum: value,
      min: 65_536,
      max: 163_840,
      exact: false,
      buckets,
      quantiles: [0.5, 0.95, 0.99].map((q) => {
        const { lower, upper } = buckets[Math.floor(q * 12)]!;
        return { q, value: (lower + upper) / 2, lower, upper };
      }),
    };
  });
}

/** Sizes of the files of a dataset, bytes, by the beginning of their names. */
function sizesIn(folder: string) {
  const sizes: Record<string, number[]> = {};
  let [total, files] = [0, 0];
  for (const { name, isFile } of Deno.readDirSync(folder)) {
    if (!isFile) continue;
    const { size } = Deno.statSync(join(folder, name));
    (sizes[name.split("-")[0]!] ??= []).push(size);
    total += size;
    files++;
  }
  return { sizes, total, files };
}

async function peakMemory(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/^VmHWM:\s+(\d+)/m.exec(status)![1]) * 1024;
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
const quantile = (values: readonly number[], q: number) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))]!;

await command.parseAsync(Deno.args, { from: "user" });
const { servers, metrics, windows } = command.opts();
await runMain(async () => {
  await using producer = await startProducer({ args: ["--windows", String(windows)] });
  const client = new ProducerClient({
    url: producer.base,
    dataset: "kea",
    token: () => null,
    allowPlainHttp: false,
  });
  const folder = join(producer.data, "kea");
  const random = mulberry32(1);
  const extra = Math.ceil(windows / 2);
  // The last window ends now.
  const first = Math.floor(Date.now() / WINDOW_MS - windows - extra) * WINDOW_MS;
  const cycles: { before: number[]; after: number[] } = { before: [], after: [] };
  let [most, filesMost, largestReached] = [0, 0, 0];
  for (let window = 0; window < windows + extra; window++) {
    for (let server = 0; server < servers; server++) {
      const name = `kea-${server}/dhcp4`;
      const records = recordsOf(name, first + window * WINDOW_MS, metrics, random);
      const batch = { schema: "kea-hollow/1", source: name, records } as const;
      const begin = performance.now();
      const outcome = await client.push({
        ...batch,
        sequence: window + 1,
        batchId: `${window}`,
      });
      if (outcome.kind !== "accepted") throw new Error(JSON.stringify(outcome));
      const isReached = window >= windows;
      cycles[isReached ? "after" : "before"].push(performance.now() - begin);
    }
    const { total, files } = sizesIn(folder);
    if (window < windows + extra / 2) {
      if (window >= windows) largestReached = Math.max(largestReached, total);
    } else {
      most = Math.max(most, total);
      filesMost = Math.max(filesMost, files);
    }
    if (window % 24 === 23) {
      console.error(`window ${window + 1} of ${windows + extra}: folder ${megabytes(total)}`);
    }
  }
  const { sizes } = sizesIn(folder);
  const state = (await client.state())!;
  const rows: [string, string][] = [
    ["records", `${state.records} (${servers} servers, ${metrics} series, ${windows} windows)`],
    ["snapshot", megabytes(median(sizes["snapshot"]!))],
    ["delta of one batch", `${(median(sizes["delta"]!) / 1e3).toFixed(1)} kB`],
    [
      "from push to announced",
      `p50 ${quantile(cycles.after, 0.5).toFixed(0)} ms, p95 ${
        quantile(cycles.after, 0.95).toFixed(0)
      } ms, at most ${Math.max(...cycles.after).toFixed(0)} ms`,
    ],
    ["producer's memory", `${megabytes(await peakMemory(producer.pid))} resident at most`],
    [
      "folder",
      `${megabytes(largestReached)} at most in the first windows after retention is reached, ${
        megabytes(most)
      } in the last, ${filesMost} files`,
    ],
  ];
  for (const [what, value] of rows) console.log(`${what.padEnd(24)}${value}`);
  return 0;
});
