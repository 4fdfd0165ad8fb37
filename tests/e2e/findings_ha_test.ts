/** A high-availability pair that is well has no finding; with a slow partner, that is the first. Needs root and Kea. */

import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { startLab } from "../../tools/lab/lab.ts";
import { assertFirst, explained, realTime } from "./explained.ts";
import { libraries, PATIENT_MS, startPartner, stateOf } from "./ha_pair.ts";
import { must, until } from "./run_script.ts";

Deno.test("a pair that is well has no finding, and a slow partner is found", async () => {
  await using lab = await startLab({ hooks: libraries("primary", PATIENT_MS) });
  await using partner = await startPartner(lab);
  await until(async () => await stateOf(lab) === "hot-standby", "both servers are ready");
  await realTime(lab);
  await must("chrt", "-a", "-f", "-p", "20", String(partner.pid));
  assert.deepEqual((await explained(lab, { rate: 20 })).findings, []);

  let isOver = false;
  const slowing = (async () => {
    while (!isOver) {
      Deno.kill(partner.pid, "SIGSTOP");
      await pause(60);
      Deno.kill(partner.pid, "SIGCONT");
      await pause(10);
    }
  })();
  try {
    const slow = await explained(lab, { rate: 20, base: "00:0c:02:00:00:00" });
    assertFirst(slow, "slow_partner");
  } finally {
    isOver = true;
    await slowing;
  }
});
