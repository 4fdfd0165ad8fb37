/**
 * A real Prometheus on this machine, for tests: Debian's package, unpacked into the cache folder.
 *
 * @module
 */

import { join } from "node:path";
import { type Release, unpackedPackage } from "./unpacked_package.ts";

/** Programs of Debian's Prometheus. */
export interface PrometheusPrograms {
  readonly prometheus: string;
  readonly promtool: string;
}

/**
 * Unpacks Debian's Prometheus if it is missing: 2.42 of this machine's release, 3.5 or later of sid.
 *
 * @throws {LabError} when it is not available.
 */
export async function ensurePrometheus(release: Release = "host"): Promise<PrometheusPrograms> {
  const prometheus = await unpackedPackage("prometheus", release);
  // Newer releases have it in a package of its own.
  const promtool = release === "host" ? prometheus : await unpackedPackage("promtool", release);
  return {
    prometheus: join(prometheus, "usr/bin/prometheus"),
    promtool: join(promtool, "usr/bin/promtool"),
  };
}

/** How a Prometheus is set up. */
export interface PrometheusSettings {
  readonly release?: Release;
  /** More of the scrape configuration. */
  readonly scrape?: Readonly<Record<string, unknown>>;
  /** Files of rules, which are evaluated every second. */
  readonly rules?: readonly string[];
}

/** An alert, as Prometheus shows it. */
export interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: "pending" | "firing";
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
  static async start(
    target: string,
    features: readonly string[] = [],
    { release = "host", scrape = {}, rules = [] }: PrometheusSettings = {},
  ): Promise<Prometheus> {
    const { prometheus } = await ensurePrometheus(release);
    const data = await Deno.makeTempDir({ prefix: "kea-prometheus-test-" });
    const configuration = join(data, "prometheus.yml");
    await Deno.writeTextFile(
      configuration,
      JSON.stringify({
        global: { scrape_interval: "1s", evaluation_interval: "1s" },
        rule_files: rules,
        scrape_configs: [{ job_name: "kea", static_configs: [{ targets: [target] }], ...scrape }],
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
    const found = await this.#resultOf<{ value?: [number, string] }>(expression);
    return found.map(({ metric, value }) => ({ labels: metric, value: Number(value?.[1]) }));
  }

  /** All samples of a range of a counter, `name[10m]`: of each series its values, the oldest first. */
  async samples(
    expression: string,
  ): Promise<{ readonly labels: Record<string, string>; readonly values: number[] }[]> {
    const found = await this.#resultOf<{ values?: [number, string][] }>(expression);
    return found.map(({ metric, values = [] }) => ({
      labels: metric,
      values: values.map(([, value]) => Number(value)),
    }));
  }

  /** The alerts that are pending or firing. */
  async alerts(): Promise<Alert[]> {
    const data = await this.#get<{ alerts: Alert[] }>("alerts");
    return data?.alerts ?? [];
  }

  /** The exemplars of series in the last ten minutes; it needs the feature `exemplar-storage`. */
  async exemplars(
    selector: string,
  ): Promise<{ readonly labels: Record<string, string>; readonly value: number }[]> {
    const now = Date.now() / 1000;
    const found = await this.#get<
      { exemplars: { labels: Record<string, string>; value: string }[] }[]
    >(
      `query_exemplars?query=${encodeURIComponent(selector)}&start=${now - 600}&end=${now}`,
    );
    return (found ?? []).flatMap(({ exemplars }) =>
      exemplars.map(({ labels, value }) => ({ labels, value: Number(value) }))
    );
  }

  async #resultOf<T>(
    expression: string,
  ): Promise<(T & { readonly metric: Record<string, string> })[]> {
    const data = await this.#get<{ result: (T & { metric: Record<string, string> })[] }>(
      `query?query=${encodeURIComponent(expression)}`,
    );
    return data?.result ?? [];
  }

  /** The data that a path of its API answers with; null as long as it does not answer. */
  async #get<T>(path: string): Promise<T | null> {
    const answer = await fetch(`${this.#base}/api/v1/${path}`)
      .then((response) => response.json()).catch(() => null);
    return answer?.data ?? null;
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
