/**
 * A Kea with its database and its traffic, and all programs of the project that watch it, for `bench:kill`.
 *
 * @module
 */

import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { keaCounters } from "../discovery/control_channel.ts";
import { changedCode } from "../discovery/memory.ts";
import { describeServer } from "../discovery/servers.ts";
import { readCapture } from "../metrics/capture.ts";
import { consumeOnce } from "../tests/e2e/hollow_consumer.ts";
import { must, until } from "../tests/e2e/run_script.ts";
import { type Lab, startLab } from "../tools/lab/lab.ts";
import { runPerfdhcp } from "../tools/lab/perfdhcp.ts";
import { type Producer, startProducer } from "../tools/lab/producer.ts";
import { Watcher } from "./watchers.ts";

/** Seconds of a window in the dataset. */
const WINDOW = 2;

/** Room for captures; a disk of its own, which can be full or read-only. */
const DISK_SIZE = "256m";

/** What runs while things are killed. Disposing ends all of it. */
export class Scene implements AsyncDisposable {
  readonly lab: Lab;
  /** Where the captures are. */
  readonly disk: string;
  readonly monitor: Watcher;
  readonly hollow: Watcher;
  readonly exporter: Watcher;
  #producer: Producer;
  readonly #folder: string;
  readonly #belongings: AsyncDisposableStack;
  #runs = 0;
  /** Windows that hollow-monitor had finished, as it names them. */
  readonly #finished = new Set<string>();

  private constructor(
    { lab, producer, folder }: {
      readonly lab: Lab;
      readonly producer: Producer;
      readonly folder: string;
    },
    belongings: AsyncDisposableStack,
  ) {
    this.lab = lab;
    this.disk = join(folder, "disk");
    this.#folder = folder;
    this.#producer = producer;
    this.#belongings = belongings;
    const server = () => ["--server", String(lab.pid)];
    this.monitor = new Watcher({
      name: "monitor",
      script: "tools/kea_monitor_complete.ts",
      args: () => [
        ...[...server(), "-o", join(this.disk, `run-${++this.#runs}`), "--no-visualization"],
        ...["--no-traffic", "--duration", "1000000", "--interval", "1", "--profile", "standard"],
      ],
      progress: () => this.#samples(),
    });
    this.hollow = new Watcher({
      name: "hollow-monitor",
      script: "hollow/ebpf_hollow_monitor.ts",
      args: () => [
        ...["-p", producer.base, "-d", "kea", "-i", String(WINDOW), "-v", ...server()],
        ...["--name", "kea", "--spool", join(folder, "spool")],
      ],
      progress: (log) => log.matchAll(/ Pushed \d+ records of /g).reduce((count) => count + 1, 0),
    });
    this.exporter = new Watcher({
      name: "exporter",
      script: "export/exporter.ts",
      args: () => ["--web.listen-address", "127.0.0.1:0"],
      env: { KEA_LAB_SERVER_NETNS: lab.serverNetns },
      progress: lastReading,
    });
  }

  /** Starts everything, and waits until all programs watch. */
  static async start(rate: number): Promise<Scene> {
    await using belongings = new AsyncDisposableStack();
    const folder = await Deno.makeTempDir({ prefix: "kea-bench-kill-" });
    belongings.defer(() => Deno.remove(folder, { recursive: true }));
    const disk = join(folder, "disk");
    await Deno.mkdir(disk);
    await must("mount", "-t", "tmpfs", "-o", `size=${DISK_SIZE}`, "none", disk);
    belongings.defer(async () => void await must("umount", "--lazy", disk));
    const lab = belongings.use(await startLab({ kea: "2.6", backend: "postgresql" }));
    const producer = await startProducer({ data: join(folder, "data") });
    const scene = new Scene({ lab, producer, folder }, belongings.move());
    scene.#belongings.defer(() => scene.#producer[Symbol.asyncDispose]());
    const over = new AbortController();
    const traffic = scene.#send(rate, over.signal);
    scene.#belongings.defer(async () => {
      over.abort();
      await traffic;
    });
    for (const watcher of scene.watchers) scene.#belongings.use(watcher);
    try {
      for (const watcher of scene.watchers) await watcher.start();
      for (const watcher of scene.watchers) await watcher.untilWatching();
      return scene;
    } catch (error) {
      await scene[Symbol.asyncDispose]();
      throw error;
    }
  }

  get watchers(): readonly Watcher[] {
    return [this.monitor, this.hollow, this.exporter];
  }

  /** Sends exchanges until a signal, whatever becomes of the server. */
  async #send(rate: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const load = { rate, exchanges: rate * 600, clients: 5000, signal };
      await runPerfdhcp(this.lab, load).catch(() => {});
      await pause(500, undefined, { signal }).catch(() => {});
    }
  }

  /** Kills the producer, and starts another one with the same data. */
  async replaceProducer(): Promise<void> {
    const { data, base } = this.#producer;
    await this.#producer.kill("SIGKILL");
    this.#producer = await startProducer({ data, port: Number(new URL(base).port) });
  }

  /** The monitor's newest capture. */
  get capture(): string {
    return join(this.disk, `run-${this.#runs}`, "capture.ndjson");
  }

  /** Windows in a capture: the first sample ends none. */
  async windows(capture = this.capture): Promise<number> {
    return Math.max(0, await this.#samples(capture) - 1);
  }

  async #samples(capture = this.capture): Promise<number> {
    const bytes = await Deno.readFile(capture).catch(() => new Uint8Array());
    // It has just begun.
    if (!bytes.includes(0x0a)) return 0;
    let samples = 0;
    for await (const { type } of readCapture([bytes])) if (type === "sample") samples++;
    return samples;
  }

  /** Remembers which windows hollow-monitor has finished so far: they wait, or the producer has them. */
  async noteFinished(): Promise<void> {
    for (const [, window] of this.hollow.log.matchAll(/ Pushed \d+ records of (\S+),/g)) {
      this.#finished.add(window!);
    }
    const spool = join(this.#folder, "spool");
    for await (const { name } of Deno.readDir(spool)) {
      if (!name.endsWith(".window")) continue;
      // It may be with the producer by now. Its first line is a checksum.
      const text = await Deno.readTextFile(join(spool, name)).catch(() => "");
      const [, body] = text.split("\n");
      if (body !== undefined) this.#finished.add(JSON.parse(body).window);
    }
  }

  /** Waits until the server answers, with or without all of its programs. */
  async untilServing(): Promise<void> {
    const acknowledged = async () =>
      (await keaCounters(this.lab.controlSocket, ["pkt4-ack-sent"]).catch(() => null))
        ?.["pkt4-ack-sent"] ?? null;
    let before: number | null = null;
    await until(async () => {
      before ??= await acknowledged();
      const now = before === null ? null : await acknowledged();
      return now !== null && now > before!;
    }, "Kea acknowledges leases");
  }

  /** Bytes of the server's code that are not its files', while nothing watches it any more. */
  async changedBytes(): Promise<number> {
    const { pid, executable, libraries } = await describeServer(this.lab.pid);
    const changed = changedCode(pid, [executable, ...libraries]);
    if (changed === null) throw new Error("Kea has ended");
    return changed.size;
  }

  /** Ends hollow-monitor; returns how many windows were finished, and how many of them a consumer has not. */
  async windowsInDataset(): Promise<{ readonly finished: number; readonly lost: number }> {
    await this.noteFinished();
    await this.hollow.end("SIGINT");
    const { records } = await consumeOnce(join(this.#producer.data, "kea"));
    const kept = new Set(records.map(({ windowStart }) => windowStart));
    const lost = [...this.#finished].filter((window) => !kept.has(Date.parse(window)));
    return { finished: this.#finished.size, lost: lost.length };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#belongings.disposeAsync();
  }
}

/** When an exporter has read its programs, seconds; 0 before it has, and while it does not watch. */
async function lastReading(log: string): Promise<number> {
  const base = /Listening on (\S+)/.exec(log)?.[1];
  if (base === undefined) return 0;
  const text = await fetch(`${base}/metrics`).then((response) => response.text(), () => "");
  return Number(/^kea_ebpf_last_reading_timestamp_seconds\{.*\} (\S+)$/m.exec(text)?.[1] ?? 0);
}
