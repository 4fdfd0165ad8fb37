import assert from "node:assert/strict";
import { UnwatchedTime } from "../../../export/watching/unwatched_time.ts";

/** The time of a server, and a clock to set, seconds. */
function started() {
  const clock = { seconds: 100 };
  return { clock, time: new UnwatchedTime(() => 1000 * clock.seconds) };
}

Deno.test("UnwatchedTime grows from the last reading on, while nothing is attached", () => {
  const { clock, time } = started();
  time.read();
  clock.seconds = 105;
  assert.equal(time.seconds(), 0);
  time.detached();
  assert.equal(time.seconds(), 5);
  clock.seconds = 165;
  time.detached();
  assert.equal(time.seconds(), 65);
  time.read();
  clock.seconds = 1000;
  assert.equal(time.seconds(), 65);
});

Deno.test("UnwatchedTime stands still while the server does not run, and counts a new process from its start", () => {
  const { clock, time } = started();
  time.read();
  clock.seconds = 103;
  time.ended();
  clock.seconds = 203;
  assert.equal(time.seconds(), 0);
  time.detached(4);
  assert.equal(time.seconds(), 4);
  clock.seconds = 205;
  time.read();
  assert.equal(time.seconds(), 6);
  // A process that started before the other one ended.
  clock.seconds = 206;
  time.ended();
  time.detached(1000);
  assert.equal(time.seconds(), 6);
});

Deno.test("UnwatchedTime of a server that was never read begins when it is found not attached", () => {
  const { clock, time } = started();
  time.detached();
  clock.seconds = 160;
  assert.equal(time.seconds(), 60);
  time.ended();
  clock.seconds = 170;
  assert.equal(time.seconds(), 60);
});
