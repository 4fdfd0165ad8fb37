#!/usr/bin/env -S deno run -A
/**
 * `deno task test:kernels`: watches a Kea on other kernels, in virtual machines without hardware's help.
 *
 * @module
 */

import { join } from "node:path";
import { Option } from "@commander-js/extra-typings";
import { newCommand, print, runMain, say } from "../system/command_line.ts";
import { DENO_VARIABLES, passedVariables } from "../system/passed_variables.ts";
import { outputOf } from "../system/run.ts";
import { ensureInstalled } from "../tools/install/ensure_installed.ts";
import { LabError } from "../tools/lab/lab_error.ts";
import { linesOfMachine } from "../tools/lab/virtual_machine.ts";
import { PARTS, type Seen } from "./kernel_watches.ts";

/** By the kernel: the Debian release of all programs, and that of the kernel. */
const KERNELS = {
  "5.10": { release: "bookworm", kernelOf: "bullseye" },
  "6.1": { release: "bookworm", kernelOf: "bookworm" },
  "6.12": { release: "trixie", kernelOf: "trixie" },
  "newest": { release: "sid", kernelOf: "sid" },
} as const satisfies Readonly<Record<string, { release: string; kernelOf: string }>>;

const NAMES = Object.keys(KERNELS) as (keyof typeof KERNELS)[];

/** What the tool and the lab need. */
const PACKAGES = [
  ...["bpftrace", "binutils", "iproute2", "iputils-ping", "procps", "e2fsprogs", "nftables"],
  ...["kea-dhcp4-server", "kea-admin", "fonts-dejavu-core"],
];

/** Longest time of one machine, milliseconds. */
const LIMIT_MS = 3_600_000;

const command = newCommand("test:kernels")
  .description(
    "Boot Debian with other kernels in virtual machines, and watch a Kea there: light, standard and deep against " +
      "perfdhcp's counts, the exporter, and the troubleshooter (root). About 10 min per kernel on 2 CPUs.",
  )
  .addOption(new Option("--kernel <names...>", "which (default: all)").choices(NAMES))
  .addHelpText(
    "after",
    `
Examples:
  deno task test:kernels
  deno task test:kernels --kernel 5.10 newest

Exit status: 0 every count is equal and every check decided everywhere, 1 one is not, 2 wrong usage.`,
  );

/** Runs the watches on one kernel, and yields what each has seen. */
async function* seenOn(kernel: keyof typeof KERNELS): AsyncGenerator<Seen> {
  const root = join(import.meta.dirname!, "..");
  const { denoDir } = JSON.parse(
    await outputOf(
      [Deno.execPath(), "info", "--json"],
      (why) => new LabError(`Cannot find Deno's cache: ${why}`),
      { environment: passedVariables(DENO_VARIABLES) },
    ),
  ) as { denoDir: string };
  const lines = linesOfMachine(
    { name: `kernel-${kernel}`, packages: PACKAGES, ...KERNELS[kernel] },
    { project: root, deno: Deno.execPath(), npm: join(denoDir, "npm") },
    `mkdir deno-dir && mv npm deno-dir
export HOME=/root DENO_DIR=/mnt/deno-dir NO_COLOR=1
cd project && exec ../deno run -A --cached-only bench/kernel_watches.ts ${kernel}`,
    LIMIT_MS,
  );
  for await (const line of lines) {
    if (/^\{.*\}$/.test(line)) yield JSON.parse(line) as Seen;
    else say(`${kernel}: ${line}`);
  }
}

/** Prints what is seen on one kernel; returns whether all of it is right. */
async function isRightOn(kernel: keyof typeof KERNELS): Promise<boolean> {
  const printPart = (part: string, words: string) =>
    print(`${kernel.padEnd(8)}${part.padEnd(14)}${words}\n`);
  const left = new Set<string>(PARTS);
  let isAllRight = true;
  for await (const { part, says, isRight, lacks } of seenOn(kernel)) {
    left.delete(part);
    isAllRight &&= isRight;
    printPart(part, `${isRight ? "" : "WRONG: "}${says}`);
    for (const what of lacks) printPart("", what);
  }
  for (const part of left) printPart(part, "WRONG: the machine ended before");
  return isAllRight && left.size === 0;
}

await command.parseAsync(Deno.args, { from: "user" });
const { kernel = NAMES } = command.opts();
await runMain(async () => {
  await ensureInstalled("kernels", false);
  let isRight = true;
  for (const name of kernel) isRight = await isRightOn(name) && isRight;
  return isRight ? 0 : 1;
});
