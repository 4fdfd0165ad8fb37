import assert from "node:assert/strict";
import { parseDisassembly } from "../../../discovery/code/disassembly.ts";
import { modePlaces } from "../../../discovery/sites/threading.ts";

const code = (what: string, version: string) =>
  parseDisassembly(
    Deno.readTextFileSync(
      new URL(`../fixtures/multi_threading_${what}-kea-${version}.objdump.txt`, import.meta.url),
    ),
  );

const PLACES = {
  "2.2.0": { made: 0x78520, mode: 0x78548 },
  "2.6.3": { made: 0x7e520, mode: 0x7e548 },
  "3.0.4": { made: 0x8c520, mode: 0x8c548 },
} as const;

for (const [version, places] of Object.entries(PLACES)) {
  Deno.test(`modePlaces() decodes where Kea ${version} keeps its threading mode`, () => {
    assert.deepEqual(modePlaces(code("instance", version), code("get_mode", version)), places);
  });
}

Deno.test("modePlaces() gives null for code that it does not know", () => {
  const instance = code("instance", "2.2.0");
  assert.equal(modePlaces([], code("get_mode", "2.2.0")), null);
  assert.equal(modePlaces(instance, instance), null);
});
