import assert from "node:assert/strict";
import { programTexts } from "../../probes/program_texts.ts";
import { PROGRAMS } from "../../probes/programs.ts";

const { programs, parts } = await programTexts();
const header = (text: string) => /^\/\*[\s\S]*?\*\//.exec(text)![0];

Deno.test("every program is in the list, and its code and that of each part fits a screen", () => {
  assert.deepEqual(new Set(programs.keys()), new Set(PROGRAMS.map(({ file }) => file)));
  for (const [name, text] of [...programs, ...parts]) {
    const body = text.startsWith("/*") ? text.slice(header(text).length) : text;
    const lines = body.trim().split("\n").length;
    assert.ok(lines <= 60, `${name}: ${lines} lines`);
  }
});

Deno.test("every program's header has its parts, a session, and names programs that there are", () => {
  for (const [name, text] of programs) {
    const words = header(text);
    assert.ok(words.startsWith(`/*\n * ${name} - `), name);
    for (
      const part of ["Why: ", "Session", "Reading what it prints", "Cost: ", "What it cannot see: "]
    ) {
      assert.ok(words.includes(` * ${part}`), `${name}: ${part}`);
    }
    assert.match(words, / \* {3}# .*to-json/, name);
    for (const [other] of words.matchAll(/\b\w+\.bt\b/g)) {
      assert.ok(programs.has(other) || other === "program.bt", `${name}: ${other}`);
    }
  }
});

Deno.test("every part is included by a program or by another part", () => {
  const texts = [...programs.values(), ...parts.values()].join("\n");
  for (const name of parts.keys()) assert.match(texts, new RegExp(`\\{\\{> ${name}[ }]`), name);
});
