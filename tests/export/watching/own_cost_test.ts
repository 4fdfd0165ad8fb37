import assert from "node:assert/strict";
import { Accumulator } from "../../../export/prometheus/accumulator.ts";
import { exposeOwnCost, ownCost } from "../../../export/watching/own_cost.ts";
import { TICKS } from "../../../system/proc.ts";
import { seriesOf } from "../exposed.ts";

/** The kernel counts in ticks; a difference of sums of seconds is off by the last digits of a number. */
const ticks = (seconds: number) => Math.round(seconds * TICKS);

Deno.test("ownCost() counts programs that have ended, and those that run", async () => {
  const before = ownCost();
  assert.ok(before.exporterBytes > 2 ** 20, `${before.exporterBytes} bytes`);
  // A program that needs 0.2 s of CPU time.
  const work = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";
  await using busy = new Deno.Command("sh", {
    args: ["-c", `${work}; echo done; exec sleep 60`],
    stdout: "piped",
  }).spawn();
  const output = busy.stdout.getReader();
  await output.read();
  const running = ticks(ownCost().cpuSeconds - before.cpuSeconds);
  busy.kill("SIGKILL");
  await busy.status;
  await output.cancel();
  const ended = ticks(ownCost().cpuSeconds - before.cpuSeconds);
  assert.ok(running > ticks(0.05), `${running} ticks while it runs`);
  assert.ok(ended >= running, `${ended} ticks when it has ended, ${running} before`);
});

Deno.test("exposeOwnCost() names the memory of each of its processes", () => {
  const accumulator = new Accumulator();
  using _cost = exposeOwnCost(accumulator, () => 5);
  const series = seriesOf(accumulator, "exporter_memory_bytes");
  const bytes = new Map(series.map(({ labels, value }) => [labels["process"], value]));
  assert.deepEqual([...bytes.keys()].toSorted(), ["bpftrace", "drawing", "exporter"]);
  assert.equal(bytes.get("drawing"), 5);
  assert.ok(Number(bytes.get("exporter")) > 2 ** 20);
});
