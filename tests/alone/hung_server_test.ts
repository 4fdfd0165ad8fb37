/**
 * A process whose memory map cannot be read holds up no server, and no fork of the host. Needs root, Kea, bpftrace, gcc
 * and FUSE.
 */

import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import type { PlanRecord } from "../../metrics/capture.ts";
import { Accumulator } from "../../export/prometheus/accumulator.ts";
import { Fleet } from "../../export/watching/fleet.ts";
import { total } from "../../metrics/totals.ts";
import { findBpftrace } from "../../probes/bpftrace.ts";
import { run } from "../../system/run.ts";
import { startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { watchWhile } from "../../tools/lab/watch_while.ts";
import { valueOf } from "../export/exposed.ts";
import { pythonProcess } from "../system/python_process.ts";
import { longestPause } from "../e2e/longest_pause.ts";
import { childrenOf, must, until } from "../e2e/run_script.ts";

const EXCHANGES = 101;

/** Forks again and again, as spawn() of Deno does not; says after a line how long the longest took, seconds. */
const FORKS = `
import os, select, sys, time
print('ready', flush=True)
longest = 0
while not select.select([sys.stdin], [], [], 0.05)[0]:
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        os._exit(0)
    longest = max(longest, time.monotonic() - start)
    os.waitpid(child, 0)
print(longest, flush=True)
`;

/** A process that calls itself kea-dhcp4, and hangs when it is asked to. */
class HungServer implements AsyncDisposable {
  readonly #folder: string;
  readonly #child: Deno.ChildProcess;

  private constructor(folder: string, child: Deno.ChildProcess) {
    this.#folder = folder;
    this.#child = child;
  }

  /** @param library that it maps; none without it. */
  static async start(library?: string): Promise<HungServer> {
    const folder = await Deno.makeTempDir({ prefix: "kea-hung-" });
    const [program, mounted] = [join(folder, "kea-dhcp4"), join(folder, "files")];
    await Deno.mkdir(mounted);
    const linked = library === undefined ? [] : ["-Wl,--no-as-needed", library];
    const source = join(import.meta.dirname!, "hung_program.c");
    await must("gcc", "-O1", "-o", program, source, ...linked);
    const child = new Deno.Command("setpriv", {
      args: ["--pdeathsig", "KILL", "--", program, mounted],
      env: library === undefined ? {} : { LD_LIBRARY_PATH: dirname(library) },
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
  const [lines, warnings]: [string[], string[]] = [[], []];
  const fleet = new Fleet({
    isChosen: ({ pid }) => chosen.has(pid),
    profile: "standard",
    bpftrace: await findBpftrace(),
    intervalMs: 500,
    // They never open a socket.
    startedSeconds: 0,
    accumulator,
    signal: stop.signal,
    say: (line, level) => (level === "warning" ? warnings : lines).push(line),
  });
  const value = (name: string, server: string) => valueOf(accumulator, name, server);
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
    const begins = `Watching pid ${lab.pid} `;
    await until(() => lines.some((line) => line.includes(begins)), "the real one is watched");
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
    // Its probes in files would have to wait for those that hang.
    assert.equal(value("watch_complete", real()!), 0);
    assert.ok(warnings.some((line) => /\.bt: process \d+ \(kea-dhcp4\) hangs /.test(line)));
    assert.ok(pause.milliseconds < 3000, `nothing was done for ${pause.milliseconds} ms`);
  } finally {
    stop.abort();
    await running;
  }
});

Deno.test("beside a process that hangs, no file is probed, and the host forks on", async () => {
  // A copy, which no other test of this machine maps.
  const folder = await Deno.makeTempDir({ prefix: "kea-libraries-" });
  await using resources = new AsyncDisposableStack();
  resources.defer(() => Deno.remove(folder, { recursive: true }));
  await Deno.chmod(folder, 0o755);
  const library = join(folder, "libstdc++.so.6");
  await Deno.copyFile("/usr/lib/x86_64-linux-gnu/libstdc++.so.6", library);
  const lab = resources.use(await startLab({ libraries: folder }));
  const hanging = resources.use(new AsyncDisposableStack());
  const hung = hanging.use(await HungServer.start(library));
  for (const { pid } of [lab, hung]) {
    assert.match(await Deno.readTextFile(`/proc/${pid}/maps`), new RegExp(RegExp.escape(library)));
  }
  const forks = resources.use(await pythonProcess(FORKS));
  await hung.hang();
  let plan: PlanRecord | undefined;
  const { document, result: sent } = await watchWhile(lab, {
    profile: "standard",
    bpftrace: await findBpftrace(),
    see: (record) => plan = "plan" in record ? record.plan : plan,
  }, async () => {
    assert.deepEqual(plan?.sites, []);
    const report = await runPerfdhcp(lab, { rate: 100, exchanges: EXCHANGES });
    await hanging.disposeAsync();
    Deno.kill(lab.pid, "SIGTERM");
    await lab.restart();
    await until(() => plan!.sites.length > 0, "files are probed when nothing hangs any more");
    return Object.values(report).reduce((sum, each) => sum + each.sent, 0);
  });
  const longest = Number(await forks.ask(""));
  assert.equal(
    document.capture.reasons[0],
    `exceptions.bt, allocation.bt, lease_file.bt, log_messages.bt: process ${hung.pid} (kea-dhcp4) hangs with the ` +
      "lock of its memory map, and no process of the host could fork while a file is probed: end " +
      "it, or the file system that it waits for, and start the watch again",
  );
  assert.equal(document.capture.verdict, "PARTIAL");
  assert.equal(total(document, "network_traffic", { direction: "received" }, "packets"), sent);
  assert.ok(longest < 1, `a fork took ${longest} s`);
});
