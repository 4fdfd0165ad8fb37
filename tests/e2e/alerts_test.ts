/**
 * Every alert fires for a real cause and ends with it, in a real Prometheus. Needs root, Kea, PostgreSQL, apt, and
 * Debian trixie in the cache.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { type Lab, startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { Prometheus } from "../../tools/lab/prometheus.ts";
import { shortenedRules } from "./alerts/shortened_rules.ts";
import { fullLeaseDisk } from "./full_lease_disk.ts";
import { childrenOf, follow, type Followed, ROOT, runs, startScript, until } from "./run_script.ts";
import { WatchingExporter } from "./watching_exporter.ts";

/** A process id that no process has: beyond the largest that the kernel gives. */
const NO_PROCESS = 2 ** 22 + 1;

/** A Prometheus with the alert rules; disposing ends it. */
class Alerting implements AsyncDisposable {
  readonly #prometheus: Prometheus;
  readonly #file: string;

  private constructor(prometheus: Prometheus, file: string) {
    this.#prometheus = prometheus;
    this.#file = file;
  }

  static async start(target: string): Promise<Alerting> {
    const rules = await Deno.readTextFile(join(ROOT, "export/alerts/kea.rules.yml"));
    const file = await Deno.makeTempFile({ prefix: "kea-rules-", suffix: ".yml" });
    await Deno.writeTextFile(file, shortenedRules(rules));
    // A scrape that is not answered in time on a busy machine would start each "for" again.
    const scrape = { scrape_interval: "2s" };
    return new Alerting(await Prometheus.start(target, [], { rules: [file], scrape }), file);
  }

  /** Waits until each of some alerts has fired: one failed statement may be all that a database's end causes. */
  async fire(...names: readonly string[]): Promise<void> {
    const seen = new Set<string>();
    await until(async () => {
      const alerts = (await this.#prometheus.alerts()).filter(({ state }) => state === "firing");
      for (const { labels, annotations } of alerts) {
        const text = JSON.stringify(annotations);
        assert.doesNotMatch(text, /no value|error|\{\{/, labels["alertname"]);
        seen.add(labels["alertname"]!);
      }
      return names.every((name) => seen.has(name));
    }, `${names.join(", ")} fire`);
  }

  /** Waits until none of some alerts fires any more. */
  async resolve(...names: readonly string[]): Promise<void> {
    await until(async () => {
      const alerts = await this.#prometheus.alerts();
      return !alerts.some(({ labels }) => names.includes(labels["alertname"]!));
    }, `${names.join(", ")} are over`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#prometheus[Symbol.asyncDispose]();
    await Deno.remove(this.#file);
  }
}

Deno.test("a slow statement is a slow server, a queue and drops; a database that stops is requests without answers", async () => {
  // One thread: what is slow for one packet is slow for all.
  await using lab = await startLab({ backend: "postgresql", kea: "2.6", threads: 0 });
  const { database } = lab;
  await database!.sql(
    "CREATE FUNCTION slow() RETURNS trigger AS 'BEGIN PERFORM pg_sleep(0.2); RETURN NEW; END' " +
      "LANGUAGE plpgsql",
  );
  const chosen = new Set([lab.pid]);
  await using exporter = await WatchingExporter.start({ chosen, profile: "standard", kea: "2.6" });
  await using alerting = await Alerting.start(exporter.target);
  await exporter.isReady(1);

  await database!.sql(
    "CREATE TRIGGER slow BEFORE INSERT ON lease4 FOR EACH ROW EXECUTE FUNCTION slow()",
  );
  // perfdhcp goes on with offers that come late.
  await during(lab, { rate: 60, args: ["-d", "60"] }, () =>
    alerting.fire(
      ...["KeaDatabaseSlow", "KeaSlow", "KeaSocketWait", "KeaQueue", "KeaDropsBeforeReading"],
    ));
  await database!.sql("DROP TRIGGER slow ON lease4");
  await alerting.resolve(
    ...["KeaDatabaseSlow", "KeaSlow", "KeaSocketWait", "KeaQueue", "KeaDropsBeforeReading"],
  );

  await database!.stop();
  await during(lab, { rate: 20 }, () => alerting.fire("KeaDatabaseFails", "KeaUnanswered"));
  await database!.start();
  await alerting.resolve("KeaDatabaseFails", "KeaUnanswered");
});

/** Sends traffic while something happens. */
async function during(
  lab: Lab,
  { rate, args = [] }: { readonly rate: number; readonly args?: readonly string[] },
  work: () => Promise<void>,
): Promise<void> {
  const over = new AbortController();
  const load = { rate, exchanges: rate * 600, args, signal: over.signal };
  const traffic = runPerfdhcp(lab, load).catch(() => {});
  try {
    await work();
  } finally {
    over.abort();
    await traffic;
  }
}

/** The exporter as it is started by hand. */
class Exporter implements AsyncDisposable {
  readonly #followed: Followed;

  private constructor(followed: Followed) {
    this.#followed = followed;
  }

  static async start(target: string, server: number, profile = "standard"): Promise<Exporter> {
    const exporter = new Exporter(follow(startScript("export/exporter.ts", [
      ...["--server", String(server), "--profile", profile, "--reading", "0.5"],
      ...["--web.listen-address", target],
    ])));
    await exporter.#followed.says(/Listening on/);
    return exporter;
  }

  /** The bpftrace that it has started; undefined if none runs. */
  async bpftrace(): Promise<number | undefined> {
    for (const pid of await childrenOf(this.#followed.child.pid)) {
      const comm = await Deno.readTextFile(`/proc/${pid}/comm`).catch(() => "");
      if (comm === "bpftrace\n") return pid;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#followed.child.kill("SIGTERM");
    } catch {
      // It has ended.
    }
    await this.#followed.end;
  }
}

function freeTarget(): string {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return `127.0.0.1:${listener.addr.port}`;
}

Deno.test("an exporter, a bpftrace and a Kea that end, and a full lease disk, are reported", async () => {
  const target = freeTarget();
  await using lab = await startLab();
  await using alerting = await Alerting.start(target);
  await alerting.fire("KeaExporterDown");
  {
    await using _ = await Exporter.start(target, NO_PROCESS);
    await alerting.resolve("KeaExporterDown");
    await alerting.fire("KeaAbsent");
  }
  {
    await using exporter = await Exporter.start(target, lab.pid);
    await alerting.resolve("KeaAbsent", "KeaExporterDown", "KeaNotWatched");

    await fullLeaseDisk(lab);
    await during(lab, { rate: 20 }, () => alerting.fire("KeaLeaseFileFails"));
    await alerting.resolve("KeaLeaseFileFails");

    const over = new AbortController();
    const killing = (async () => {
      while (!over.signal.aborted) {
        const pid = await exporter.bpftrace();
        if (pid !== undefined) Deno.kill(pid, "SIGKILL");
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    })();
    try {
      await alerting.fire("KeaNotWatched", "KeaWatchGaps");
    } finally {
      over.abort();
      await killing;
    }
    await alerting.resolve("KeaNotWatched");

    const old = lab.pid;
    Deno.kill(old, "SIGKILL");
    await until(async () => !await runs(old), "Kea ended");
    await alerting.fire("KeaGone");
  }
  await lab.restart();
  await using _light = await Exporter.start(target, lab.pid, "light");
  await alerting.resolve("KeaGone", "KeaExporterDown");
  await alerting.fire("KeaMetricLost");
});
