import assert from "node:assert/strict";
import { pressureIn, readHost, stealIn } from "../../probes/host_sample.ts";

Deno.test("stealIn() is the eighth number of all CPUs, in hundredths of a second", () => {
  const stat = "cpu  475945 31925 209855 105955 663 0 6129 315 0 0\n" +
    "cpu0 237000 15000 104000 52000 300 0 3000 150 0 0\n";
  assert.equal(stealIn(stat), 3.15);
  assert.equal(stealIn("cpu  1 2 3\n"), null);
});

Deno.test("pressureIn() reads the totals, which an older kernel has not for all tasks", () => {
  const some = "some avg10=99.12 avg60=99.41 avg300=99.21 total=3434652062\n";
  assert.deepEqual(pressureIn(some), { some: 3434.652062, full: 0 });
  assert.deepEqual(pressureIn(`${some}full avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\n`), {
    some: 3434.652062,
    full: 2.5,
  });
  assert.equal(pressureIn(""), null);
});

Deno.test("readHost() reads this host", async () => {
  const { steal_seconds, pressure } = await readHost(Deno.pid);
  assert.ok(steal_seconds! >= 0);
  for (const { some, full } of Object.values(pressure)) assert.ok(some >= full);
});
