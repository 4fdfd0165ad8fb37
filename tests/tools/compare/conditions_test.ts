import assert from "node:assert/strict";
import { compareSides } from "../../../metrics/comparison/compare_sides.ts";
import { check, parseCondition } from "../../../tools/compare/conditions.ts";
import { madeSide } from "../../metrics/comparison/made_sides.ts";

const slower = compareSides(
  madeSide({ seed: 1 }),
  madeSide({ seed: 2, median: 260_000, errors: 30 }),
);
const resultOf = (text: string, comparison = slower) =>
  check(parseCondition(text), comparison).result;

Deno.test("a condition holds for a proven change beyond its limit alone", () => {
  assert.equal(resultOf("mean>20%"), "holds");
  assert.equal(resultOf("mean > 50 %"), "does not hold");
  assert.equal(resultOf("p50<-5%"), "does not hold");
  assert.equal(
    resultOf(
      "p50<-5%",
      compareSides(madeSide({ seed: 2, median: 260_000 }), madeSide({ seed: 1 })),
    ),
    "holds",
  );
  assert.equal(resultOf("slower"), "holds");
  assert.equal(resultOf("faster"), "does not hold");
  assert.equal(resultOf("more"), "holds");
});

Deno.test("a condition chooses series by metric and labels", () => {
  assert.equal(resultOf("packet_processing_time mean>10%"), "holds");
  assert.equal(resultOf("packet_processing_time{message=DHCPDISCOVER} mean>10%"), "holds");
  assert.equal(resultOf('{message="DHCPDISCOVER"} slower'), "holds");
  assert.equal(resultOf("error_rate more"), "holds");
  assert.equal(resultOf("network_traffic more"), "does not hold");
});

Deno.test("a condition that nothing can be said about is not checked, and never passes", () => {
  assert.equal(resultOf("packet_processing_time{message=DHCPREQUEST} mean>10%"), "not checked");
  assert.equal(resultOf("error_rate p99>10%"), "not checked");
  const short = compareSides(madeSide({ seed: 1, windows: 4 }), madeSide({ seed: 2 }));
  assert.equal(resultOf("mean>10%", short), "not checked");
  assert.equal(resultOf("slower", short), "not checked");
});

Deno.test("parseCondition() refuses anything else in one line that shows the form", () => {
  for (
    const text of [
      "",
      "p99",
      "p98>1%",
      "p99>10",
      "p99<5%",
      "p99>-5%",
      "a b p99>1%",
      "x{y} mean>1%",
      "slowest",
    ]
  ) {
    assert.throws(() => parseCondition(text), /^[^\n]*such as "p99>10%"[^\n]*$/, text);
  }
});
