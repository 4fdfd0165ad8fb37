/**
 * A real Prometheus on this machine, for tests: Debian's package, unpacked into the cache folder.
 *
 * @module
 */

import { join } from "node:path";
import { unpackedPackage } from "./unpacked_package.ts";

/** Debian's package of Prometheus; it has promtool, too. */
export interface PrometheusPrograms {
  readonly prometheus: string;
  readonly promtool: string;
}

/**
 * Unpacks Debian's Prometheus if it is missing.
 *
 * @throws {LabError} when it is not available.
 */
export async function ensurePrometheus(): Promise<PrometheusPrograms> {
  const bin = join(await unpackedPackage("prometheus"), "usr/bin");
  return { prometheus: join(bin, "prometheus"), promtool: join(bin, "promtool") };
}

/** A running Prometheus. Disposing ends it and removes its data. */
export class Prometheus implements AsyncDisposable {
  readonly #base: string;
  readonly #child: Deno.ChildProcess;
  readonly #data: string;

  private constructor(base: string, child: Deno.ChildProcess, data: string) {
    this.#base = base;
    this.#child = child;
    this.#data = data;
  }

  /**
   * Starts one that scrapes a target every second.
   *
   * @param target host and port.
   * @param features as `--enable-feature` takes them.
   */
  static async start(target: string, features: readonly string[] = []): Promise<Prometheus> {
    const { prometheus } = await ensurePrometheus();
    const data = await Deno.makeTempDir({ prefix: "kea-prometheus-test-" });
    const configuration = join(data, "prometheus.yml");
    await Deno.writeTextFile(
      configuration,
      JSON.stringify({
        global: { scrape_interval: "1s" },
        scrape_configs: [{ job_name: "kea", static_configs: [{ targets: [target] }] }],
      }),
    );
    const address = `127.0.0.1:${freePort()}`;
    const child = new Deno.Command("setpriv", {
      args: [
        ...["--pdeathsig", "KILL", "--", prometheus, `--config.file=${configuration}`],
        ...[`--storage.tsdb.path=${join(data, "tsdb")}`, `--web.listen-address=${address}`],
        ...features.length === 0 ? [] : [`--enable-feature=${features.join(",")}`],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    return new Prometheus(`http://${address}`, child, data);
  }

  /**
   * The result of a PromQL expression: labels and values; none as long as it does not answer.
   */
  async query(
    expression: string,
  ): Promise<{ readonly labels: Record<string, string>; readonly value: number }[]> {
    const url = `${this.#base}/api/v1/query?query=${encodeURIComponent(expression)}`;
    const answer = await fetch(url).then((response) => response.json()).catch(() => null);
    const found = (answer?.data?.result ?? []) as {
      metric: Record<string, string>;
      value: [number, string];
    }[];
    return found.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await Deno.remove(this.#data, { recursive: true });
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
