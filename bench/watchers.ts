/**
 * The project's programs that watch a server for long, as a benchmark starts and kills them.
 *
 * @module
 */

import { join } from "node:path";
import { childEnvironment } from "../system/run.ts";
import { statOf } from "../system/proc.ts";
import {
  childrenOf,
  type Finished,
  follow,
  type Followed,
  runs,
  until,
} from "../tests/e2e/run_script.ts";

const ROOT = join(import.meta.dirname!, "..");

/** How a watcher is started, and how far it is. */
export interface WatcherOptions {
  readonly name: string;
  readonly script: string;
  /** Of each start. */
  readonly args: () => readonly string[] | Promise<readonly string[]>;
  readonly env?: Readonly<Record<string, string>>;
  /** A number that grows while it watches, of one that has said so much. */
  readonly progress: (log: string) => number | Promise<number>;
}

/** A program that watches. It ends with this process; disposing kills it. */
export class Watcher implements AsyncDisposable {
  readonly name: string;
  readonly #options: WatcherOptions;
  #followed: Followed | null = null;
  #isOver = true;
  /** What earlier ones said. */
  #said = "";

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.name = options.name;
  }

  /** Starts it, and does not wait until it watches. */
  async start(): Promise<void> {
    this.#said = this.log;
    const child = new Deno.Command("setpriv", {
      args: [
        ...["--pdeathsig", "KILL", "--", Deno.execPath(), "run", "-A"],
        ...[join(ROOT, this.#options.script), ...await this.#options.args()],
      ],
      clearEnv: true,
      env: childEnvironment({ HOME: Deno.env.get("HOME")!, ...this.#options.env }),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#isOver = false;
    this.#followed = follow(child);
    this.#followed.end.then(() => this.#isOver = true);
  }

  /** Whether it has ended. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** What it and those before it have said. */
  get log(): string {
    return this.#said + (this.#followed?.log() ?? "");
  }

  /** Waits until it goes on twice: the first time may be of before. */
  async untilWatching(): Promise<void> {
    const progress = async () => await this.#options.progress(this.#followed!.log());
    for (let before = await progress(), times = 0; times < 2; times++) {
      await until(async () => await progress() > before, `${this.name} watches`);
      before = await progress();
    }
  }

  /** Its bpftrace; null while it has none. */
  async bpftrace(): Promise<number | null> {
    const children = await childrenOf(this.#followed!.child.pid);
    return children.find((pid) => statOf(pid)?.command === "bpftrace") ?? null;
  }

  /** Ends it with a signal, and waits until it and its bpftrace are gone. */
  async end(signal: Deno.Signal): Promise<void> {
    const bpftrace = this.#isOver ? null : await this.bpftrace();
    if (!this.#isOver) this.#followed!.child.kill(signal);
    await this.left();
    if (bpftrace !== null) {
      await until(() => !runs(bpftrace), `the bpftrace of ${this.name} is gone`);
    }
  }

  /** Waits for its end. */
  async left(): Promise<Finished> {
    return await this.#followed!.end;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#followed !== null) await this.end("SIGKILL");
  }
}
