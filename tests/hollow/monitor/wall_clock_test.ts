import assert from "node:assert/strict";
import { WallClock } from "../../../hollow/monitor/wall_clock.ts";

/** A clock whose times a test sets, in milliseconds. */
function clockAt(wallMs: number) {
  const times = { wall: wallMs, monotonic: 5000 };
  const said: string[] = [];
  const clock = new WallClock(
    (line) => said.push(line),
    () => times.wall,
    () => times.monotonic,
  );
  const pass = (ms: number, stepMs = 0) => {
    times.wall += ms + stepMs;
    times.monotonic += ms;
  };
  return { clock, said, pass };
}

const windowAt = (second: number) => ({
  start: new Date(second * 1000).toISOString(),
  end: new Date((second + 1) * 1000).toISOString(),
  series: [],
});

Deno.test("WallClock leaves windows alone while the clock does not step", () => {
  const { clock, said, pass } = clockAt(0);
  for (const second of [0, 1, 2]) {
    pass(1000, 10);
    assert.deepEqual(clock.adjusted(windowAt(second)), windowAt(second));
  }
  assert.deepEqual(said, []);
});

Deno.test("WallClock follows a step, forward and back, and says so", () => {
  const { clock, said, pass } = clockAt(0);
  pass(1000, 3_600_000);
  assert.deepEqual(clock.adjusted(windowAt(0)), windowAt(3600));
  pass(1000);
  assert.deepEqual(clock.adjusted(windowAt(1)), windowAt(3601));
  pass(1000, -3_600_000);
  assert.deepEqual(clock.adjusted(windowAt(2)), windowAt(2));
  assert.equal(said.length, 2);
  assert.match(said[0]!, /was set by 3600 s/);
});

Deno.test("WallClock is not misled by windows that come late", () => {
  const { clock, said, pass } = clockAt(0);
  pass(60_000);
  assert.deepEqual(clock.adjusted(windowAt(0)), windowAt(0));
  assert.deepEqual(said, []);
});
