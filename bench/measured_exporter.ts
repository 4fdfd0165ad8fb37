/**
 * A running exporter of a lab, and what it takes of the machine.
 *
 * @module
 */

import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import denoJson from "../deno.json" with { type: "json" };
import { DENO_VARIABLES, passedVariables } from "../system/passed_variables.ts";
import { childEnvironment } from "../system/run.ts";
import { statOf, TICKS } from "../system/proc.ts";
import { childrenOf } from "../tests/e2e/run_script.ts";
import type { Lab } from "../tools/lab/lab.ts";

/** Longest time until the lab's server is watched, milliseconds. */
const READY_LIMIT_MS = 600_000;

/** CPU time in seconds, anonymous memory in bytes. */
export interface Taken {
  readonly cpu: number;
  readonly memory: number;
}

/** What the exporter and its programs have taken so far. */
export interface ExporterCost {
  readonly exporter: Taken;
  readonly bpftrace: Taken;
  /** The process that draws the page, while one looks at it. */
  readonly drawing: Taken;
  /** CPU time of programs that have ended: those that plan, and earlier bpftraces. */
  readonly ended: number;
}

/** An exporter that watches a lab, started as `deno task exporter` does. Disposing ends it. */
export class MeasuredExporter implements AsyncDisposable {
  /** URL without a path. */
  readonly base: string;
  readonly #child: Deno.ChildProcess;

  private constructor(base: string, child: Deno.ChildProcess) {
    this.base = base;
    this.#child = child;
  }

  /**
   * Starts one on a free port; its lines go to standard error.
   *
   * @throws {Error} when it does not listen.
   */
  static async start(lab: Lab, args: readonly string[]): Promise<MeasuredExporter> {
    const root = join(import.meta.dirname!, "..");
    const child = new Deno.Command("setpriv", {
      args: [
        ...["--pdeathsig", "KILL", "--", Deno.execPath()],
        ...denoJson.tasks.exporter.command.split(" ").slice(1),
        ...["--web.listen-address", "127.0.0.1:0", ...args],
      ],
      clearEnv: true,
      env: childEnvironment({
        KEA_LAB_SERVER_NETNS: lab.serverNetns,
        ...passedVariables(DENO_VARIABLES),
      }),
      cwd: root,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const { promise: address, resolve, reject } = Promise.withResolvers<string>();
    address.catch(() => {});
    (async () => {
      let text = "";
      for await (const piece of child.stderr.pipeThrough(new TextDecoderStream())) {
        Deno.stderr.writeSync(new TextEncoder().encode(piece));
        if (text.length < 10_000) text += piece;
        const [, base] = /(http:\/\/127\.0\.0\.1:\d+)/.exec(text) ?? [];
        if (base !== undefined) resolve(base);
      }
      reject(new Error("The exporter ended before it listened"));
    })();
    return new MeasuredExporter(await address, child);
  }

  /** Process id of the exporter. */
  get pid(): number {
    return this.#child.pid;
  }

  /**
   * Waits until it watches the lab's server.
   *
   * @throws {Error} when that takes too long.
   */
  async untilReady(): Promise<void> {
    const limit = performance.now() + READY_LIMIT_MS;
    while (performance.now() < limit) {
      const response = await fetch(`${this.base}/-/ready`);
      await response.body?.cancel();
      if (response.ok && await this.#seesPackets()) return;
      await pause(200);
    }
    throw new Error(`The exporter is not ready after ${READY_LIMIT_MS / 1000} s`);
  }

  /** A server that is still reading its leases has no socket yet, and is watched without its packets. */
  async #seesPackets(): Promise<boolean> {
    const { text } = await this.scrape("text/plain");
    return /^kea_ebpf_metric_available\{.*metric="packet_processing_time".*\} 1$/m.test(text);
  }

  /** Scrapes as Prometheus does: compressed, in the format that `accept` names. */
  async scrape(accept: string): Promise<{ text: string; bytes: number; milliseconds: number }> {
    const start = performance.now();
    const response = await fetch(`${this.base}/metrics`, { headers: { accept } });
    const body = new Uint8Array(await response.arrayBuffer());
    const milliseconds = performance.now() - start;
    if (!response.ok) throw new Error(`A scrape was answered with status ${response.status}`);
    return { text: new TextDecoder().decode(body), bytes: body.length, milliseconds };
  }

  /** The sum of a metric over all label sets; 0 without any. */
  async sum(name: string): Promise<number> {
    const { text } = await this.scrape("text/plain");
    return text.matchAll(new RegExp(`^kea_ebpf_${name}(?:\\{.*\\})? (\\S+)$`, "gm"))
      .reduce((sum, [, value]) => sum + Number(value), 0);
  }

  /** What it takes. */
  async cost(): Promise<ExporterCost> {
    const self = statOf(this.pid);
    if (self === null) throw new Error("The exporter has ended");
    const children = await childrenOf(this.pid);
    const takenAs = async (isMeant: (pid: number) => boolean) =>
      (await Promise.all(children.filter(isMeant).map(takenBy))).reduce(
        (sum, each) => ({ cpu: sum.cpu + each.cpu, memory: sum.memory + each.memory }),
        { cpu: 0, memory: 0 },
      );
    return {
      exporter: await takenBy(this.pid),
      bpftrace: await takenAs((pid) => statOf(pid)?.command === "bpftrace"),
      drawing: await takenAs((pid) => argumentsOf(pid).at(-1)?.endsWith("/draw.ts") ?? false),
      ended: self.endedTicks / TICKS,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.status;
  }
}

/** The command line of a process; empty if it has ended. */
function argumentsOf(pid: number): string[] {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0").slice(0, -1);
  } catch {
    return [];
  }
}

/** What one process has taken so far, from the scheduler's own clock; nothing if it has ended. */
export async function takenBy(pid: number): Promise<Taken> {
  try {
    let nanoseconds = 0;
    for await (const { name } of Deno.readDir(`/proc/${pid}/task`)) {
      const text = await Deno.readTextFile(`/proc/${pid}/task/${name}/schedstat`).catch(() => "0");
      nanoseconds += Number(text.split(" ")[0]);
    }
    const rollup = await Deno.readTextFile(`/proc/${pid}/smaps_rollup`);
    const kilobytes = /^Anonymous:\s+(\d+) kB$/m.exec(rollup)?.[1];
    return { cpu: nanoseconds / 1e9, memory: 1024 * Number(kilobytes) };
  } catch {
    return { cpu: 0, memory: 0 };
  }
}
