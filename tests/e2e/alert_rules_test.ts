/** promtool tests each alert: it is silent, fires, and resolves. Needs apt, and Debian sid in the cache. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { run } from "../../system/run.ts";
import { ensurePrometheus } from "../../tools/lab/prometheus.ts";
import type { Release } from "../../tools/lab/unpacked_package.ts";
import { type Histograms, RULE_CASES, TARGET } from "./alerts/rule_cases.ts";
import { ROOT } from "./run_script.ts";

const RULES = join(ROOT, "export/alerts/kea.rules.yml");

/** Runs promtool, which must have no complaint; returns what it prints. */
async function promtool(release: Release, args: readonly string[]): Promise<string> {
  const { promtool } = await ensurePrometheus(release);
  const { code, stdout, stderr } = await run([promtool, ...args], { limitMs: 300_000 });
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert.equal(code, 0, text);
  return text;
}

const namesIn = (rules: string) => [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name!);

/** What promtool is asked: a case, in its own format. */
function testOf(
  { alert, labels, series, quiet, fires }: typeof RULE_CASES[number],
  severity: string,
  histograms: Histograms,
) {
  const firing = `ALERTS{alertname="${alert}",alertstate="firing"}`;
  const all = { alertname: alert, alertstate: "firing", severity, ...TARGET, ...labels };
  const text = Object.entries(all).map(([name, value]) => `${name}="${value}"`).join(", ");
  return {
    name: alert,
    interval: "1m",
    input_series: series(histograms),
    promql_expr_test: [
      ...quiet.map((minute) => ({ expr: firing, eval_time: `${minute}m`, exp_samples: [] })),
      {
        expr: firing,
        eval_time: `${fires}m`,
        exp_samples: [{ labels: `ALERTS{${text}}`, value: 1 }],
      },
    ],
  };
}

Deno.test("each alert has a case, and a section in docs/alerts.md", async () => {
  const names = namesIn(await Deno.readTextFile(RULES));
  assert.deepEqual(RULE_CASES.map(({ alert }) => alert), names);
  const page = await Deno.readTextFile(join(ROOT, "docs/alerts.md"));
  const sections = [...page.matchAll(/^## (Kea\w+)$/gm)].map(([, name]) => name);
  assert.deepEqual(sections, names);
  const runbooks = [...(await Deno.readTextFile(RULES)).matchAll(/runbook: (\S+)/g)];
  assert.deepEqual(
    runbooks.map(([, place]) => place),
    names.map((name) => `docs/alerts.md#${name.toLowerCase()}`),
  );
});

for (
  const [release, histograms] of [["host", "classic"], ["sid", "classic"], [
    "sid",
    "native",
  ]] as const
) {
  Deno.test(`promtool of ${release} finds each alert silent, firing and resolved, ${histograms}`, async () => {
    assert.match(await promtool(release, ["check", "rules", RULES]), /SUCCESS: \d+ rules found/);
    const rules = await Deno.readTextFile(RULES);
    const severity = (alert: string) =>
      new RegExp(`- alert: ${alert}\\n[^]*?severity: (\\w+)`).exec(rules)![1]!;
    const file = await Deno.makeTempFile({ prefix: "kea-rules-", suffix: ".json" });
    try {
      await Deno.writeTextFile(
        file,
        JSON.stringify({
          rule_files: [RULES],
          evaluation_interval: "1m",
          tests: RULE_CASES.map((each) => testOf(each, severity(each.alert), histograms)),
        }),
      );
      await promtool(release, ["test", "rules", file]);
    } finally {
      await Deno.remove(file);
    }
  });
}
