/**
 * Where a kernel keeps the registers of a system call on the thread's stack: measured, not assumed.
 *
 * With it, the exit of a read shows where its buffer is. So the tracepoint at its entry, which costs the server
 * 1 us per packet, is not needed.
 *
 * @module
 */

import { childEnvironment } from "../system/run.ts";
import { sendSignal } from "../system/signals.ts";
import { type Bpftrace, BPFTRACE_ENVIRONMENT } from "./bpftrace.ts";

/** Caches the result until the next boot. */
const MEMORY = "/run/kea-ebpf-monitoring/registers_offset";

/** Bytes of struct pt_regs on x86-64. */
const PT_REGS = 168;

/**
 * Places to try: the top of a stack of 16 KiB, or 32 KiB with KASAN, minus pt_regs, and minus the 16 bytes
 * that kernels with support for FRED leave above it.
 */
const CANDIDATES = [16384, 32768].flatMap((size) => [size - PT_REGS, size - PT_REGS - 16]);

/** Readings that must agree. */
const READINGS = 20;

/** So many readings end it where no candidate agrees. */
const ENOUGH = 10 * READINGS;

/** Longest time to measure it, milliseconds: bpftrace itself takes 0.5 s, and much longer on a busy host. */
const LIMIT_MS = 30_000;

/**
 * Measures the offset with reads of our own: at their entry the address of the buffer is known; at their exit
 * it must be in the saved registers, every time.
 *
 * @returns the offset of the registers from the lowest address of the stack; 0 when it was not found.
 */
export async function registersOffset(bpftrace: Bpftrace): Promise<number> {
  if (Deno.build.arch !== "x86_64") return 0;
  const known = Number(await Deno.readTextFile(MEMORY).catch(() => ""));
  if (CANDIDATES.includes(known)) return known;
  const found = await learn(bpftrace);
  if (found !== 0) {
    await Deno.mkdir("/run/kea-ebpf-monitoring", { recursive: true });
    await Deno.writeTextFile(`${MEMORY}.${Deno.pid}`, String(found));
    await Deno.rename(`${MEMORY}.${Deno.pid}`, MEMORY);
  }
  return found;
}

/** The program: how many exits of our reads agree with each candidate, and how many there were. */
export function trialProgram(pid: number): string {
  const tests = CANDIDATES.map((offset) =>
    `  if (*(uint64*)kptr((uint64)curtask->stack + ${offset} + 104) == @buffer[tid]) ` +
    `{ @agree[${offset}] = count(); }`
  );
  return `tracepoint:syscalls:sys_enter_read
/pid == ${pid}/
{
  @buffer[tid] = (uint64)args->buf;
}

tracepoint:syscalls:sys_exit_read
/pid == ${pid} && @buffer[tid] != 0/
{
  @agree[0] = count();
${tests.join("\n")}
  @buffer[tid] = (uint64)0;
}

interval:ms:50 { print(@agree); }
`;
}

/** Chooses the candidate that every exit agreed with; 0 if there is none yet. */
export function chosen(agree: Readonly<Record<string, number>>): number {
  const exits = agree["0"] ?? 0;
  if (exits < READINGS) return 0;
  return CANDIDATES.find((offset) => agree[String(offset)] === exits) ?? 0;
}

async function learn({ command }: Bpftrace): Promise<number> {
  const [program, ...rest] = command;
  const child = new Deno.Command("setpriv", {
    args: [
      ...["--pdeathsig", "KILL", "--", program!, ...rest],
      ...["--unsafe", "-f", "json", "-e", trialProgram(Deno.pid)],
    ],
    clearEnv: true,
    env: childEnvironment(BPFTRACE_ENVIRONMENT),
    stdin: "null",
    stdout: "piped",
    stderr: "null",
    detached: true,
  }).spawn();
  const stop = () => sendSignal(child, "SIGKILL");
  const limit = setTimeout(stop, LIMIT_MS);
  using zero = await Deno.open("/dev/zero");
  const reads = setInterval(() => {
    for (let times = 0; times < READINGS; times++) zero.readSync(new Uint8Array(8));
  }, 10);
  let found = 0;
  try {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      for (const [json] of text.matchAll(/\{"@agree": (\{[^{}]*\})/g)) {
        const agree = JSON.parse(json.slice('{"@agree": '.length)) as Record<string, number>;
        found = found || chosen(agree);
        if (found !== 0 || (agree["0"] ?? 0) >= ENOUGH) stop();
      }
    }
  } finally {
    clearInterval(reads);
    clearTimeout(limit);
    stop();
    await child.status;
  }
  return found;
}
