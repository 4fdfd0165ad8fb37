/**
 * The functions worth probing in a program, by metric, for people and for programs.
 *
 * @module
 */

import { COST_PER_HIT_US } from "../costs.ts";
import type { Site, SiteGroup, SiteSearch } from "./types.ts";
import type { MetricName } from "../../metrics/metric_names.ts";
import type { Program } from "../types.ts";

/** Every group of sites, with the metric that it serves in the metrics document. */
const METRICS: Readonly<Record<SiteGroup, MetricName>> = {
  allocation: "lease_allocation_time",
  lease_file: "database_query_time",
  lease_manager: "database_query_time",
  callouts: "hook_callout_time",
  stages: "packet_stage_time",
  postgresql: "database_query_time",
  mariadb: "database_query_time",
  exceptions: "error_rate",
  log: "error_rate",
  statistics: "error_rate",
};

/** The groups that a report shows. */
export const GROUPS = Object.keys(METRICS) as readonly SiteGroup[];

/** A function and the places where its calls or its entry are probed. */
export interface ReportedFunction {
  readonly metric: string;
  /** Mangled name. */
  readonly symbol: string;
  /** In C++ words. */
  readonly function: string;
  readonly sites: readonly {
    readonly id: string;
    readonly library: string;
    /** ELF virtual address, hexadecimal. */
    readonly address: string;
    readonly instruction: string;
    readonly class: Site["class"];
    /** What one hit costs the server, microseconds. */
    readonly price_us: number;
    readonly hits_per_packet: number;
  }[];
}

/** What `find-symbols --json` prints. */
export interface SiteReport {
  readonly pid: number | null;
  readonly family: Program["family"];
  readonly executable: string;
  readonly functions: readonly ReportedFunction[];
  readonly refusals: SiteSearch["refusals"];
  /** Hook points by number; absent without --hooks. */
  readonly hook_points?: readonly string[];
}

/** The symbol of a site: the called or entered function. */
export function symbolOf({ proof, symbol, entrySymbol }: Site): string {
  return proof.target ?? entrySymbol ?? symbol ?? "";
}

/**
 * Makes a report.
 *
 * @param words symbols in C++ words.
 */
export function siteReport(
  { pid, family, executable }: Program,
  { sites, refusals }: SiteSearch,
  words: ReadonlyMap<string, string>,
  hookPoints?: readonly string[],
): SiteReport {
  const functions = GROUPS.flatMap((group) => {
    const ofGroup = sites.filter(({ id }) => id.startsWith(`${group}.`));
    return Array.from(Map.groupBy(ofGroup, symbolOf), ([symbol, same]): ReportedFunction => ({
      metric: METRICS[group],
      symbol,
      function: words.get(symbol) ?? symbol,
      sites: same.map((site) => ({
        id: site.id,
        library: site.file.path,
        address: `0x${site.address.toString(16)}`,
        instruction: site.proof.instruction,
        class: site.class,
        price_us: COST_PER_HIT_US[site.class],
        hits_per_packet: site.hitsPerPacket,
      })),
    }));
  });
  return {
    pid,
    family,
    executable: executable.path,
    functions,
    refusals,
    ...(hookPoints === undefined ? {} : { hook_points: hookPoints }),
  };
}

/** Renders a report for people. */
export function siteReportText(report: SiteReport): string {
  const { pid, family, executable, functions, refusals, hook_points } = report;
  const lines = [
    `${executable}, DHCPv${family}, ${pid === null ? "not running" : `pid ${pid}`}`,
    "Packets, traffic, CPU and memory need no function: they come from system calls and /proc.",
  ];
  for (const [metric, ofMetric] of Map.groupBy(functions, (f) => f.metric)) {
    lines.push("", metric);
    for (const { function: name, symbol, sites } of ofMetric) {
      lines.push(`  ${name}`, ...(symbol === name ? [] : [`  ${symbol}`]));
      for (const site of sites) {
        lines.push(
          `    ${site.id.padEnd(42)} ${site.library.split("/").at(-1)!.padEnd(26)} ` +
            `${site.address.padStart(8)}  ${site.instruction.split(/\s/)[0]!.padEnd(5)} ` +
            `${site.class.padEnd(14)} ${String(site.price_us).padStart(2)} us`,
        );
      }
    }
  }
  if (refusals.length > 0) {
    lines.push("", "Not available", ...refusals.map(({ id, why }) => `  ${id} ${why}`));
  }
  if (hook_points !== undefined) {
    lines.push("", "Hook points");
    hook_points.forEach((name, number) => lines.push(`  ${String(number).padStart(3)}  ${name}`));
  }
  return lines.join("\n");
}
