import assert from "node:assert/strict";
import { parseStat } from "../../system/proc.ts";

Deno.test("parseStat() is not misled by a command name with parentheses", () => {
  // Every field holds its own number in proc(5).
  const fields = Array.from({ length: 50 }, (_, index) => index + 3).slice(1).join(" ");
  assert.deepEqual(parseStat(`7 (a) b (c) S ${fields}`), {
    command: "a) b (c",
    state: "S",
    processGroup: 5,
    foregroundGroup: 8,
    minorFaults: 10,
    majorFaults: 12,
    userTicks: 14,
    systemTicks: 15,
    endedTicks: 33,
    threads: 20,
    startTicks: 22,
    startCode: 26,
    startStack: 28,
    argumentsStart: 48,
    argumentsEnd: 49,
  });
});
