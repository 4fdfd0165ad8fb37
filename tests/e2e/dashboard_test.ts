/**
 * Every query of the dashboard returns a series, in real Prometheuses that have scraped the exporter beside Keas
 * with traffic. Needs root, Kea, PostgreSQL, apt, and Debian sid in the cache.
 */

import assert from "node:assert/strict";
import { keaDashboard } from "../../export/grafana/kea_dashboard.ts";
import { delayingHooks } from "../../tools/lab/delaying_hooks.ts";
import { startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { Prometheus } from "../../tools/lab/prometheus.ts";
import { substituted, targetsOf } from "../export/grafana/dashboard_queries.ts";
import { fullLeaseDisk } from "./full_lease_disk.ts";
import { until } from "./run_script.ts";
import { inClient } from "./watched.ts";
import { WatchingExporter } from "./watching_exporter.ts";

/** Prometheuses, and how they store histograms. */
const STORED = [
  { release: "host", features: [], histograms: "classic" },
  { release: "host", features: ["native-histograms"], histograms: "native" },
  { release: "sid", features: ["native-histograms"], histograms: "native" },
] as const;

/** Families of which these labs have no event: their queries must return a series where they are exposed at 0. */
const WITHOUT_EVENTS =
  /\bkea_ebpf_(slow_packets_omitted|(allocations|callouts)_unfinished)_total\b/;

Deno.test("every query of the dashboard returns a series, classic and native, Prometheus 2.42 and 3.5", async () => {
  await using stack = new AsyncDisposableStack();
  const path = await delayingHooks();
  const withHooks = stack.use(
    await startLab({
      hooks: [{ path, parameters: { point: "leases4_committed", park: 5 } }],
    }),
  );
  const withDatabase = stack.use(await startLab({ backend: "postgresql", kea: "2.6" }));
  const chosen = new Set([withHooks.pid, withDatabase.pid]);
  const exporter = stack.use(
    await WatchingExporter.start({ chosen, profile: "deep", kea: "2.6" }),
  );
  const all = await Promise.all(
    STORED.map(async ({ release, features, histograms }) => ({
      what: `${histograms}, Prometheus of ${release}`,
      histograms,
      prometheus: stack.use(await Prometheus.start(exporter.target, features, { release })),
    })),
  );
  await exporter.isReady(2);

  // Before perfdhcp takes the port.
  await inClient(withHooks, "send_malformed.ts", [withHooks.serverAddress, "300"]);

  const over = new AbortController();
  // Clients that come again: a database returns rows for them.
  const load = { rate: 20, exchanges: 20 * 600, clients: 100, signal: over.signal };
  const traffic = [withHooks, withDatabase].map((lab) => runPerfdhcp(lab, load).catch(() => {}));
  stack.defer(async () => {
    over.abort();
    await Promise.all(traffic);
  });
  const isExposed = async (name: string) =>
    new TextDecoder().decode(await exporter.scraped()).includes(`\n${name}{`);
  await fullLeaseDisk(withHooks);
  const { database } = withDatabase;
  await database!.stop();
  await until(() => isExposed("kea_ebpf_database_failures_total"), "a statement has failed");
  await database!.start();

  const targets: { title: string; expression: string }[] = [];
  for (const { title, target } of targetsOf(keaDashboard())) {
    const quiet = WITHOUT_EVENTS.exec(target.expr!)?.[0];
    if (quiet !== undefined && !await isExposed(quiet)) continue;
    targets.push({ title, expression: target.expr! });
  }
  /** The queries that return nothing yet. */
  const missing = async () => {
    const found: string[] = [];
    for (const { what, histograms, prometheus } of all) {
      // The arm of the other kind of histograms is empty, as it should be.
      const other = histograms === "classic" ? "== 1)" : "== -1)";
      for (const { title, expression } of targets) {
        if (expression.includes(other)) continue;
        const query = substituted(expression, { histograms, interval: "1h" });
        const series = await prometheus.query(query);
        if (series.length === 0) found.push(`${what}, ${title}: ${query}`);
      }
    }
    return found;
  };
  let left: string[] = [];
  await until(async () => (left = await missing()).length === 0, "each query returns a series")
    .catch(() => {});
  assert.deepEqual(left, []);
});
