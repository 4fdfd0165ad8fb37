import assert from "node:assert/strict";
import { z } from "zod";
import { listOf } from "../../discovery/list_of.ts";

const names = z.object({ names: listOf(listOf(z.string())) });

Deno.test("listOf() gives the elements of a list", () => {
  assert.deepEqual(names.parse({ names: [["a"], [], ["b", "c"]] }).names, [["a"], [], ["b", "c"]]);
});

Deno.test("listOf() says where the first wrong element stands, and stops there", () => {
  const { error } = names.safeParse({ names: [["a"], ["b", ...Array(1_000_000).fill(1)], 2] });
  assert.equal(error!.issues.length, 1);
  assert.deepEqual(error!.issues[0]!.path, ["names", 1, 1]);
  assert.match(error!.issues[0]!.message, /expected string, received number/);
});
