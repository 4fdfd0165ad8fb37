#!/usr/bin/env -S deno run -A
/**
 * `deno task test:kernels`: watches a Kea on other kernels, in virtual machines without hardware's help.
 *
 * @module
 */

import { join } from "node:path";
import { Option } from "@commander-js/extra-typings";
import { newCommand, print, runMain, say } from "../system/command_line.ts";
import { outputOf } from "../system/run.ts";
import { onEndSignals } from "../system/signals.ts";
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
async function* seenOn(
  kernel: keyof typeof KERNELS,
  signal: AbortSignal,
): AsyncGenerator<Seen> {
  const root = join(import.meta.dirname!, "..");
  const { denoDir } = JSON.parse(
    await outputOf([Deno.execPath(), "info", "--json"], (why) => new LabError(why)),
  ) as { denoDir: string };
  const machine = { name: `kernel-${kernel}`, packages: PACKAGES, ...KERNELS[kernel] };
  const files = { project: root, deno: Deno.execPath(), npm: join(denoDir, "npm") };
  const lines = linesOfMachine(
    machine,
    files,
    `mkdir deno-dir && mv npm deno-dir
cd project && HOME=/root DENO_DIR=/mnt/deno-dir NO_COLOR=1 exec ../deno run -A --cached-only bench/kernel_watches.ts`,
    { limitMs: LIMIT_MS, signal },
  );
  for await (const line of lines) {
    if (line.startsWith("{")) yield JSON.parse(line) as Seen;
    else say(`${kernel}: ${line}`);
  }
}

await command.parseAsync(Deno.args, { from: "user" });
const { kernel = NAMES } = command.opts();
await runMain(async () => {
  const stop = new AbortController();
  using _signals = onEndSignals((signal) => stop.abort(`stopped by ${signal}`));
  await ensureInstalled("kernels", true);
  let isRight = true;
  for (const name of kernel) {
    let seen = 0;
    for await (const { part, says, isRight: isThis, lacks } of seenOn(name, stop.signal)) {
      isRight &&= isThis;
      seen++;
      print(`${name.padEnd(8)}${part.padEnd(14)}${isThis ? "" : "WRONG: "}${says}\n`);
      for (const what of lacks) print(`${"".padEnd(22)}${what}\n`);
    }
    // The machine ended before its command did.
    isRight &&= seen === PARTS.length;
  }
  return isRight ? 0 : 1;
});
