import assert from "node:assert/strict";
import type { Candidate, Rank } from "../../../export/watching/candidate.ts";
import { ServerNames } from "../../../export/watching/server_names.ts";

const server = (pid: number, rank: Rank, place = "host"): Candidate => ({
  kea: { pid, family: 4, executable: "/usr/sbin/kea-dhcp4" },
  ...{ place, rank },
});

Deno.test("ServerNames names a server for its kind, and for its place when there are several", () => {
  const names = new ServerNames();
  const running = new Set([1, 2, 3]);
  assert.deepEqual(names.nameOf(server(1, 1), running), { name: "dhcp4" });
  assert.deepEqual(names.nameOf(server(2, 1, "kea-two"), running), { name: "dhcp4@kea-two" });
  assert.deepEqual(names.nameOf(server(3, 1, "kea-two"), running), { name: "dhcp4@kea-two:3" });
  // The first one has been restarted.
  assert.deepEqual(names.nameOf(server(4, 1), new Set([2, 3, 4])), { name: "dhcp4" });
});

Deno.test("ServerNames gives a name to the server that ranks higher", () => {
  const names = new ServerNames();
  const running = new Set([1, 2, 3]);
  names.nameOf(server(1, 2), running);
  assert.deepEqual(names.nameOf(server(2, 1), running), { holder: 1 });
  names.free(1);
  assert.deepEqual(names.nameOf(server(2, 1), running), { name: "dhcp4" });
  assert.deepEqual(names.nameOf(server(1, 2), running), { name: "dhcp4@host" });
  assert.deepEqual(names.nameOf(server(3, 2), running), { name: "dhcp4@host:3" });
});
