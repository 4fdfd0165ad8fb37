/** Runs the project's scripts, and other programs, as a person does, for end-to-end tests. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { statOf } from "../../system/proc.ts";
import { sendSignal } from "../../system/signals.ts";

/** The checkout. */
export const ROOT = join(import.meta.dirname!, "..", "..");

/** Longest time to wait for what must happen: a busy machine takes its time, a failed test ends. */
const PATIENCE_SECONDS = 120;

/** Before a command: runs it as a user without rights, who may still read what root may. */
export const UNPRIVILEGED = ["unshare", "--user", "--map-user=65534", "--map-group=65534", "--"];

/** Starts a script of the project, which ends with this process; its standard streams are piped. */
export function startScript(
  script: string,
  args: readonly string[],
  options: { readonly env?: Record<string, string>; readonly cwd?: string } = {},
): Deno.ChildProcess {
  // By its path: a test may give the script a PATH without it.
  return new Deno.Command("/usr/bin/setpriv", {
    args: [
      ...["--pdeathsig", "TERM", "--", Deno.execPath(), "run", "-A", "--quiet"],
      ...[join(ROOT, script), ...args],
    ],
    env: { NO_COLOR: "1", ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** What a script left. */
export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Waits for a script's end and collects what it wrote. */
export async function finished(child: Deno.ChildProcess): Promise<Finished> {
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** Runs a script to its end. */
export function runScript(
  script: string,
  args: readonly string[],
  options?: Parameters<typeof startScript>[2],
): Promise<Finished> {
  return finished(startScript(script, args, options));
}

/** A program under way, and what it has said so far. */
export interface Followed {
  readonly child: Deno.ChildProcess;
  /** Its standard error so far. */
  log(): string;
  /** Waits until it has said something on its standard error, behind so many characters. */
  says(what: RegExp, behind?: number): Promise<void>;
  /** Waits for its end. */
  readonly end: Promise<Finished>;
}

/** Follows what a program says, until it ends. */
export function follow(child: Deno.ChildProcess): Followed {
  let stderr = "";
  let isOver = false;
  const reading = (async () => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) stderr += text;
  })();
  const printed = new Response(child.stdout).text();
  const end = Promise.all([child.status, printed, reading]).then(([{ code }, stdout]) => {
    isOver = true;
    return { code, stdout, stderr };
  });
  return {
    child,
    log: () => stderr,
    says: async (what, behind = 0) => {
      const hasSaid = () => what.test(stderr.slice(behind));
      await until(() => isOver || hasSaid(), `it says ${what}`);
      assert.ok(hasSaid(), `it ended without ${what}: ${stderr}`);
    },
    end,
  };
}

/** Runs a program that must end well; returns what it prints. */
export async function must(...command: readonly string[]): Promise<string> {
  const [program, ...args] = command;
  const { success, stdout, stderr } = await new Deno.Command(program!, { args }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert.ok(success, `${command.join(" ")}: ${text(stdout)}${text(stderr)}`);
  return text(stdout);
}

/** The processes that a process has started, by any of its threads; none of one that is gone. */
export async function childrenOf(pid: number): Promise<number[]> {
  const tasks = `/proc/${pid}/task`;
  const threads = await Array.fromAsync(Deno.readDir(tasks), ({ name }) => name).catch(() => []);
  const lists = threads.map((thread) =>
    Deno.readTextFile(`${tasks}/${thread}/children`).catch(() => "")
  );
  return (await Promise.all(lists)).join(" ").split(" ").filter((child) => child !== "").map(
    Number,
  );
}

/** Whether a process is there and not a zombie: init takes its time with those. */
export function runs(pid: number): boolean {
  const stat = statOf(pid);
  return stat !== null && stat.state !== "Z";
}

/** Ends a bpftrace by ^C. 0.17 can lose one: another follows when it must have detached its probes. */
export async function interruptBpftrace(child: Deno.ChildProcess): Promise<Deno.CommandStatus> {
  sendSignal(child, "SIGINT");
  const again = setInterval(() => sendSignal(child, "SIGINT"), 20_000);
  try {
    return await child.status;
  } finally {
    clearInterval(again);
  }
}

/** Waits until a condition holds. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  const limit = performance.now() + PATIENCE_SECONDS * 1000;
  while (!await condition()) {
    if (performance.now() > limit) {
      throw new Error(`Waited ${PATIENCE_SECONDS} s in vain until ${what}`);
    }
    await pause(50);
  }
}
