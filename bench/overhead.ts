#!/usr/bin/env -S deno run -A
/**
 * `deno task bench:overhead`: what each profile costs Kea, on and off many times within one and the
 * same Kea process; the ratio of its CPU time an exchange, with a 95 % confidence interval.
 *
 * @module
 */

import { Command, Option } from "npm:@commander-js/extra-typings@15.1.0";
import { exitWith, numberBetween } from "../command_line.ts";
import { ensureInstalled } from "../tools/install.ts";
import { CaughtSignals } from "../tools/lab/caught_signals.ts";
import { BACKENDS } from "../tools/lab/database.ts";
import { bpftraceOf, KEAS, type Lab, startLab } from "../tools/lab/lab.ts";
import { runPerfdhcp } from "../tools/lab/perfdhcp.ts";
import { describeServer } from "../discovery/servers.ts";
import type { Sample } from "../metrics/capture.ts";
import type { Bpftrace } from "../probes/bpftrace.ts";
import { watch } from "../probes/monitoring_loop.ts";
import { BpfStatistics } from "../probes/price.ts";
import { type Profile, PROFILES } from "../probes/sources.ts";
import { estimate, median } from "./ratio.ts";

const command = new Command("bench:overhead")
  .description(
    "Measure what watching costs Kea (root). Takes about a minute for 10 alternations of a profile.",
  )
  .addOption(
    new Option("--kea <version>", "which Kea, with the bpftrace of its Debian suite").choices(
      Object.keys(KEAS) as (keyof typeof KEAS)[],
    ).default("2.2" as const),
  )
  .addOption(
    new Option("--backend <name>", "lease backend").choices(BACKENDS).default("memfile" as const),
  )
  .option("--hook <path...>", "hook libraries", [] as string[])
  .addOption(new Option("--threads <number>", "worker threads of Kea").default(2).argParser(Number))
  .option("--rate <number>", "exchanges a second", numberBetween(10, 5000), 2000)
  .option("--alternations <number>", "on and off, each so many times", numberBetween(2, 100), 12)
  .option("--seconds <number>", "length of each load", numberBetween(1, 60), 2)
  .addOption(
    new Option("--profile <name...>", "which profiles").choices(PROFILES).default([...PROFILES]),
  )
  .option("--no-saturation", "leave out the throughput under overload")
  .allowExcessArguments(false)
  .addHelpText(
    "after",
    "\nExamples:\n  deno task bench:overhead\n" +
      "  deno task bench:overhead --threads 0 --profile light --alternations 20\n" +
      "  deno task bench:overhead --kea newest --no-saturation",
  )
  .exitOverride((error) => Deno.exit(error.exitCode === 0 ? 0 : 2));

/** What one load cost. */
interface Measured {
  /** Kea's CPU time an exchange, microseconds. */
  readonly cpu: number;
  /** Exchanges answered a second. */
  readonly throughput: number;
}

/** What is measured with. */
interface Bench {
  readonly lab: Lab;
  readonly bpftrace: Bpftrace;
}

let loads = 0;

/** Sends one load of clients that no load before had, and takes Kea's CPU time for it. */
async function measure(lab: Lab, rate: number, seconds: number): Promise<Measured> {
  const exchanges = Math.round(rate * seconds);
  const base = `02:00:${(++loads).toString(16).padStart(4, "0").replace(/^(..)/, "$1:")}:00:00`;
  const before = await cpuTime(lab.pid);
  const started = performance.now();
  const report = await runPerfdhcp(lab, { rate, exchanges, base, seed: loads });
  const elapsed = (performance.now() - started) / 1000 - 0.5; // perfdhcp waits 0.5 s for stragglers
  const cpu = await cpuTime(lab.pid) - before;
  const answered = report["REQUEST-ACK"]!.received;
  return { cpu: cpu / answered, throughput: answered / elapsed };
}

/** CPU time of all threads of a process so far, microseconds, from the scheduler's own clock. */
async function cpuTime(pid: number): Promise<number> {
  let nanoseconds = 0;
  for await (const { name } of Deno.readDir(`/proc/${pid}/task`)) {
    const text = await Deno.readTextFile(`/proc/${pid}/task/${name}/schedstat`);
    nanoseconds += Number(text.split(" ")[0]);
  }
  return nanoseconds / 1000;
}

/** What a watch costs by its own measure. */
interface Watched<T> {
  readonly result: T;
  /** Difference of the first and the last sample while the load ran. */
  readonly cost: { bpf: number; monitorCpu: number; memory: number };
  readonly attachSeconds: number;
  readonly stopSeconds: number;
}

/** Watches a lab's server while something runs. */
async function watched<T>(
  { lab, bpftrace }: Bench,
  profile: Profile,
  work: () => Promise<T>,
): Promise<Watched<T>> {
  const stop = new AbortController();
  const samples: Sample[] = [];
  const { promise: attached, resolve } = Promise.withResolvers<void>();
  const started = performance.now();
  const watching = (async () => {
    for await (
      const record of watch({
        server: await describeServer(lab.pid),
        profile,
        bpftrace,
        intervalMs: 1000,
        durationMs: 3600_000,
        signal: stop.signal,
        say: () => {},
      })
    ) {
      if (record.type !== "sample") continue;
      samples.push(record);
      resolve();
    }
  })();
  await Promise.race([attached, watching]);
  const attachSeconds = (performance.now() - started) / 1000;
  const result = await work();
  const stopping = performance.now();
  stop.abort();
  await watching;
  const stopSeconds = (performance.now() - stopping) / 1000;
  const first = samples[0]!.cost!;
  // The last sample that bpftrace was still there for.
  const last = samples.findLast(({ cost }) => cost !== null && cost.hits > first.hits)!.cost!;
  return {
    result,
    cost: {
      bpf: last.bpf_seconds - first.bpf_seconds,
      monitorCpu: last.monitor_cpu_seconds - first.monitor_cpu_seconds,
      memory: last.monitor_memory_bytes,
    },
    attachSeconds,
    stopSeconds,
  };
}

async function benchProfile(
  bench: Bench,
  profile: Profile,
  { rate, seconds, alternations }: { rate: number; seconds: number; alternations: number },
): Promise<void> {
  const { lab } = bench;
  const ratios: number[] = [];
  const runs: Watched<Measured>[] = [];
  const offs = [await measure(lab, rate, seconds)];
  for (let turn = 0; turn < alternations; turn++) {
    const on = await watched(bench, profile, () => measure(lab, rate, seconds));
    const off = await measure(lab, rate, seconds);
    // Against the loads without a watch before and after: the machine's speed drifts.
    ratios.push(on.result.cpu / ((offs.at(-1)!.cpu + off.cpu) / 2));
    offs.push(off);
    runs.push(on);
    console.error(`${profile} ${turn + 1}/${alternations}: ${ratios.at(-1)!.toFixed(3)}`);
  }
  const { median: ratio, lower, upper } = estimate(ratios);
  const over = (value: (run: Watched<Measured>) => number) => median(runs.map(value));
  console.log(
    `${profile.padEnd(9)} CPU ratio ${ratio.toFixed(3)} (95 % ${lower.toFixed(3)}-${
      upper.toFixed(3)
    }), ` +
      `Kea ${median(offs.map(({ cpu }) => cpu)).toFixed(0)} us an exchange without, ` +
      `BPF ${bpf(over(({ cost }) => cost.bpf * 1e6 / (rate * seconds)))}, ` +
      `monitor ${over(({ cost }) => cost.monitorCpu / seconds * 100).toFixed(1)} % of a core and ` +
      `${over(({ cost }) => cost.memory / 2 ** 20).toFixed(0)} MiB, ` +
      `attached after ${over(({ attachSeconds }) => attachSeconds).toFixed(1)} s, ` +
      `stopped after ${over(({ stopSeconds }) => stopSeconds).toFixed(1)} s`,
  );
}

/** BPF time an exchange, in words. */
function bpf(microseconds: number): string {
  return Number.isNaN(microseconds) ? "not known" : `${microseconds.toFixed(1)} us an exchange`;
}

async function benchSaturation(bench: Bench, profiles: readonly Profile[]): Promise<void> {
  const overload = () => measure(bench.lab, 8000, 3);
  const rows = new Map<string, number[]>();
  for (let turn = 0; turn < 3; turn++) {
    const free = (await overload()).throughput;
    for (const profile of profiles) {
      const { result } = await watched(bench, profile, overload);
      rows.set(profile, [...rows.get(profile) ?? [], result.throughput / free]);
    }
    console.error(`saturated ${turn + 1}/3: ${free.toFixed(0)} exchanges/s without`);
  }
  for (const [profile, ratios] of rows) {
    const { median: ratio } = estimate(ratios);
    console.log(
      `${profile.padEnd(9)} saturated throughput ratio ${ratio.toFixed(3)} ` +
        `(${ratios.map((value) => value.toFixed(3)).join(", ")})`,
    );
  }
}

if (import.meta.main) {
  await command.parseAsync(Deno.args, { from: "user" });
  const { kea, backend, hook, threads, profile, saturation, ...load } = command.opts();
  await exitWith(async () => {
    await ensureInstalled(backend === "memfile" ? "lab" : "databases", false);
    using signals = new CaughtSignals();
    const bpftrace = await bpftraceOf(kea);
    await using lab = await startLab({
      kea,
      backend,
      threads,
      hooks: hook.map((path) => ({ path })),
    });
    await using _statistics = await BpfStatistics.enable();
    const server = await describeServer(lab.pid);
    console.log(
      `Kea ${server.version}, ${backend}, ${hook.length} hook libraries, ${
        threads === 0 ? "single-threaded" : `${threads} threads`
      }, ` +
        `${load.rate} exchanges/s, bpftrace ${bpftrace.version}`,
    );
    const work = async () => {
      await measure(lab, load.rate, load.seconds);
      for (const each of profile) await benchProfile({ lab, bpftrace }, each as Profile, load);
      if (saturation) await benchSaturation({ lab, bpftrace }, profile as Profile[]);
      return 0;
    };
    const stopped = signals.first.then((signal) =>
      Promise.reject(new Error(`Stopped by ${signal}`))
    );
    return await Promise.race([work(), stopped]);
  });
}
