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
import {
  newCommand,
  numberBetween,
  oneLine,
  resolveUserPath,
  runMain,
} from "../system/command_line.ts";
import { ensureInstalled } from "../tools/install/ensure_installed.ts";
import { CaughtSignals, type Keep } from "../tools/lab/caught_signals.ts";
import { type Lab, startLab } from "../tools/lab/lab.ts";
import { runPerfdhcp } from "../tools/lab/perfdhcp.ts";
import { type Print, printerTo } from "./kept_lines.ts";
import { MeasuredExporter, type Taken, takenBy } from "./measured_exporter.ts";
import { slopeOf } from "./slope.ts";

const command = newCommand("bench:soak")
  .description("Run the exporter for hours, and print what it takes once a minute (root).")
  .option("--hours <number>", "how long", numberBetween(0.01, 1000), 2)
  .option("--rate <number>", "exchanges per second", numberBetween(1, 5000), 1000)
  .option("--restart <minutes>", "time between two restarts of Kea", numberBetween(0.5, 10_000), 20)
  .option("--scrape <seconds>", "time between two scrapes", numberBetween(1, 3600), 15)
  .option("--reading <seconds>", "time between two readings", numberBetween(0.5, 10), 5)
  .option("--viewer", "look at the server's page all the time")
  .option("-o, --output <file>", "the lines go to this file too", resolveUserPath, "soak.txt")
  .addOption(PROFILE_OPTION)
  .addHelpText(
    "after",
    "\nExamples:\n  deno task bench:soak --viewer\n" +
      "  deno task bench:soak --hours 0.05 --restart 1 --rate 200",
  );

/** Longest time until all packets that were sent are counted, and until a new Kea is watched, milliseconds. */
const [COUNTED_LIMIT_MS, WATCHED_LIMIT_MS] = [60_000, 180_000];

/** After that, all packets are counted that will be: two readings and the longest wait for an answer, milliseconds. */
const QUIET_MS = 20_000;

/** Time between two cleanups of the lease file, seconds: it grows with each exchange. */
const CLEANUP_SECONDS = 420;

/** Time between two lines, milliseconds. */
const LINE_MS = 60_000;

/** The first part of the time, in which V8 and Kea reach their size: it is not part of the slopes. */
const WARM_UP = 0.2;

type Processes = Readonly<Record<"Deno" | "bpftrace" | "drawing" | "Kea", Taken>>;

const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1);

/** Prints what each process takes, once a minute, and the slopes at the end. */
class Observation {
  readonly #exporter: MeasuredExporter;
  readonly #lab: Lab;
  readonly #print: Print;
  readonly #points: { readonly hours: number; readonly taken: Processes }[] = [];
  readonly #start = performance.now();

  constructor(exporter: MeasuredExporter, lab: Lab, print: Print) {
    [this.#exporter, this.#lab, this.#print] = [exporter, lab, print];
  }

  async line(): Promise<void> {
    const { exporter, bpftrace, drawing } = await this.#exporter.cost();
    const taken = { Deno: exporter, bpftrace, drawing, Kea: await takenBy(this.#lab.pid) };
    const hours = (performance.now() - this.#start) / 3600_000;
    const before = this.#points.at(-1);
    const seconds = 3600 * (hours - (before?.hours ?? 0));
    this.#points.push({ hours, taken });
    const parts = (Object.keys(taken) as (keyof Processes)[]).map((name) => {
      const { memory, cpu } = taken[name];
      // Another process of that name has none of the time of the one before.
      const more = Math.max(0, cpu - (before?.taken[name].cpu ?? cpu));
      return `${name} ${mebibytes(memory)} MiB ${(100 * more / seconds).toFixed(2)} %`;
    });
    this.#print(`${(60 * hours).toFixed(1)} min: ${parts.join(", ")}`);
  }

  /** Prints until stopped; what cannot be read once is read the next time. */
  async on(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.line().catch((error) => this.#print(oneLine(error)));
      await pause(LINE_MS, undefined, { signal }).catch(() => {});
    }
  }

  /** Memory per hour. */
  summary(): void {
    const from = (this.#points.at(-1)?.hours ?? 0) * WARM_UP;
    const points = this.#points.filter(({ hours }) => hours >= from);
    // bpftrace and Kea are other ones after each restart.
    for (const name of ["Deno", "bpftrace", "drawing"] as const) {
      const values = points.map(({ hours, taken }) => [hours, taken[name].memory] as const)
        .filter(([, memory]) => memory > 0);
      if (values.length === 0) continue;
      const most = Math.max(...values.map(([, memory]) => memory));
      this.#print(
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

/** Waits until all packets are counted; returns how many are missing. */
async function untilCounted(
  exporter: MeasuredExporter,
  sent: number,
  print: Print,
): Promise<number> {
  const limit = performance.now() + COUNTED_LIMIT_MS;
  for (;;) {
    const { received, dropped } = await counted(exporter);
    const missing = sent - received - dropped;
    if (missing === 0 || performance.now() > limit) {
      print(
        `perfdhcp has sent ${sent} packets, Kea received ${received}, the kernel dropped ` +
          `${dropped}: ${missing === 0 ? "equal" : `${missing} are missing`}`,
      );
      return missing;
    }
    await pause(1000);
  }
}

/** Scrapes until stopped; returns how long each took, milliseconds. */
async function scrapeOn(
  exporter: MeasuredExporter,
  ms: number,
  signal: AbortSignal,
  print: Print,
): Promise<number[]> {
  const times: number[] = [];
  while (!signal.aborted) {
    await exporter.scrape(FORMATS.openmetrics).then(
      ({ milliseconds }) => times.push(milliseconds),
      (error) => print(oneLine(error)),
    );
    await pause(ms, undefined, { signal }).catch(() => {});
  }
  return times;
}

/** Looks at a server's page until stopped. */
async function viewOn(exporter: MeasuredExporter, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const events = await fetch(`${exporter.base}/live?server=dhcp4`, { signal }).catch(() => null);
    await events?.body?.pipeTo(new WritableStream()).catch(() => {});
    await pause(1000, undefined, { signal }).catch(() => {});
  }
}

/** Restarts Kea, and waits until the new one is watched. */
async function restartKea(lab: Lab, exporter: MeasuredExporter, restarts: number): Promise<void> {
  Deno.kill(lab.pid, "SIGTERM");
  await lab.restart();
  const limit = performance.now() + WATCHED_LIMIT_MS;
  // The restart is counted with the new server's first record.
  while (await exporter.sum("server_restarts_total") < restarts) {
    if (performance.now() > limit) throw new Error("Kea was restarted, and is not watched");
    await pause(200);
  }
  await exporter.untilReady();
}

async function soak(options: ReturnType<typeof command.opts>, keep: Keep): Promise<boolean> {
  const { hours, rate, restart, scrape, reading, profile, viewer } = options;
  const print = printerTo(options.output);
  const lab = await keep(startLab({ cleanupSeconds: CLEANUP_SECONDS }));
  const exporter = await keep(MeasuredExporter.start(lab, [
    ...["--profile", profile, "--reading", String(reading)],
  ]));
  await exporter.untilReady();
  const stop = new AbortController();
  const [before, start] = [await exporter.cost(), performance.now()];
  const observation = new Observation(exporter, lab, print);
  const observing = observation.on(stop.signal);
  const scraping = scrapeOn(exporter, 1000 * scrape, stop.signal, print);
  const viewing = viewer ? viewOn(exporter, stop.signal) : null;
  const end = start + 3600_000 * hours;
  let [sent, restarts, missing, failures] = [0, 0, 0, 0];
  try {
    for (;;) {
      const seconds = Math.min(60 * restart, Math.max(5, (end - performance.now()) / 1000));
      const load = { rate, exchanges: Math.round(rate * seconds), clients: 10_000 };
      const report = await runPerfdhcp(lab, load).catch((error) => void print(oneLine(error)));
      if (report === undefined) {
        // How many it has sent is not known: the next rounds are compared.
        await pause(QUIET_MS);
        const { received, dropped } = await counted(exporter);
        [sent, failures] = [received + dropped + missing, failures + 1];
      } else {
        sent += Object.values(report).reduce((sum, each) => sum + each.sent, 0);
        // What was missing before is missing for good.
        missing += await untilCounted(exporter, sent - missing, print);
      }
      if (performance.now() >= end) break;
      await restartKea(lab, exporter, ++restarts);
    }
  } catch (error) {
    print(`Ended early: ${oneLine(error)}`);
    throw error;
  } finally {
    stop.abort();
    await Promise.all([observing, viewing]);
    observation.summary();
  }
  const [after, elapsed] = [await exporter.cost(), (performance.now() - start) / 1000];
  const share = (seconds: number) => `${(100 * seconds / elapsed).toFixed(2)} %`;
  print(
    `CPU: Deno ${share(after.exporter.cpu - before.exporter.cpu)} of a core; programs that have ` +
      `ended, ${restarts} bpftraces and plans among them, ${share(after.ended - before.ended)}`,
  );
  const times = await scraping;
  print(
    `${times.length} scrapes, the longest took ${Math.max(...times).toFixed(0)} ms; not watched ` +
      `for ${
        (await exporter.sum("unwatched_seconds_total")).toFixed(1)
      } s in ${restarts} restarts; ` +
      `${missing} of ${sent} packets are missing, perfdhcp has failed ${failures} times`,
  );
  return missing === 0 && failures === 0;
}

await command.parseAsync(Deno.args, { from: "user" });
await runMain(async () => {
  await ensureInstalled("lab", false);
  using signals = new CaughtSignals();
  return await signals.during((keep) => soak(command.opts(), keep)) ? 0 : 1;
});
