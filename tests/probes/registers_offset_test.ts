import assert from "node:assert/strict";
import { chosen } from "../../probes/registers_offset.ts";

Deno.test("chosen() takes the place that every exit agreed with", () => {
  assert.equal(chosen({ "0": 40, "16216": 40 }), 16216);
  assert.equal(chosen({ "0": 40, "16216": 3, "16200": 40 }), 16200);
});

Deno.test("chosen() takes none before there are enough exits, or when one disagrees", () => {
  assert.equal(chosen({}), 0);
  assert.equal(chosen({ "0": 5, "16216": 5 }), 0);
  assert.equal(chosen({ "0": 40, "16216": 39 }), 0);
});
