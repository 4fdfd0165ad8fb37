#!/usr/bin/env -S deno run -A
/**
 * `deno task bench:compare`: how often `compare` finds a change between two spans of the same load, and whether it finds
 * what was changed.
 *
 * @module
 */

import { setTimeout as pause } from "node:timers/promises";
import { compareSides } from "../metrics/comparison/compare_sides.ts";
import type { Comparison } from "../metrics/comparison/comparison.ts";
import type { Side } from "../metrics/comparison/side.ts";
import { changeText, seriesName, statisticVerdict } from "../viz/comparison_words.ts";
import { realTime } from "../tests/e2e/explained.ts";
import { newCommand, numberBetween, print, runMain, say } from "../system/command_line.ts";
import { CaughtSignals, type Keep } from "../tools/lab/caught_signals.ts";
import { bpftraceOf, KEAS } from "../tools/lab/kea_builds.ts";
import { startLab } from "../tools/lab/lab.ts";
import { runPerfdhcp } from "../tools/lab/perfdhcp.ts";
import { watchSpans } from "../tools/lab/watch_spans.ts";
import { ensureInstalled } from "../tools/install/ensure_installed.ts";

const command = newCommand("bench:compare")
  .description(
    "Compare pairs of spans of the same load, on Kea 2.2 and 2.6 in turn (root): each pair that is found slower or " +
      "faster is a false alarm.",
  )
  .option("--pairs <number>", "pairs in all", numberBetween(2, 1000), 40)
  .option("--seconds <number>", "length of a span", numberBetween(8, 3600), 30)
  .option("--rate <number>", "exchanges per second", numberBetween(1, 2000), 50)
  .addHelpText(
    "after",
    `
Examples:
  deno task bench:compare
  deno task bench:compare --pairs 10 --seconds 60 --rate 200

Exit status: 0 at most one pair in twenty is a false alarm, 1 more are.`,
  );

/** So many clients come again and again; each has its lease before the first span begins. */
const CLIENTS = 500;

/**
 * Spans of the same load in one watch of a lab. Its Kea has real-time priority: otherwise these would be comparisons of
 * whatever else this machine does in each span.
 */
async function spansOf(
  kea: keyof typeof KEAS,
  { spans, seconds, rate }: {
    readonly spans: number;
    readonly seconds: number;
    readonly rate: number;
  },
  keep: Keep,
): Promise<Side[]> {
  const lab = await keep(startLab({ kea }));
  await realTime(lab);
  const stop = new AbortController();
  const exchanges = Math.ceil(rate * spans * (seconds + 5)) + 2 * CLIENTS;
  const traffic = runPerfdhcp(lab, { rate, exchanges, clients: CLIENTS, signal: stop.signal });
  traffic.catch(() => {});
  try {
    return await watchSpans(
      lab,
      { profile: "standard", bpftrace: await bpftraceOf(kea) },
      Array.from({ length: spans }, (_, index) => ({
        name: `${kea}, span ${index + 1}`,
        ...index === 0 ? { prepare: () => pause(1000 * CLIENTS / rate) } : {},
        // One window more than needed, for those at the edges.
        work: () => pause(1000 * (seconds + 1)),
      })),
    );
  } finally {
    stop.abort();
    await traffic.catch(() => {});
  }
}

/** What a comparison found, in words. */
function foundIn({ series }: Comparison): string[] {
  return series.flatMap((each) =>
    each.statistics.filter(({ verdict }) => verdict === "up" || verdict === "down").map((
      statistic,
    ) =>
      `${each.metric} ${seriesName(each)} ${statistic.statistic} ${
        changeText(statistic.change)
      }, ` +
      `${statisticVerdict(statistic)}, p ${statistic.p?.toPrecision(2)}`
    )
  );
}

if (import.meta.main) {
  await command.parseAsync(Deno.args, { from: "user" });
  const { pairs, seconds, rate } = command.opts();
  await runMain(async () => {
    await ensureInstalled("tests", false);
    using signals = new CaughtSignals();
    const verdicts = new Map<string, number>();
    for (const kea of ["2.2", "2.6"] as const) {
      const count = kea === "2.2" ? Math.ceil(pairs / 2) : Math.floor(pairs / 2);
      say(`Kea ${kea}: ${count} pairs of ${seconds} s at ${rate} exchanges/s`);
      const spans = await signals.during((keep) =>
        spansOf(kea, { spans: 2 * count, seconds, rate }, keep)
      );
      for (let pair = 0; pair < count; pair++) {
        const [one, other] = [spans[2 * pair]!, spans[2 * pair + 1]!];
        // In alternating order: what drifts is not always in the same direction.
        const result = pair % 2 === 0 ? compareSides(one, other) : compareSides(other, one);
        verdicts.set(result.verdict, (verdicts.get(result.verdict) ?? 0) + 1);
        print(`${kea} pair ${pair + 1}: ${result.verdict}. ${result.why}\n`);
        for (const found of foundIn(result)) print(`  ${found}\n`);
      }
    }
    const alarms = [...verdicts].filter(([verdict]) =>
      verdict !== "same" && verdict !== "cannot say"
    )
      .reduce((sum, [, count]) => sum + count, 0);
    print(`${[...verdicts].map(([verdict, count]) => `${count} ${verdict}`).join(", ")}\n`);
    print(`${alarms} of ${pairs} pairs of the same load were found slower, faster or mixed\n`);
    return alarms <= pairs / 20 ? 0 : 1;
  });
}
