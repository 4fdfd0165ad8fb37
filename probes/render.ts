/**
 * Lays the programs of a plan one after the other into one that bpftrace runs, and refuses what
 * could harm the server. Pure.
 *
 * @module
 */

import type { ReceiveCall } from "../discovery/sites/receive_call.ts";
import type { Site } from "../discovery/sites/types.ts";
import { matches, type Plan } from "./plan.ts";
import { SOURCES } from "./sources.ts";

/** A program ready for bpftrace. */
export interface Rendered {
  readonly program: string;
  /** Attach points in it, as bpftrace counts them: uprobes, tracepoints and the interval. */
  readonly probes: number;
  /** Maps it prints at every interval. */
  readonly maps: readonly string[];
}

/** A program or a site was refused, because it could harm the server or proves nothing. */
export class UnsafeProgramError extends Error {
  override name = "UnsafeProgramError";
}

/** Lines that frame one reading of the maps in what the program prints. */
export const READING = { start: "reading", end: "read" } as const;

/** What the host and the run bring to the programs. */
export interface Surroundings {
  /** Where the kernel keeps a system call's registers, see `registersOffset()`; 0: not known. */
  readonly registers: number;
  /** With which call the server takes packets from raw sockets. */
  readonly receives: ReceiveCall;
  /** Packets that take longer are printed one by one, nanoseconds; 0 for none. */
  readonly slowNs: number;
  /** Nanoseconds from the programs' clock to the wall clock; 0: not known, or of no use. */
  readonly wallClock: bigint;
  /** The server's process id on the host, see `hostProcessId()`; null: the one of /proc. */
  readonly hostPid: number | null;
}

/**
 * Renders a plan.
 *
 * @param texts the `.bt` files by name.
 * @param placements how bpftrace is to find each site, by site id: what follows `uprobe:`.
 * @param surroundings what is not given is taken for unknown, and `read` for the call.
 * @param intervalMs time between two readings of the maps, milliseconds.
 * @throws {UnsafeProgramError} for return probes, functions that act on the system, a site without
 * its proof, or a tracepoint that two programs use.
 */
export function render(
  plan: Plan,
  texts: ReadonlyMap<string, string>,
  placements: ReadonlyMap<string, string>,
  intervalMs: number,
  surroundings: Partial<Surroundings> = {},
): Rendered {
  const { registers = 0, receives = "read", slowNs = 0, wallClock = 0n, hostPid = null } =
    surroundings;
  const files = new Set(plan.sources.map(({ file }) => file));
  const parts: string[] = [];
  const tracepoints = new Map<string, string>();
  let probes = 1;

  for (const { file, sites } of plan.sources) {
    const text = texts.get(file);
    if (text === undefined) throw new UnsafeProgramError(`Program "${file}" is not at hand`);
    let body = text.replace(/^\/\*[\s\S]*?\*\/\s*/, "");
    refuseHarm(file, body);
    for (const site of sites) refuseUnproven(site);

    const parameters = [
      String(hostPid ?? plan.server.pid),
      secondParameter(file, plan, files),
      String(registers),
      receives === "read" ? "0" : "1",
      files.has("stages.bt") ? "1" : "0",
      String(slowNs),
      String(wallClock),
    ];
    if (file === "packets_raw.bt") body = body.replaceAll("sys_exit_read", `sys_exit_${receives}`);
    body = body.replace(/\$([1-7])\b/g, (_, n: string) => parameters[Number(n) - 1]!);
    if (hostPid !== null) body = byTask(body);
    // A probe whose condition begins with what is not so is for another case: it is left out.
    body = body.replace(
      /^tracepoint:\S+\n\/((?:\d+ == \d+ && )+)[\s\S]*?^\}\n\n/gm,
      (probe, conditions: string) =>
        Array.from(conditions.matchAll(/(\d+) == (\d+)/g)).every(([, a, b]) => a === b)
          ? probe
          : "",
    );
    for (const [, name] of body.matchAll(/^tracepoint:(\S+?),?$/gm)) {
      const other = tracepoints.get(name!);
      if (other !== undefined) {
        throw new UnsafeProgramError(
          `Programs "${other}" and "${file}" both use tracepoint ${name}`,
        );
      }
      tracepoints.set(name!, file);
      probes++;
    }
    // A probe that can be done without, where there is no site for it.
    body = body.replace(
      /^uprobe:\{\{(.+?)\?\}\}(\n[\s\S]*?^\}(?:\n\n|\n$))/gm,
      (_, pattern: string, rest: string) =>
        sites.some(({ id }) => matches(pattern, id)) ? `uprobe:{{${pattern}}}${rest}` : "",
    );
    body = body.replace(/^uprobe:\{\{(.+?)\}\}$/gm, (_, pattern: string) => {
      const points = sites.filter(({ id }) => matches(pattern, id)).map(({ id }) => {
        const placement = placements.get(id);
        if (placement === undefined) throw new UnsafeProgramError(`Site "${id}" has no placement`);
        return `uprobe:${placement}`;
      });
      if (points.length === 0) {
        throw new UnsafeProgramError(`Program "${file}" needs a site "${pattern}", found none`);
      }
      probes += points.length;
      return points.join(",\n");
    });
    const facts = Object.assign({}, ...sites.map((site) => site.facts ?? {}));
    body = body.replace(/\{\{(\w+)\}\}/g, (open, name: string) => {
      const value = String(facts[name] ?? "");
      return /^\w+$/.test(value) ? value : open;
    });
    parts.push(`// ${file}\n${body}`);
  }

  const maps = [
    ...SOURCES.filter(({ file }) => files.has(file)).flatMap((source) => source.maps),
    ...slowNs > 0 ? ["@slow_left_out"] : [],
  ];
  const prints = maps.map((map) => `  print(${map});`).join("\n");
  parts.push(
    `interval:ms:${intervalMs}\n{\n  printf("${READING.start} %llu\\n", nsecs);\n${prints}\n` +
      (slowNs > 0 ? "  @slow_spent = 0;\n" : "") +
      `  printf("${READING.end}\\n");\n}\n`,
  );
  const program = parts.join("\n");
  if (program.includes("{{")) throw new UnsafeProgramError("A site was left open in the program");
  return { program, probes, maps };
}

/** A program that reads a thread's numbers from the kernel's task: those of the host, in any namespace. */
function byTask(body: string): string {
  return body.replace(/(?<![\w$@.>])pid\b/g, "curtask->tgid")
    .replace(/(?<![\w$@.>])tid\b/g, "curtask->pid");
}

function secondParameter(file: string, plan: Plan, files: ReadonlySet<string>): string {
  if (file === "lease_file.bt") return String(plan.server.leaseFile?.fd ?? -1);
  const hasAllocation = files.has("allocation.bt") || files.has("allocation_v6.bt");
  if (file === "callouts.bt") return hasAllocation ? String(plan.server.family) : "0";
  return hasAllocation ? "1" : "0";
}

function refuseHarm(file: string, body: string): void {
  const code = body.replace(/\/\/.*$/gm, "");
  const harm =
    code.match(/\b(uretprobe|ur|kretprobe|kr|fexit|kretfunc|watchpoint|asyncwatchpoint):/) ??
      code.match(/\b(system|signal|override|clear)\s*\(/);
  if (harm) {
    throw new UnsafeProgramError(`Program "${file}" holds "${harm[1]}", which is not allowed`);
  }
  for (const [, point] of code.matchAll(/^(?:uprobe|u):(.*)$/gm)) {
    if (!/^\{\{.+\}\}$/.test(point!.trim())) {
      throw new UnsafeProgramError(`Program "${file}" names a probe site itself: "${point}"`);
    }
  }
}

function refuseUnproven({ id, address, file, proof }: Site): void {
  const proven = proof !== undefined && proof.buildId === file.buildId &&
    proof.device === file.device && proof.inode === file.inode && proof.bytes.length > 0 &&
    address >= proof.function.start && address < proof.function.end;
  if (!proven) throw new UnsafeProgramError(`Site "${id}" does not carry its proof`);
}
