/**
 * A real VictoriaMetrics on this machine, for tests: Debian unstable's package, unpacked into the cache folder. It
 * takes OTLP.
 *
 * @module
 */

import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { LabError } from "./lab_error.ts";
import { unpackedPackage } from "./unpacked_package.ts";

/** A series with all its samples, oldest first. */
export interface StoredSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: readonly {
    /** Milliseconds since 1970. */
    readonly time: number;
    readonly value: number;
  }[];
}

/** A line of its export. */
interface Exported {
  readonly metric: Record<string, string>;
  readonly values: number[];
  readonly timestamps: number[];
}

/** How long it may take to answer, milliseconds. */
const START_MS = 120_000;

/** A VictoriaMetrics with data of its own. Disposing ends it and removes its data. */
export class VictoriaMetrics implements AsyncDisposable {
  /** What `--otlp` gets. */
  readonly endpoint: string;
  readonly #program: string;
  readonly #base: string;
  readonly #address: string;
  readonly #data: string;
  #child: Deno.ChildProcess | null = null;

  private constructor(program: string, address: string, data: string) {
    this.#program = program;
    this.#address = address;
    this.#data = data;
    this.#base = `http://${address}`;
    this.endpoint = `${this.#base}/opentelemetry`;
  }

  /** Starts one that names metrics as Prometheus does. */
  static async start(): Promise<VictoriaMetrics> {
    const root = await unpackedPackage("victoria-metrics", "sid");
    const data = await Deno.makeTempDir({ prefix: "kea-victoria-test-" });
    const program = join(root, "usr/bin/victoria-metrics");
    const victoria = new VictoriaMetrics(program, `127.0.0.1:${freePort()}`, data);
    await victoria.startAgain();
    return victoria;
  }

  /** Starts it on the same address and data. */
  async startAgain(): Promise<void> {
    this.#child = new Deno.Command("setpriv", {
      args: [
        ...["--pdeathsig", "KILL", "--", this.#program, `-storageDataPath=${this.#data}`],
        ...[`-httpListenAddr=${this.#address}`, "-opentelemetry.usePrometheusNaming"],
        "-memory.allowedBytes=64MB",
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const limit = performance.now() + START_MS;
    while (await this.#get("/health") === null) {
      if (performance.now() > limit) throw new LabError("VictoriaMetrics does not answer");
      await pause(50);
    }
  }

  /** Kills it; its data stay. */
  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#child?.status;
    this.#child = null;
  }

  /** The series that a selector finds, with their samples; none as long as it does not answer. */
  async series(selector: string): Promise<StoredSeries[]> {
    // What has come is not visible before it is flushed.
    await this.#get("/internal/force_flush");
    const text = await this.#get(`/api/v1/export?match[]=${encodeURIComponent(selector)}`) ?? "";
    return text.split("\n").filter((line) => line !== "").map((line) => {
      const { metric, values, timestamps } = JSON.parse(line) as Exported;
      const samples = values.map((value, at) => ({ time: timestamps[at]!, value }));
      return { labels: metric, samples };
    });
  }

  async #get(path: string): Promise<string | null> {
    try {
      const response = await fetch(this.#base + path);
      const text = await response.text();
      return response.ok ? text : null;
    } catch {
      return null;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await Deno.remove(this.#data, { recursive: true });
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
