import assert from "node:assert/strict";
import { readCapture } from "../../../metrics/capture.ts";
import { overviewOf } from "../../../metrics/overview.ts";
import { compareSides } from "../../../metrics/comparison/compare_sides.ts";
import {
  type Comparison,
  comparisonSchema,
  parseComparison,
} from "../../../metrics/comparison/comparison.ts";
import { readSide, type Side, sideOf } from "../../../metrics/comparison/side.ts";
import { pathOf } from "../fixtures/captures.ts";
import { madeSide } from "./made_sides.ts";

const changed = ({ series }: Comparison) =>
  series.flatMap(({ metric, statistics }) =>
    statistics.filter(({ verdict }) => verdict === "up" || verdict === "down")
      .map(({ statistic, verdict }) => `${metric} ${statistic} ${verdict}`)
  );

Deno.test("compareSides() finds no change in runs alike: at most one false alarm in twenty", () => {
  let alarms = 0;
  for (let pair = 0; pair < 40; pair++) {
    const [before, after] = [madeSide({ seed: 2 * pair }), madeSide({ seed: 2 * pair + 1 })];
    if (compareSides(before, after).verdict !== "same") alarms++;
  }
  assert.ok(alarms <= 2, `${alarms} of 40`);
});

Deno.test("compareSides() finds packets that take 20 % longer, by their mean, and nothing else", () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const comparison = compareSides(
      madeSide({ seed, windows: 60 }),
      madeSide({ seed: seed + 50, windows: 60, median: 240_000 }),
    );
    assert.equal(comparison.verdict, "slower");
    const found = changed(comparison);
    assert.ok(found.includes("packet_processing_time mean up"), String(found));
    assert.ok(found.every((each) => /^packet_processing_time (mean|p50|p99) up$/.test(each)));
    const mean = comparison.series[0]!.statistics[0]!;
    assert.ok(mean.lower! < 0.2 && mean.upper! > 0.2, "the bounds hold the true change");
  }
});

Deno.test("compareSides() reports a doubled load once, not as more of everything", () => {
  const comparison = compareSides(
    madeSide({ seed: 1 }),
    madeSide({ seed: 2, perWindow: 100 }),
  );
  assert.deepEqual(changed(comparison), ["network_traffic rate up"]);
  assert.equal(comparison.verdict, "same");
  assert.deepEqual(comparison.differences, [
    { what: "load", before: "50 packets/s", after: "100 packets/s" },
  ]);
});

Deno.test("compareSides() finds errors that came up, and takes three for chance", () => {
  const of = (errors: number) =>
    changed(compareSides(madeSide({ seed: 1 }), madeSide({ seed: 2, errors })));
  assert.deepEqual(of(30), ["error_rate rate up"]);
  assert.deepEqual(of(3), []);
});

Deno.test("compareSides() says the same for the same sides, again and again", () => {
  const [before, after] = [madeSide({ seed: 3 }), madeSide({ seed: 4, median: 230_000 })];
  assert.deepEqual(compareSides(before, after), compareSides(before, after));
  const same = compareSides(before, before);
  assert.deepEqual([same.verdict, changed(same)], ["same", []]);
});

Deno.test("compareSides() says what else differed", () => {
  const setup = { threads: 5, hook_libraries: ["libdhcp_lease_cmds.so"] };
  const comparison = compareSides(
    madeSide({ seed: 1 }),
    madeSide({
      seed: 2,
      server: { family: 4, version: "2.6.3", host: "other", setup },
      capture: { profile: "deep", verdict: "PARTIAL", reasons: ["Lost 3 events"] },
    }),
  );
  assert.deepEqual(comparison.differences.map(({ what }) => what), [
    "version",
    "host",
    "profile",
    "verdict of the capture",
  ]);
  assert.deepEqual(comparison.notes, ["AFTER is PARTIAL: Lost 3 events"]);
});

Deno.test("compareSides() takes what is missing for zero only where both sides watched the same", () => {
  const why = "log_information.bt: needs --profile deep";
  const capture = { not_available: [{ metric: "error_rate", why }] };
  const after = madeSide({ seed: 2, errors: 30, capture });
  const without = (side: Side): Side => {
    const isOther = ({ metric }: { readonly metric: string }) => metric !== "error_rate";
    return {
      ...side,
      totals: side.totals.filter(isOther),
      windows: side.windows.map((each) => ({ ...each, series: each.series.filter(isOther) })),
    };
  };
  const other = { metric: "error_rate", labels: { kind: "other" }, unit: "events" };
  const withOther = (side: Side): Side => ({
    ...side,
    totals: [...side.totals, { ...other, family: 4, kind: "counter", value: 0 }],
  });
  const same = compareSides(withOther(without(madeSide({ seed: 1, capture }))), after);
  assert.deepEqual(changed(same), ["error_rate rate up"]);
  const another = compareSides(
    withOther(without(madeSide({
      seed: 1,
      capture: { not_available: [{ metric: "error_rate", why: "no site" }] },
    }))),
    after,
  );
  assert.deepEqual(changed(another), []);
  assert.deepEqual(another.not_compared.map(({ why }) => why), [
    `AFTER does not have it: ${why}`,
    "BEFORE does not have it: no site",
  ]);
});

Deno.test("compareSides() takes a busier host for what else differed, not for a change of the server", () => {
  const comparison = compareSides(madeSide({ seed: 1 }), madeSide({ seed: 2, pressure: 0.7 }));
  assert.deepEqual(changed(comparison), []);
  assert.deepEqual(comparison.differences, [
    { what: "host pressure cpu some", before: "20 % of the time", after: "70 % of the time" },
  ]);
});

Deno.test("compareSides() cannot say anything of v4 beside v6, and says why", () => {
  const comparison = compareSides(
    madeSide({ seed: 1 }),
    madeSide({ seed: 2, server: { family: 6 } }),
  );
  assert.deepEqual([comparison.verdict, comparison.series], ["cannot say", []]);
  assert.match(comparison.notes[0]!, /^BEFORE is DHCPv4, AFTER is DHCPv6: their messages differ/);
});

Deno.test("compareSides() takes few windows for too little data, not for sameness", () => {
  const comparison = compareSides(madeSide({ seed: 1, windows: 5 }), madeSide({ seed: 2 }));
  assert.equal(comparison.verdict, "cannot say");
  assert.match(comparison.notes[0]!, /^BEFORE has 5 windows: bounds need at least 8/);
});

Deno.test("compareSides() compares real captures of different servers without a broken number", async () => {
  const sides = await Promise.all(
    (["v4", "v6", "sql"] as const).map((kind) => readSide(pathOf(kind))),
  );
  const document = await overviewOf(readCapture((await Deno.open(pathOf("v4"))).readable));
  const empty = sideOf("empty", { ...document, totals: [] }, []);
  const withoutWindows = sideOf("without windows", document, []);
  const all = [...sides, empty, withoutWindows];
  for (const before of all) {
    for (const after of all) {
      const comparison = compareSides(before, after);
      // JSON has null for a number that is none.
      parseComparison(JSON.parse(JSON.stringify(comparison)));
      assert.doesNotMatch(JSON.stringify(comparison), /NaN|Infinity|undefined/);
      if (before === after) assert.deepEqual(changed(comparison), []);
    }
  }
  assert.match(compareSides(empty, sides[0]!).notes.join(), /BEFORE has no data/);
  assert.equal(compareSides(empty, empty).verdict, "cannot say");
});

Deno.test("comparison.schema.json is what the types generate", async () => {
  const file = new URL("../../../metrics/comparison/comparison.schema.json", import.meta.url);
  assert.deepEqual(
    JSON.parse(await Deno.readTextFile(file)),
    comparisonSchema(),
    "write comparisonSchema() to metrics/comparison/comparison.schema.json",
  );
});
