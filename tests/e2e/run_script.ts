/** Runs the project's scripts as a person does, for end-to-end tests. */

import { join } from "node:path";

/** The checkout. */
export const ROOT = join(import.meta.dirname!, "..", "..");

/** Starts a script of the project; its standard streams are piped. */
export function startScript(
  script: string,
  args: readonly string[],
  options: { readonly env?: Record<string, string>; readonly cwd?: string } = {},
): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", join(ROOT, script), ...args],
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

/** Waits until a condition holds. */
export async function until(
  condition: () => Promise<boolean>,
  seconds: number,
  what: string,
): Promise<void> {
  const limit = Date.now() + seconds * 1000;
  while (!await condition()) {
    if (Date.now() > limit) throw new Error(`Waited ${seconds} s in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
