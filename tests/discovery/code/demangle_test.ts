import assert from "node:assert/strict";
import { demangle } from "../../../discovery/code/demangle.ts";
import { demangleTypes } from "../../../probes/exception_names.ts";

Deno.test("demangle() reads no file that a name names, and keeps each name with its own words", async () => {
  const names = ["_Z1fv", "@/etc/passwd", "main", "a\nb", "_Z1gi", "_Z1g i", "", "\x1b[2J"];
  assert.deepEqual([...await demangle(names)], [
    ["_Z1fv", "f()"],
    ["@/etc/passwd", "@/etc/passwd"],
    ["main", "main"],
    ["a\nb", "a\nb"],
    ["_Z1gi", "g(int)"],
    ["_Z1g i", "_Z1g i"],
    ["", ""],
    ["\x1b[2J", "\x1b[2J"],
  ]);
});

Deno.test("demangleTypes() reads types, those of internal linkage too, and nothing else", async () => {
  assert.deepEqual(await demangleTypes(["*N1aE", "@/etc/passwd", "St13runtime_error", "x\ny"]), {
    "*N1aE": "a",
    "@/etc/passwd": "@/etc/passwd",
    "St13runtime_error": "std::runtime_error",
    "x\ny": "x\ny",
  });
});
