#!/usr/bin/env -S deno run -A
/**
 * `deno task test:matrix`: every supported Kea with the bpftrace of its Debian, single- and
 * multi-threaded, DHCPv4 on raw and UDP sockets, and DHCPv6: compares counts with perfdhcp's and Kea's own.
 *
 * @module
 */

import { describeServer } from "../discovery/servers.ts";
import type { MetricsDocument } from "../metrics/document.ts";
import { newCommand, numberBetween, print, runMain } from "../system/command_line.ts";
import type { Profile } from "../probes/programs.ts";
import { ensureInstalled } from "../tools/install/ensure_installed.ts";
import { CaughtSignals } from "../tools/lab/caught_signals.ts";
import {
  bpftraceOf,
  KEA_OPTION,
  type KeaChoice,
  keaChoice,
  KEAS,
} from "../tools/lab/kea_builds.ts";
import { startLab } from "../tools/lab/lab.ts";
import { compareCounts } from "../tools/lab/counts.ts";
import type { Load } from "../tools/lab/perfdhcp.ts";
import { EDGES_OPTION, preparationAt } from "../tools/lab/packet_edges.ts";
import type { Edges } from "../probes/plan.ts";

const command = newCommand("test:matrix")
  .description(
    "Watch every supported Kea with the bpftrace of its Debian suite, in the deepest profile, and " +
      "compare every count with perfdhcp's and Kea's own (root). Newer suites are installed first.",
  )
  .option("--exchanges <number>", "how many, best a prime number", numberBetween(1, 500_000), 503)
  .option("--rate <number>", "exchanges per second", numberBetween(1, 5000), 200)
  .option("--kea <version|folder>", KEA_OPTION, keaChoice)
  .addOption(EDGES_OPTION)
  .addHelpText(
    "after",
    `
A Kea that is installed in a folder is watched with each supported bpftrace.

Examples:
  deno task test:matrix
  deno task test:matrix --kea /opt/kea
  deno task test:matrix --exchanges 4999 --rate 500 --edges calls

Exit status: 0 every count is equal, 1 one is not.`,
  );

/** A combination of the matrix. */
export interface Combination {
  readonly family: 4 | 6;
  readonly kea: KeaChoice;
  /** DHCPv6 has only UDP sockets. */
  readonly sockets: "raw" | "udp";
  readonly threads: 0 | 2;
  /** The deepest without it. */
  readonly profile?: Profile;
  /** The Kea whose suite has the bpftrace; that of this Kea without it. */
  readonly bpftraceOf?: KeaChoice;
  /** At the sockets without it. */
  readonly edges?: Edges;
}

const VERSIONS = Object.keys(KEAS) as (keyof typeof KEAS)[];

/**
 * All combinations of a Kea, or of all.
 *
 * @param kea one in a folder has no bpftrace of its own, and is combined with each.
 */
function combinationsOf(kea: KeaChoice | undefined): Combination[] {
  const suites = VERSIONS.filter((suite) => kea === undefined || kea === suite);
  const pairs = suites.length > 0
    ? suites.map((suite) => ({ kea: suite, bpftraceOf: suite }))
    : VERSIONS.map((suite) => ({ kea: kea!, bpftraceOf: suite }));
  return pairs.flatMap((pair) =>
    ([[4, "raw"], [4, "udp"], [6, "udp"]] as const).flatMap(([family, sockets]) =>
      ([0, 2] as const).map((threads) => ({ ...pair, family, sockets, threads }))
    )
  );
}

/** The result of a combination. */
export interface Outcome {
  /** Versions, as the programs print them. */
  readonly kea: string;
  readonly bpftrace: string;
  /** Counts that were compared, and those that differ. */
  readonly compared: number;
  readonly different: readonly string[];
  readonly document: MetricsDocument;
}

/** Runs one combination. */
export async function runCombination(
  { edges = "sockets", profile = "deep", bpftraceOf: suite, ...combination }: Combination,
  load: Pick<Load, "exchanges" | "rate" | "patience">,
): Promise<Outcome> {
  const bpftrace = await bpftraceOf(suite ?? combination.kea);
  using signals = new CaughtSignals();
  await using lab = await startLab(combination);
  const { version } = await describeServer(lab.pid);
  const { document, rows } = await signals.during(() =>
    compareCounts(lab, { ...load, profile, bpftrace, preparation: preparationAt(edges) })
  );
  return {
    kea: version,
    bpftrace: bpftrace.version,
    compared: rows.length,
    different: rows.filter(({ ours, theirs }) => ours !== theirs)
      .map(({ what, ours, whose, theirs }) => `${what} ${ours}, ${whose} ${theirs}`),
    document,
  };
}

/** Whether every count of a combination is exact and nothing was missed, and that in words. */
export function judged(
  { compared, different, document }: Outcome,
): { readonly isExact: boolean; readonly words: string } {
  const { verdict, reasons } = document.capture;
  const isExact = compared > 0 && different.length === 0 && verdict === "COMPLETE";
  return {
    isExact,
    words: isExact ? `${compared} equal` : [...different, verdict, ...reasons].join("; "),
  };
}

if (import.meta.main) {
  await command.parseAsync(Deno.args, { from: "user" });
  const { kea, edges, ...load } = command.opts();
  await runMain(async () => {
    await ensureInstalled("suites", false);
    print("Kea      bpftrace  family  sockets  threads  counts\n");
    let isEqual = true;
    for (const combination of combinationsOf(kea)) {
      const outcome = await runCombination({ ...combination, edges }, load);
      const { isExact, words } = judged(outcome);
      isEqual &&= isExact;
      print(
        [
          `${outcome.kea.padEnd(8)} `,
          outcome.bpftrace.padEnd(10),
          `v${combination.family}`.padEnd(8),
          combination.sockets.padEnd(9),
          String(combination.threads).padEnd(9),
          words,
        ].join("") + "\n",
      );
    }
    return isEqual ? 0 : 1;
  });
}
