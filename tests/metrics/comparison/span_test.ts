import assert from "node:assert/strict";
import { InputError } from "../../../metrics/input/input_lines.ts";
import { readSide } from "../../../metrics/comparison/side.ts";
import { spanIn } from "../../../metrics/comparison/span.ts";
import { pathOf } from "../fixtures/captures.ts";

/** The edges of a span of a run that began at a time. */
function edges(name: string, start: string): (string | number)[] {
  const { from, to } = spanIn(name).span!.edgesOf(start);
  return [from, to].map((ms) => Number.isFinite(ms) ? new Date(ms).toISOString() : ms);
}

const NOON = "2026-11-27T12:00:02.5Z";

Deno.test("spanIn() splits a file and its span, in times of day", () => {
  assert.equal(spanIn("a@b.ndjson@12:00-12:10").path, "a@b.ndjson");
  assert.deepEqual(edges("f@12:00-12:10:30.5", NOON), [
    "2026-11-27T12:00:00.000Z",
    "2026-11-27T12:10:30.500Z",
  ]);
  assert.deepEqual(edges("f@-12:10", NOON), [-Infinity, "2026-11-27T12:10:00.000Z"]);
  assert.deepEqual(edges("f@12:10-", NOON), ["2026-11-27T12:10:00.000Z", Infinity]);
});

Deno.test("spanIn() goes on behind midnight, and takes dates", () => {
  assert.deepEqual(edges("f@23:50-00:10", "2026-11-27T23:00:00Z"), [
    "2026-11-27T23:50:00.000Z",
    "2026-11-28T00:10:00.000Z",
  ]);
  assert.deepEqual(edges("f@01:00-02:00", NOON), [
    "2026-11-28T01:00:00.000Z",
    "2026-11-28T02:00:00.000Z",
  ]);
  assert.deepEqual(edges("f@2026-11-29T01:00-2026-11-29T02:00:05", NOON), [
    "2026-11-29T01:00:00.000Z",
    "2026-11-29T02:00:05.000Z",
  ]);
});

Deno.test("spanIn() refuses what is no span in one line, and takes no span for the file alone", () => {
  assert.deepEqual(spanIn("capture.ndjson"), { path: "capture.ndjson", span: null });
  for (const name of ["f@", "f@-", "f@12-13", "f@12:99-13:00", "f@noon-", "@12:00-"]) {
    assert.throws(() => spanIn(name), InputError, name);
  }
});

Deno.test("readSide() takes the windows of a span, and names the file's own times if there are none", async () => {
  const path = pathOf("v4");
  const all = await readSide(path);
  const part = await readSide(`${path}@23:23:05-23:23:10`);
  assert.ok(part.windows.length >= 3 && part.windows.length < all.windows.length);
  assert.ok(part.from! >= "2026-11-26T23:23:05" && part.to! <= "2026-11-26T23:23:10");
  assert.equal(part.seconds, part.windows.reduce((sum, { seconds }) => sum + seconds, 0));
  await assert.rejects(
    readSide(`${path}@01:00-02:00`),
    /no window is in that span, the file is from 2026-11-26T23:22:58 to /,
  );
});
