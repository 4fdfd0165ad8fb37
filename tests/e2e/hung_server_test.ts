/** A server whose memory map cannot be read holds up no other. Needs root, Kea, bpftrace, gcc and FUSE. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { Accumulator } from "../../export/prometheus/accumulator.ts";
import { Fleet } from "../../export/watching/fleet.ts";
import { findBpftrace } from "../../probes/bpftrace.ts";
import { run } from "../../system/run.ts";
import { startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { longestPause } from "./longest_pause.ts";
import { childrenOf, must, until } from "./run_script.ts";

const EXCHANGES = 101;

/** A process that calls itself kea-dhcp4, and hangs when it is asked to. */
class HungServer implements AsyncDisposable {
  readonly #folder: string;
  readonly #child: Deno.ChildProcess;

  private constructor(folder: string, child: Deno.ChildProcess) {
    this.#folder = folder;
    this.#child = child;
  }

  static async start(): Promise<HungServer> {
    const folder = await Deno.makeTempDir({ prefix: "kea-hung-" });
    const [program, mounted] = [join(folder, "kea-dhcp4"), join(folder, "files")];
    await Deno.mkdir(mounted);
    await must("gcc", "-O1", "-o", program, join(import.meta.dirname!, "hung_program.c"));
    const child = new Deno.Command(program, {
      args: [mounted],
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let said = "";
    // Its two children serve the file system and read from it.
    while (!/ready/.test(said) || !/reading/.test(said)) {
      const { done, value } = await reader.read();
      assert.ok(!done, `it says "${said}"`);
      said += value;
    }
    reader.cancel();
    return new HungServer(folder, child);
  }

  get pid(): number {
    return this.#child.pid;
  }

  async hang(): Promise<void> {
    this.#child.kill("SIGUSR1");
    await until(async () => {
      const ran = await run(["cat", `/proc/${this.pid}/environ`], { limitMs: 500 });
      return ran.exceeded === "time";
    }, "it hangs");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // When the file system has no server any more, the kernel no longer waits for it.
    for (const pid of [...await childrenOf(this.pid), this.pid]) Deno.kill(pid, "SIGKILL");
    await this.#child.status;
    await must("umount", "--force", join(this.#folder, "files"));
    await Deno.remove(this.#folder, { recursive: true });
  }
}

Deno.test("servers that hang while they are watched, or before, hold up no other one", async () => {
  await using hung = await HungServer.start();
  await using second = await HungServer.start();
  await using lab = await startLab();
  const chosen = new Set([hung.pid]);
  const accumulator = new Accumulator();
  const stop = new AbortController();
  const warnings: string[] = [];
  const fleet = new Fleet({
    isChosen: ({ pid }) => chosen.has(pid),
    profile: "standard",
    bpftrace: await findBpftrace(),
    intervalMs: 500,
    accumulator,
    signal: stop.signal,
    say: (line, level) => level === "warning" && warnings.push(line),
  });
  const value = (name: string, server: string) =>
    accumulator.families().find(({ family }) => family.name === name)?.series
      .find(({ labels }) => labels["server"] === server)?.value;
  const running = fleet.run();
  try {
    await until(() => fleet.size === 1 && fleet.isReady, "the one that will hang is watched");
    await hung.hang();
    await second.hang();
    using pause = longestPause();
    chosen.add(second.pid).add(lab.pid);
    const real = () =>
      ["dhcp4@host", `dhcp4@host:${lab.pid}`].find((name) =>
        value("packets_received_total", name) !== undefined
      );
    await until(
      () => real() !== undefined && value("watch_complete", real()!) === 1,
      "the real one is watched",
    );
    const report = await runPerfdhcp(lab, { rate: 100, exchanges: EXCHANGES });
    const sent = Object.values(report).reduce((sum, each) => sum + each.sent, 0);
    await until(
      () => value("packets_received_total", real()!) === BigInt(sent),
      `${sent} packets are counted`,
    );
    await until(
      () => warnings.some((line) => line.includes(`the memory map of process ${hung.pid}`)),
      "a warning names the one that hangs",
    );
    assert.equal(value("watch_complete", real()!), 1);
    assert.ok(pause.milliseconds < 3000, `nothing was done for ${pause.milliseconds} ms`);
  } finally {
    stop.abort();
    await running;
  }
});
