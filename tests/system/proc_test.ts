import assert from "node:assert/strict";
import { ageOf, parseStat } from "../../system/proc.ts";

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

Deno.test("ageOf() is the time since a process was started, and null when it is gone", async () => {
  const before = performance.now();
  const child = new Deno.Command("sleep", { args: ["1000"], stdin: "null" }).spawn();
  const age = ageOf(child.pid)!;
  // The kernel knows the start to 10 ms.
  const most = (performance.now() - before) / 1000 + 0.02;
  child.kill("SIGKILL");
  await child.status;
  assert.ok(age > -0.02 && age < most, `${age} s of ${most} s`);
  assert.equal(ageOf(child.pid), null);
});
