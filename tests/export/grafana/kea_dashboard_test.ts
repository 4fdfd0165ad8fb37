import assert from "node:assert/strict";
import { join } from "node:path";
import type { Panel, VariableModel } from "@grafana/grafana-foundation-sdk/dashboard";
import { parser } from "@prometheus-io/lezer-promql";
import { keaDashboard } from "../../../export/grafana/kea_dashboard.ts";
import { panelsOf, substituted, targetsOf } from "./dashboard_queries.ts";

const ROOT = join(import.meta.dirname!, "..", "..", "..");
const FILE = join(ROOT, "export/grafana/kea.json");
const model = keaDashboard();
const panels = panelsOf(model);
const variables: readonly VariableModel[] = model.templating.list ?? [];
const DATASOURCE = { type: "prometheus", uid: "${datasource}" };

Deno.test("export/grafana/kea.json is what the generator writes", async () => {
  const text = await Deno.readTextFile(FILE);
  assert.equal(text, JSON.stringify(model, null, 2) + "\n", "deno task -q dashboard -o " + FILE);
});

Deno.test("the dashboard can be chosen by data source, job, instance and server, and is read-only", () => {
  const [first, ...others] = variables;
  assert.deepEqual([first!.name, first!.type, first!.query], [
    "datasource",
    "datasource",
    "prometheus",
  ]);
  assert.deepEqual(others.map(({ name }) => name), ["job", "instance", "server", "histograms"]);
  for (const { name, refresh, includeAll, multi, datasource } of others.slice(0, -1)) {
    assert.deepEqual([name, refresh, includeAll, multi], [name, 2, true, true]);
    assert.deepEqual(datasource, DATASOURCE);
  }
  assert.equal(model.editable, false);
});

Deno.test("each panel has a title, a description, a unit and queries of the chosen data source", () => {
  assert.ok(panels.length > 30, `${panels.length} panels`);
  for (const { title, description, fieldConfig, datasource, targets } of panels) {
    assert.ok(title, JSON.stringify(description));
    assert.match(description ?? "", /\.$/, title);
    assert.ok(fieldConfig?.defaults?.unit, title);
    assert.deepEqual(datasource, DATASOURCE, title);
    assert.ok(targets!.length > 0, title);
  }
  for (const { title, target } of targetsOf(model)) {
    assert.deepEqual(target.datasource, DATASOURCE, title);
  }
});

Deno.test("panels have numbers of their own, fit into the grid and lie on no other", () => {
  const ids = (model.panels ?? []).flatMap((panel) => [
    panel.id,
    ..."panels" in panel ? (panel.panels as Panel[]).map(({ id }) => id) : [],
  ]);
  assert.equal(new Set(ids).size, ids.length);
  const groups = [
    (model.panels ?? []) as Panel[],
    ...(model.panels ?? []).map((panel) => "panels" in panel ? panel.panels as Panel[] : []),
  ];
  for (const group of groups) {
    const taken = new Set<string>();
    for (const { title, gridPos } of group) {
      const { x, y, w, h } = gridPos!;
      assert.ok(x + w <= 24, title);
      for (let column = x; column < x + w; column++) {
        for (let row = y; row < y + h; row++) {
          const cell = `${column} ${row}`;
          assert.ok(!taken.has(cell), `${title} lies on another panel`);
          taken.add(cell);
        }
      }
    }
  }
});

Deno.test("each query is PromQL, of the chosen targets, and its rates have Grafana's interval", () => {
  for (const { title, target: { expr } } of targetsOf(model)) {
    const ranges = [...expr!.matchAll(/\[([^\]]*)\]/g)].map(([, range]) => range);
    assert.ok(ranges.every((range) => range === "$__rate_interval"), `${title}: ${expr}`);
    const text = substituted(expr!, { histograms: "classic" });
    assert.doesNotMatch(text, /\$/, title);
    const faults: string[] = [];
    const selectors: string[] = [];
    parser.parse(text).iterate({
      enter: (node) => {
        if (node.type.isError) faults.push(text.slice(node.from));
        if (node.name === "VectorSelector") selectors.push(text.slice(node.from, node.to));
      },
    });
    assert.deepEqual(faults, [], `${title}: ${text}`);
    assert.ok(selectors.length > 0, title);
    for (const selector of selectors) {
      const expected = /^kea_ebpf_(?!exporter_|label_sets|otlp_)/.test(selector)
        ? ["job", "instance", "server"]
        : ["job", "instance"];
      for (const label of expected) {
        assert.match(selector, new RegExp(`[{,]${label}=~`), `${title}: ${selector}`);
      }
    }
  }
});

Deno.test("the grammar finds what is no PromQL", () => {
  let hasFault = false;
  parser.parse("sum(rate(x[1m])").iterate({
    enter: ({ type }) => void (hasFault ||= type.isError),
  });
  assert.ok(hasFault);
});

/** Enumerations of Grafana's types are plain texts and numbers in JSON. */
const CHECK = `import type { Dashboard } from "@grafana/schema";
type Plain<T> = T extends string ? \`\${T}\`
  : T extends number | boolean | null | undefined ? T
  : T extends readonly (infer U)[] ? Plain<U>[]
  : T extends object ? { [K in keyof T]: Plain<T[K]> }
  : T;
export const dashboard: Plain<Dashboard> = `;

/** Changes that Grafana does not understand. */
const WRONG = [
  ['"graphTooltip": 1', '"graphTooltip": "shared"'],
  ['"type": "datasource"', '"type": "data"'],
  ['"gridPos"', '"grid"'],
] as const;

Deno.test("the model is one of Grafana's own type, and wrong ones are not", async () => {
  const json = await Deno.readTextFile(FILE);
  const folder = await Deno.makeTempDir({ prefix: "kea-dashboard-test-" });
  try {
    const models = { right: json } as Record<string, string>;
    for (const [index, [right, wrong]] of WRONG.entries()) {
      assert.ok(json.includes(right), right);
      models[`wrong-${index}`] = json.replace(right, wrong);
    }
    const files = Object.keys(models).map((name) => join(folder, `${name}.ts`));
    for (const [index, text] of Object.values(models).entries()) {
      await Deno.writeTextFile(files[index]!, `${CHECK}${text};\n`);
    }
    const { stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--config", join(ROOT, "deno.json"), ...files],
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const text = new TextDecoder().decode(stderr);
    assert.match(text, /Type checking failed/);
    const faulty = Object.keys(models).filter((name) => text.includes(`/${name}.ts:`));
    assert.deepEqual(faulty, Object.keys(models).slice(1), text);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
