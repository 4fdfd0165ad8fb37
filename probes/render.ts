/**
 * Joins the programs of a plan into one for bpftrace, and refuses anything that could harm the server. Pure.
 *
 * @module
 */

import type { Site } from "../discovery/sites/types.ts";
import type { KernelOffsets } from "./kernel_offsets.ts";
import type { PacketCounting } from "./packet_counting.ts";
import { matches, type Plan, type PlannedSource } from "./plan.ts";
import type { ProgramTexts } from "./program_texts.ts";
import type { Provision } from "./programs.ts";
import { type Template, templatesWith } from "./templates.ts";
import { CALL_NUMBERS, WAIT_CONDITIONS } from "./waiting_calls.ts";

/** A program ready for bpftrace. */
export interface Rendered {
  readonly program: string;
  /** Its attach points, as bpftrace counts them: uprobes, tracepoints and the interval. */
  readonly probes: number;
  /** Maps it prints at every interval. */
  readonly maps: readonly string[];
}

/** A program or a site was refused, because it could harm the server or is not verified. */
export class UnsafeProgramError extends Error {
  override name = "UnsafeProgramError";
}

/** How the lines around one reading of the maps begin; behind the last one is the server. */
export const READING = { start: "reading", end: "read" } as const;

/** Facts about the host and the run, for the programs. */
export interface RenderContext extends PacketCounting {
  readonly kernel: KernelOffsets;
  /** Where the kernel keeps a system call's registers, see `registersOffset()`; 0: unknown. */
  readonly registers: number;
  /** Packets that take longer are printed one by one, nanoseconds; 0 for none. */
  readonly slowNs: number;
  /** Nanoseconds from the programs' clock to the wall clock; 0: unknown, or not needed. */
  readonly wallClock: bigint;
  /** The server's process id on the host, see `hostProcessId()`; null: the one of /proc. */
  readonly hostPid: number | null;
}

/**
 * Renders a plan.
 *
 * @param attachPoints the text after `uprobe:` for each site, by site id.
 * @param intervalMs time between two readings of the maps, milliseconds.
 * @param context missing facts count as unknown; a program that reads structures of the kernel needs their offsets.
 * @throws {UnsafeProgramError} for return probes, functions that act on the system, a site without its proof,
 * an address that is not a site, or a tracepoint that two programs use.
 */
export function render(
  plan: Plan,
  { programs, parts }: ProgramTexts,
  attachPoints: ReadonlyMap<string, string>,
  intervalMs: number,
  context: Partial<RenderContext> = {},
): Rendered {
  const { slowNs = 0, top = false, hostPid = null } = context;
  const templates = templatesWith(parts);
  const parameters = parametersOf(plan, context);
  const tracepoints = new Map<string, string>();
  let probes = 1;

  const texts = plan.sources.map((source) => {
    const { file, sites } = source;
    const text = programs.get(file);
    if (text === undefined) throw new UnsafeProgramError(`Program "${file}" is not at hand`);
    for (const site of sites) refuseUnproven(site);
    const points = new Map(sites.map(({ id }) => [id, pointOf(id, attachPoints)]));
    const body = expand(source, templates(withoutHeader(text)), parameters, points);

    const code = withoutComments(body);
    assertHarmless(file, code);
    refuseUnknownPoints(file, code, new Set(points.values()));
    refuseUnbalanced(file, code);
    for (const [, name] of code.matchAll(/^tracepoint:(\S+?),?$/gm)) {
      const other = tracepoints.get(name!);
      if (other !== undefined) {
        throw new UnsafeProgramError(
          `Programs "${other}" and "${file}" both use tracepoint ${name}`,
        );
      }
      tracepoints.set(name!, file);
      probes++;
    }
    probes += code.matchAll(/^uprobe:/gm).toArray().length;
    return `// ${file}\n${hostPid === null ? body : byTask(body)}`;
  });

  // bpftrace does not know maps that the plan leaves out.
  const kept = new Set(texts.flatMap((text) => text.match(/@\w+/g) ?? []));
  const maps = [...plan.sources.flatMap((source) => source.maps), "@slow_left_out"]
    .filter((map) => kept.has(map));
  const prints = maps.map((map) => `  print(${map});`).join("\n");
  const reading = `interval:ms:${intervalMs}\n{\n` +
    `  printf("${READING.start} %llu\\n", nsecs);\n${prints}\n` +
    (slowNs > 0 ? "  @slow_spent = 0;\n" : "") +
    (top ? "  @top_begun = 1;\n" : "") +
    `  printf("${READING.end} dhcp${plan.server.family}\\n");\n}\n`;
  return { program: [...texts, reading].join("\n"), probes, maps };
}

/** The parameters of all programs of a plan, by the names that the templates use. */
function parametersOf(
  { server, sources, receiveCall, edges }: Plan,
  { kernel, registers = 0, slowNs = 0, wallClock = 0n, hostPid = null, top = false, by = null }:
    Partial<RenderContext>,
) {
  const provided = (provision: Provision) => sources.some((each) => each.provides === provision);
  const isRaw = sources.some(({ file }) => file === "packets_raw.bt");
  return {
    pid: hostPid ?? server.pid,
    v6: server.family === 6,
    kernel,
    registers,
    at_sockets: edges === "sockets",
    receive_call: receiveCall,
    recvmsg: receiveCall === "recvmsg",
    call_numbers: CALL_NUMBERS,
    receive_number: CALL_NUMBERS[receiveCall],
    allocation: provided("allocation"),
    stages: provided("stages"),
    waits: provided("waits"),
    partner: provided("partner"),
    raw_sockets: isRaw,
    // Two programs cannot use one tracepoint.
    sees_sendto: isRaw && edges === "calls",
    waits_for: WAIT_CONDITIONS,
    slow_ns: slowNs,
    top,
    by: by ?? "",
    by_relay: by === "relay",
    by_interface: by === "interface",
    has_relays: top || by === "relay",
    wall_clock: wallClock,
  };
}

/** The expanded text of one program. */
function expand(
  { file, sites }: PlannedSource,
  template: Template,
  parameters: Readonly<Record<string, unknown>>,
  points: ReadonlyMap<string, string>,
): string {
  const having = (pattern: string) => sites.filter(({ id }) => matches(pattern, id));
  try {
    return template({ ...parameters, ...factsOf(sites) }, {
      /** The attach points of all sites that match. */
      uprobe: (pattern: string) => {
        const found = having(pattern);
        if (found.length === 0) throw new Error(`it needs a site "${pattern}", found none`);
        return found.map(({ id }) => points.get(id)).join(",\n");
      },
      /** Whether there is such a site. */
      has: (pattern: string) => having(pattern).length > 0,
    });
  } catch (error) {
    throw new UnsafeProgramError(`Cannot render "${file}": ${(error as Error).message}`);
  }
}

/** The facts about the code around the sites; only plain words and numbers. */
function factsOf(sites: readonly Site[]): Record<string, string> {
  const facts = Object.assign({}, ...sites.map((site) => site.facts ?? {}));
  return Object.fromEntries(
    Object.entries<string>(facts).filter(([, value]) => /^\w+$/.test(value)),
  );
}

function pointOf(id: string, attachPoints: ReadonlyMap<string, string>): string {
  const placement = attachPoints.get(id);
  if (placement === undefined) throw new UnsafeProgramError(`Site "${id}" has no placement`);
  return `uprobe:${placement}`;
}

function withoutHeader(text: string): string {
  return text.replace(/^\/\*[\s\S]*?\*\/\s*/, "");
}

/** The code of a rendered program. */
export function withoutComments(body: string): string {
  return body.replace(/\/\/.*$/gm, "");
}

/** A program that reads process and thread ids from the kernel's task: the host's ids, in any namespace. */
function byTask(body: string): string {
  return body.replace(/(?<![\w$@.>])pid\b/g, "curtask->tgid")
    .replace(/(?<![\w$@.>])tid\b/g, "curtask->pid");
}

function assertHarmless(file: string, code: string): void {
  const harm =
    code.match(/\b(uretprobe|ur|kretprobe|kr|fexit|kretfunc|watchpoint|asyncwatchpoint):/) ??
      code.match(/\b(system|signal|override|clear)\s*\(/);
  if (harm) {
    throw new UnsafeProgramError(`Program "${file}" contains "${harm[1]}", which is not allowed`);
  }
}

/** Refuses an address in a program that is not one of its verified sites. */
function refuseUnknownPoints(file: string, code: string, points: ReadonlySet<string>): void {
  for (const [, point] of code.matchAll(/\b(?:uprobe|u):\s*("[^"]*":[^\s,{]*|[^\s,{]*)/g)) {
    if (points.has(`uprobe:${point}`)) continue;
    throw new UnsafeProgramError(`Program "${file}" names a probe site itself: "${point}"`);
  }
}

function refuseUnbalanced(file: string, code: string): void {
  const braces = code.replace(/"(?:[^"\\]|\\.)*"/g, "");
  let depth = 0;
  for (const [brace] of braces.matchAll(/[{}]/g)) {
    depth += brace === "{" ? 1 : -1;
    if (depth < 0) break;
  }
  if (depth !== 0) throw new UnsafeProgramError(`Program "${file}" has unbalanced braces`);
}

function refuseUnproven({ id, address, file, proof }: Site): void {
  const proven = proof !== undefined && proof.buildId === file.buildId &&
    proof.device === file.device && proof.inode === file.inode && proof.bytes.length > 0 &&
    address >= proof.function.start && address < proof.function.end;
  if (!proven) throw new UnsafeProgramError(`Site "${id}" does not carry its proof`);
}
