#!/usr/bin/env -S deno run -A
/**
 * `deno task bench:soak`: the exporter for hours under load, with scrapes and restarts of Kea: whether the memory of
 * a process grows, what it takes, and whether every packet is counted.
 *
 * @module
 */

import { setTimeout as pause } from "node:timers/promises";
import { FORMATS } from "../export/prometheus/negotiation.ts";
import { PROFILE_OPTION } from "../probes/watch_options.ts";
import { newCommand, numberBetween, runMain } from "../system/command_line.ts";
import { ensureInstalled } from "../tools/install/ensure_installed.ts";
import { CaughtSignals } from "../tools/lab/caught_signals.ts";
import { type Lab, startLab } from "../tools/lab/lab.ts";
import { runPerfdhcp } from "../tools/lab/perfdhcp.ts";
import { MeasuredExporter, type Taken, takenBy } from "./measured_exporter.ts";
import { slopeOf } from "./slope.ts";

const command = newCommand("bench:soak")
  .description("Run the exporter for hours, and print what it takes once a minute (root).")
  .option("--hours <number>", "how long", numberBetween(0.01, 1000), 2)
  .option("--rate <number>", "exchanges per second", numberBetween(1, 5000), 1000)
  .option("--restart <minutes>", "time between two restarts of Kea", numberBetween(0.5, 10_000), 20)
  .option("--scrape <seconds>", "time between two scrapes", numberBetween(1, 3600), 15)
  .addOption(PROFILE_OPTION)
  .addHelpText(
    "after",
    "\nExamples:\n  deno task bench:soak\n  deno task bench:soak --hours 0.05 --restart 1 --rate 200",
  );

/** Longest time until all packets that were sent are counted, milliseconds. */
const COUNTED_LIMIT_MS = 60_000;

/** Time between two lines, milliseconds. */
const LINE_MS = 60_000;

/** The first part of the time, in which V8 and Kea reach their size: it is not part of the slopes. */
const WARM_UP = 0.2;

type Processes = Readonly<Record<"Deno" | "bpftrace" | "Kea", Taken>>;

const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1);

/** Prints what each process takes, once a minute, and the slopes at the end. */
class Observation {
  readonly #exporter: MeasuredExporter;
  readonly #lab: Lab;
  readonly #points: { readonly hours: number; readonly taken: Processes }[] = [];
  readonly #start = performance.now();

  constructor(exporter: MeasuredExporter, lab: Lab) {
    this.#exporter = exporter;
    this.#lab = lab;
  }

  async line(): Promise<void> {
    const { exporter, bpftrace } = await this.#exporter.cost();
    const taken = { Deno: exporter, bpftrace, Kea: await takenBy(this.#lab.pid) };
    const hours = (performance.now() - this.#start) / 3600_000;
    this.#points.push({ hours, taken });
    const parts = Object.entries(taken).map(([name, { memory }]) =>
      `${name} ${mebibytes(memory)} MiB`
    );
    console.log(`${(60 * hours).toFixed(1)} min: ${parts.join(", ")}`);
  }

  async on(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.line();
      await pause(LINE_MS, undefined, { signal }).catch(() => {});
    }
  }

  /** Memory per hour, of the processes that live for the whole time. */
  summary(): void {
    const from = this.#points.at(-1)!.hours * WARM_UP;
    const points = this.#points.filter(({ hours }) => hours >= from);
    // bpftrace is another one after each restart of Kea.
    for (const name of ["Deno", "bpftrace"] as const) {
      const values = points.map(({ hours, taken }) => [hours, taken[name].memory] as const)
        .filter(([, memory]) => memory > 0);
      const most = Math.max(...values.map(([, memory]) => memory));
      console.log(
        `${name}: ${mebibytes(slopeOf(values))} MiB per hour, ${mebibytes(most)} MiB at most`,
      );
    }
  }
}

/** What the exporter has counted so far: what Kea received, and what the kernel dropped before. */
async function counted(exporter: MeasuredExporter): Promise<{ received: number; dropped: number }> {
  return {
    received: await exporter.sum("packets_received_total"),
    dropped: await exporter.sum("kernel_dropped_packets_total"),
  };
}

/** Waits until all packets are counted; says what is missing otherwise. */
async function untilCounted(exporter: MeasuredExporter, sent: number): Promise<boolean> {
  const limit = performance.now() + COUNTED_LIMIT_MS;
  for (;;) {
    const { received, dropped } = await counted(exporter);
    const isEqual = received + dropped === sent;
    if (isEqual || performance.now() > limit) {
      console.log(
        `perfdhcp has sent ${sent} packets, Kea received ${received}, the kernel dropped ` +
          `${dropped}: ${isEqual ? "equal" : `${sent - received - dropped} are missing`}`,
      );
      return isEqual;
    }
    await pause(1000);
  }
}

async function scrapeOn(exporter: MeasuredExporter, ms: number, signal: AbortSignal) {
  const times: number[] = [];
  while (!signal.aborted) {
    times.push((await exporter.scrape(FORMATS.openmetrics)).milliseconds);
    await pause(ms, undefined, { signal }).catch(() => {});
  }
  return times;
}

async function soak(options: ReturnType<typeof command.opts>): Promise<boolean> {
  const { hours, rate, restart, scrape, profile } = options;
  await using lab = await startLab();
  await using exporter = await MeasuredExporter.start(lab, ["--profile", profile]);
  await exporter.untilReady();
  const stop = new AbortController();
  const [before, start] = [await exporter.cost(), performance.now()];
  const observation = new Observation(exporter, lab);
  const observing = observation.on(stop.signal);
  const scraping = scrapeOn(exporter, 1000 * scrape, stop.signal);
  const end = start + 3600_000 * hours;
  let [sent, restarts, isEqual] = [0, 0, true];
  while (isEqual && performance.now() < end) {
    const seconds = Math.min(60 * restart, Math.max(5, (end - performance.now()) / 1000));
    const report = await runPerfdhcp(lab, {
      rate,
      exchanges: Math.round(rate * seconds),
      clients: 10_000,
    });
    sent += Object.values(report).reduce((sum, each) => sum + each.sent, 0);
    isEqual = await untilCounted(exporter, sent);
    if (performance.now() >= end) break;
    Deno.kill(lab.pid, "SIGTERM");
    await lab.restart();
    restarts++;
    // The restart is counted with the new server's first record.
    while (await exporter.sum("server_restarts_total") < restarts) await pause(200);
    await exporter.untilReady();
  }
  stop.abort();
  await observing;
  await observation.line();
  const [after, elapsed] = [await exporter.cost(), (performance.now() - start) / 1000];
  const times = await scraping;
  observation.summary();
  const cpu = after.exporter.cpu - before.exporter.cpu;
  const programs = after.ended - before.ended;
  console.log(
    `CPU: Deno ${(100 * cpu / elapsed).toFixed(2)} % of a core; programs that have ended, ` +
      `${restarts} bpftraces and plans among them, ${(100 * programs / elapsed).toFixed(2)} %`,
  );
  console.log(
    `${times.length} scrapes, the longest took ${Math.max(...times).toFixed(0)} ms; not watched ` +
      `for ${(await exporter.sum("unwatched_seconds_total")).toFixed(1)} s in ${restarts} restarts`,
  );
  return isEqual;
}

await command.parseAsync(Deno.args, { from: "user" });
await runMain(async () => {
  await ensureInstalled("lab", false);
  using signals = new CaughtSignals();
  return await signals.during(soak(command.opts())) ? 0 : 1;
});
