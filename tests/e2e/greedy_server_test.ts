/** A process with far more of something than a server holds up no other one. Needs root, bpftrace and gcc. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { Accumulator } from "../../export/prometheus/accumulator.ts";
import { Fleet } from "../../export/watching/fleet.ts";
import { findBpftrace } from "../../probes/bpftrace.ts";
import { longestPause } from "./longest_pause.ts";
import { must, until } from "./run_script.ts";

/** What it takes, how many, and what is said. */
const CASES = [
  ["descriptors", 19_000, /Cannot read process \d+: it has more than 8192 open files; /],
  ["threads", 9000, /Cannot read process \d+: it has more than 1024 threads; /],
  ["mappings", 60_000, /Whether the server has changed is not known: it cannot be read/],
] as const;

for (const [what, count, warning] of CASES) {
  const name = `a watched process that takes ${count} ${what} holds up no other one`;
  // The watch does not wait at its end for a last look at such a process.
  const sanitizers = { sanitizeOps: false, sanitizeResources: false };
  Deno.test(name, sanitizers, async () => {
    const folder = await Deno.makeTempDir({ prefix: "kea-greedy-" });
    await using _removed = {
      [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
    };
    const program = join(folder, "kea-dhcp4");
    const source = join(import.meta.dirname!, "greedy_program.c");
    await must("gcc", "-O1", "-pthread", "-o", program, source);
    const args = [what, String(count), await Deno.makeTempDir({ dir: folder })];
    await using child = new Deno.Command(program, { args, stdin: "null", stdout: "piped" }).spawn();
    const stop = new AbortController();
    const warnings: string[] = [];
    const fleet = new Fleet({
      isChosen: ({ pid }) => pid === child.pid,
      profile: "light",
      bpftrace: await findBpftrace(),
      intervalMs: 500,
      // They never open a socket.
      startedSeconds: 0,
      accumulator: new Accumulator(),
      signal: stop.signal,
      say: (line, level) => level === "warning" && warnings.push(line),
    });
    const running = fleet.run();
    const reader = child.stdout.getReader();
    try {
      await until(() => fleet.isReady, "it is watched");
      child.kill("SIGUSR1");
      await reader.read();
      using pause = longestPause();
      await until(() => warnings.some((line) => warning.test(line)), "a warning says why");
      // All servers are looked at once a second.
      assert.ok(pause.milliseconds < 1000, `nothing was done for ${pause.milliseconds} ms`);
    } finally {
      stop.abort();
      await running;
      reader.releaseLock();
      child.kill("SIGKILL");
      await child.output();
    }
  });
}
