import assert from "node:assert/strict";
import { KeaLookout } from "../../discovery/kea_lookout.ts";
import type { RunningKea } from "../../discovery/servers.ts";

Deno.test("KeaLookout sees a new server at once, an old process that becomes one soon, and asks little", () => {
  const keas = new Map<number, RunningKea>();
  let asked = 0;
  const lookout = new KeaLookout((pid) => {
    asked++;
    return keas.get(pid) ?? null;
  });
  const pids = new Set(Array.from({ length: 1000 }, (_, index) => index + 1));
  const start = (pid: number) => {
    pids.add(pid);
    keas.set(pid, { pid, family: 4, executable: "/usr/sbin/kea-dhcp4" });
  };
  const found = () => lookout.look(pids).map(({ pid }) => pid);
  for (let look = 0; look < 20; look++) assert.deepEqual(found(), []);
  asked = 0;
  assert.deepEqual(found(), []);
  assert.equal(asked, 100);

  start(2000);
  assert.deepEqual(found(), [2000]);
  // It runs another program first.
  pids.add(2001);
  for (let look = 0; look < 9; look++) assert.deepEqual(found(), [2000]);
  start(2001);
  assert.deepEqual(found(), [2000, 2001]);
  start(7);
  let looks = 1;
  while (!found().includes(7)) looks++;
  assert.ok(looks <= 10, `${looks} looks`);

  keas.delete(2000);
  pids.delete(2001);
  assert.deepEqual(found(), [7]);
  start(2001);
  assert.deepEqual(found(), [7, 2001]);
});
