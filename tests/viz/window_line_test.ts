import assert from "node:assert/strict";
import { windowLine } from "../../viz/window_line.ts";

const WINDOW = { start: "2026-11-24T15:18:14Z", end: "2026-11-24T15:18:15Z", series: [] };

/** What a line says is left of ten seconds. */
function leftAt(elapsed: number): string {
  return /, (\S+) s left\]/.exec(windowLine(WINDOW, elapsed, 10))![1]!;
}

Deno.test("windowLine() says that nothing is left at the end alone, however short windows are", () => {
  assert.deepEqual([9, 9.2, 9.4, 9.6, 9.8, 10].map(leftAt), ["1", "1", "1", "1", "1", "0"]);
});

Deno.test("windowLine() says that nothing is left some milliseconds before the end and after it", () => {
  assert.deepEqual([9.998, 10.003, 11.5].map(leftAt), ["0", "0", "0"]);
});
