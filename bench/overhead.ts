#!/usr/bin/env -S deno run -A
/**
 * `deno task bench:overhead`: what each profile costs Kea, switched on and off many times within one Kea
 * process: the ratio of its CPU time per exchange, with a 95 % confidence interval.
 *
 * @module
 */

import { Option } from "@commander-js/extra-typings";
import { newCommand, numberBetween, runMain } from "../system/command_line.ts";
import { ensureInstalled } from "../tools/install/ensure_installed.ts";
import { CaughtSignals } from "../tools/lab/caught_signals.ts";
import { BACKENDS } from "../tools/lab/database.ts";
import { bpftraceOf, KEAS } from "../tools/lab/kea_builds.ts";
import { KEA_PACKET_QUEUE, type Lab, startLab } from "../tools/lab/lab.ts";
import { runPerfdhcp } from "../tools/lab/perfdhcp.ts";
import { describeServer } from "../discovery/servers.ts";
import type { Sample } from "../metrics/capture.ts";
import type { Bpftrace } from "../probes/bpftrace.ts";
import { EDGES, type Edges } from "../probes/plan.ts";
import { preparationAt } from "../tools/lab/packet_edges.ts";
import { watch } from "../probes/watch.ts";
import { type Profile, PROFILES } from "../probes/programs.ts";
import {
  type Alternative,
  ALTERNATIVES,
  UnavailableError,
  withAlternative,
} from "./alternatives.ts";
import { estimate, median } from "./ratio.ts";

const command = newCommand("bench:overhead")
  .description(
    "Measure what watching costs Kea (root). Takes about a minute for 10 alternations of a profile.",
  )
  .addOption(
    new Option("--kea <version...>", "which Keas, with the bpftrace of their Debian suites")
      .choices(
        Object.keys(KEAS) as (keyof typeof KEAS)[],
      ).default(["2.2"] as (keyof typeof KEAS)[]),
  )
  .addOption(
    new Option("--backend <name>", "lease backend").choices(BACKENDS).default("memfile" as const),
  )
  .option("--hook <path...>", "hook libraries", [] as string[])
  .addOption(new Option("--threads <number>", "worker threads of Kea").default(2).argParser(Number))
  .option("--rate <number>", "exchanges per second", numberBetween(10, 5000), 2000)
  .option("--alternations <number>", "how many times on and off", numberBetween(2, 100), 12)
  .option("--seconds <number>", "length of each load", numberBetween(1, 60), 2)
  .addOption(
    new Option("--profile <name...>", "which profiles").choices(PROFILES).default([...PROFILES]),
  )
  .addOption(
    new Option("--edges <where...>", "where packets are seen; the ways take turns")
      .choices(EDGES).default(["sockets"] as Edges[]),
  )
  .addOption(
    new Option("--beside <way...>", "compare with these alternatives").choices(ALTERNATIVES)
      .default([] as Alternative[]),
  )
  .option("--no-saturation", "leave out the throughput under overload")
  .addHelpText(
    "after",
    "\nExamples:\n  deno task bench:overhead\n" +
      "  deno task bench:overhead --threads 0 --profile light --alternations 20\n" +
      "  deno task bench:overhead --kea 2.6 --no-saturation --profile light --edges sockets calls\n" +
      "  deno task bench:overhead --kea 2.2 2.6 newest --no-saturation --beside perfmon strace",
  );

/** The cost of one load. */
interface Measured {
  /** Kea's CPU time per exchange, microseconds. */
  readonly cpu: number;
  /** Answered exchanges per second. */
  readonly throughput: number;
}

/** The parts of a measurement. */
interface Bench {
  readonly lab: Lab;
  readonly bpftrace: Bpftrace;
}

let loads = 0;

/** Sends one load with new clients, and measures Kea's CPU time. */
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

/** The cost of a watch, by its own measurement. */
interface Watched<T> {
  readonly result: T;
  /** From the first sample to the last, and the most memory. */
  readonly cost: { bpf: number | null; monitorCpu: number; memory: number };
  readonly attachSeconds: number;
  readonly stopSeconds: number;
}

/** What is attached, and its name in the table. */
interface Way {
  readonly name: string;
  readonly profile: Profile;
  readonly edges: Edges;
}

/** The ways of a profile; where packets are seen is in their names if there are several. */
function waysOf(profile: Profile, edges: readonly Edges[]): Way[] {
  return edges.map((where) => ({
    name: edges.length === 1 ? profile : `${profile}, ${where}`,
    profile,
    edges: where,
  }));
}

/** Watches a lab's server while something runs. */
async function watched<T>(
  { lab, bpftrace }: Bench,
  { profile, edges }: Way,
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
        preparation: preparationAt(edges),
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
  const costs = samples.flatMap(({ cost }) => cost ?? []);
  const first = costs[0]!;
  const last = costs.at(-1)!;
  return {
    result,
    cost: {
      // The kernel counts for 5 % of the time: a short load can be missed.
      bpf: last.hits > first.hits ? last.bpf_seconds - first.bpf_seconds : null,
      monitorCpu: last.monitor_cpu_seconds - first.monitor_cpu_seconds,
      // At the last one, bpftrace may have ended, without memory.
      memory: Math.max(...costs.map(({ monitor_memory_bytes }) => monitor_memory_bytes)),
    },
    attachSeconds,
    stopSeconds,
  };
}

/** The load, and how often it is sent. */
interface Load {
  readonly rate: number;
  readonly seconds: number;
  readonly alternations: number;
}

/** Ratios of the CPU time per exchange, with each of some things on and off, alternating. */
async function alternate<T extends string>(
  lab: Lab,
  { rate, seconds, alternations }: Load,
  ways: Readonly<Record<T, () => Promise<Measured>>>,
): Promise<{ readonly ratios: Readonly<Record<T, number[]>>; readonly without: number }> {
  const names = Object.keys(ways) as T[];
  const ratios = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<
    T,
    number[]
  >;
  const offs = [await measure(lab, rate, seconds)];
  for (let turn = 0; turn < alternations; turn++) {
    for (const name of names) {
      const on = await ways[name]();
      const off = await measure(lab, rate, seconds);
      // Compared with the loads before and after, because the machine's speed drifts.
      ratios[name].push(on.cpu / ((offs.at(-1)!.cpu + off.cpu) / 2));
      offs.push(off);
      console.error(`${name} ${turn + 1}/${alternations}: ${ratios[name].at(-1)!.toFixed(3)}`);
    }
  }
  return { ratios, without: median(offs.map(({ cpu }) => cpu)) };
}

/** @returns the ratio of each way with its interval, for the table. */
async function benchProfile(
  bench: Bench,
  ways: readonly Way[],
  load: Load,
): Promise<(readonly [name: string, cell: string])[]> {
  const { rate, seconds } = load;
  const measured = ways.map((way) => ({ way, runs: [] as Watched<Measured>[] }));
  const { ratios, without } = await alternate(
    bench.lab,
    load,
    Object.fromEntries(measured.map(({ way, runs }) => [way.name, async () => {
      runs.push(await watched(bench, way, () => measure(bench.lab, rate, seconds)));
      return runs.at(-1)!.result;
    }])),
  );
  return measured.map(({ way: { name }, runs }) => [
    name,
    reported(name, runs, ratios[name]!, without, load),
  ]);
}

/** Prints what a way cost; returns its ratio. */
function reported(
  name: string,
  runs: readonly Watched<Measured>[],
  ratios: readonly number[],
  without: number,
  { rate, seconds }: Load,
): string {
  const over = (value: (run: Watched<Measured>) => number | null) =>
    median(runs.flatMap((run) => value(run) ?? []));
  const cell = formatEstimate(ratios);
  console.log(
    `${name.padEnd(NAMES)}CPU ratio ${cell}, Kea ${without.toFixed(0)} us per exchange without, ` +
      `BPF ${
        over(({ cost }) => cost.bpf && cost.bpf * 1e6 / (rate * seconds)).toFixed(1)
      } us per exchange, ` +
      `monitor ${over(({ cost }) => cost.monitorCpu / seconds * 100).toFixed(1)} % of a core and ` +
      `${over(({ cost }) => cost.memory / 2 ** 20).toFixed(0)} MiB, ` +
      `attached after ${over(({ attachSeconds }) => attachSeconds).toFixed(1)} s, ` +
      `stopped after ${over(({ stopSeconds }) => stopSeconds).toFixed(1)} s`,
  );
  return cell;
}

/** For expensive alternatives: Kea cannot handle a higher rate, and a few alternations are enough. */
const EXPENSIVE = { rate: 300, alternations: 5 } as const;

async function benchOther(lab: Lab, way: Alternative, load: Load): Promise<string> {
  const alternations = Math.min(EXPENSIVE.alternations, load.alternations);
  const own = way === "perfmon"
    ? load
    : { ...load, alternations, rate: Math.min(EXPENSIVE.rate, load.rate) };
  const { rate } = own;
  try {
    await measure(lab, rate, load.seconds);
    const { ratios } = await alternate(lab, own, {
      [way]: async () => {
        await using _way = await withAlternative(lab, way);
        return await measure(lab, rate, load.seconds);
      },
    });
    const cell = formatEstimate(ratios[way]!);
    console.log(`${way.padEnd(NAMES)}CPU ratio ${cell}, at ${rate} exchanges/s`);
    return cell;
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    console.log(`${way.padEnd(NAMES)}${error.message}`);
    return "none";
  }
}

/** Columns of the names. */
const NAMES = 19;

function formatEstimate(ratios: readonly number[]): string {
  const { median: ratio, lower, upper } = estimate(ratios);
  return `${ratio.toFixed(3)} (${lower.toFixed(3)}-${upper.toFixed(3)})`;
}

async function benchSaturation(bench: Bench, ways: readonly Way[]): Promise<void> {
  const overload = () => measure(bench.lab, 8000, 3);
  const rows = new Map<string, number[]>();
  for (let turn = 0; turn < 3; turn++) {
    const free = (await overload()).throughput;
    for (const way of ways) {
      const { result } = await watched(bench, way, overload);
      rows.set(way.name, [...rows.get(way.name) ?? [], result.throughput / free]);
    }
    console.error(`saturated ${turn + 1}/3: ${free.toFixed(0)} exchanges/s without`);
  }
  for (const [name, ratios] of rows) {
    const { median: ratio } = estimate(ratios);
    console.log(
      `${name.padEnd(NAMES)}saturated throughput ratio ${ratio.toFixed(3)} ` +
        `(${ratios.map((value) => value.toFixed(3)).join(", ")})`,
    );
  }
}

await command.parseAsync(Deno.args, { from: "user" });
const { kea, backend, hook, threads, profile, edges, beside, saturation, ...load } = command.opts();
await runMain(async () => {
  await ensureInstalled(backend === "memfile" ? "lab" : "databases", false);
  if (beside.includes("strace")) await ensureInstalled("tests", false);
  using signals = new CaughtSignals();
  /** Ratios by way and Kea. */
  const table = new Map<string, string[]>();
  const keep = (name: string, cell: string) => table.set(name, [...table.get(name) ?? [], cell]);
  const benchKea = async (version: keyof typeof KEAS) => {
    const bpftrace = await bpftraceOf(version);
    const options = {
      ...{ kea: version, backend, threads, packetQueue: KEA_PACKET_QUEUE },
      hooks: hook.map((path) => ({ path })),
    };
    await using lab = await startLab(options);
    const server = await describeServer(lab.pid);
    console.log(
      `Kea ${server.version}, ${backend}, ${hook.length} hook libraries, ${
        threads === 0 ? "single-threaded" : `${threads} threads`
      }, ${load.rate} exchanges/s, bpftrace ${bpftrace.version}`,
    );
    keep("", `Kea ${server.version}`);
    await signals.during(() => measure(lab, load.rate, load.seconds));
    const ways = (profile as Profile[]).map((each) => waysOf(each, edges));
    for (const each of ways) {
      const cells = await signals.during(() => benchProfile({ lab, bpftrace }, each, load));
      for (const [name, cell] of cells) keep(name, cell);
    }
    for (const way of beside) {
      // Without many leases, because Kea reads all of them for each new configuration.
      await using fresh = await startLab(options);
      keep(way, await signals.during(() => benchOther(fresh, way, load)));
    }
    if (saturation) {
      await signals.during(() => benchSaturation({ lab, bpftrace }, ways.flat()));
    }
  };
  for (const version of kea) await benchKea(version);
  console.log("\nCPU time of Kea per exchange, ratio to no monitor (95 %)");
  for (const [name, cells] of table) {
    console.log(name.padEnd(NAMES) + cells.map((cell) => cell.padEnd(23)).join("").trimEnd());
  }
  return 0;
});
