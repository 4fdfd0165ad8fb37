import assert from "node:assert/strict";
import type { Sample } from "../../metrics/capture.ts";
import type { Series, Window } from "../../metrics/document.ts";
import { LongWindows } from "../../metrics/long_windows.ts";
import { WindowBuilder } from "../../metrics/windows.ts";
import { HEADER, packed, sampleAt } from "./capture_records.ts";

/** What is told of samples one second apart. */
function told(perWindow: number, maps: readonly Sample["maps"][], gapBefore?: number) {
  const ended: Window[] = [];
  const corrected: Window[] = [];
  const builder = new WindowBuilder();
  const long = new LongWindows(
    perWindow,
    (window) => ended.push(window),
    (window) => corrected.push(window),
  );
  builder.next(HEADER);
  for (const [index, each] of maps.entries()) {
    const isAfter = gapBefore !== undefined && index >= gapBefore;
    const sample = sampleAt(index + (isAfter ? 10 : 0), each);
    const window = builder.next({ ...sample, segment: isAfter ? 1 : 0 });
    if (window !== null) long.add(window);
    long.settle();
  }
  builder.document();
  long.end();
  long.settle();
  return { ended, corrected };
}

const unanswered = (series: readonly Series[]) =>
  series.filter(({ labels }) => labels["kind"] === "unanswered").map((one) =>
    one.kind === "counter" ? one.value : null
  );

const offers = ({ series }: Window) => {
  const found = series.find(({ metric }) => metric === "packet_processing_time");
  return found?.kind === "histogram" ? found.count : 0;
};

/** The state after so many discovers, and so many of them answered. */
const state = (received: number, answered: number): Sample["maps"] => ({
  "@received": { "1,1": packed(received, received * 300, 40) },
  "@processing": { "1,2,104": packed(answered, answered * 50_000, 44) },
});

Deno.test("LongWindows adds windows up, and ends a shorter one at the end", () => {
  const maps = [0, 1, 3, 6, 10, 15].map((count) => state(count, count));
  const { ended, corrected } = told(2, maps);
  assert.deepEqual(ended.map(offers), [3, 7, 5]);
  assert.deepEqual(ended.map(({ start, end }) => [start.slice(17, 19), end.slice(17, 19)]), [
    ["00", "02"],
    ["02", "04"],
    ["04", "05"],
  ]);
  assert.deepEqual(corrected, []);
});

Deno.test("LongWindows does not span what nobody watched", () => {
  const maps = [0, 1, 2, 0, 4].map((count) => state(count, count));
  const { ended } = told(10, maps, 3);
  assert.deepEqual(ended.map(offers), [2, 4]);
});

Deno.test("LongWindows corrects a window when it is settled what got no answer", () => {
  // One discover of the first window is lost, one of the second is under way at its end.
  const maps = [state(0, 0), state(5, 4), state(10, 8), state(15, 14), state(20, 19)];
  const { ended, corrected } = told(1, maps);
  const first = corrected.find(({ start }) => start === ended[0]!.start);
  assert.deepEqual(unanswered(ended[0]!.series), [0]);
  assert.deepEqual(unanswered(first!.series), [1]);
  assert.equal(first!.series.length, 1);
  const sum = ended.map(({ start, series }) => {
    const correction = corrected.find((window) => window.start === start);
    return Number(unanswered(correction?.series ?? series)[0] ?? 0);
  }).reduce((total, count) => total + count);
  assert.equal(sum, 1);
});
