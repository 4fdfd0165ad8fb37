import assert from "node:assert/strict";
import { CHOICE, isChosen, isNamed } from "../../../export/watching/chosen_servers.ts";

const KEA = { pid: Deno.pid, family: 4, executable: "/usr/sbin/kea-dhcp4" } as const;

Deno.test("a server is chosen by its process id or its kind, and named by its process id", () => {
  const pid = String(Deno.pid);
  assert.ok(isChosen(KEA, [pid]) && isChosen(KEA, ["dhcp6", "dhcp4"]));
  assert.ok(!isChosen(KEA, ["dhcp6"]) && !isChosen(KEA, ["kea-dhcp4-server.service"]));
  assert.ok(isNamed(KEA, [pid]) && !isNamed(KEA, ["dhcp4"]));
});

Deno.test("--server takes a process id, a kind or a unit", () => {
  for (const each of ["17", "dhcp6", "kea@one.service", "docker-12ab.scope"]) {
    assert.match(each, CHOICE);
  }
  for (const each of ["0", "kea", "../kea.service", "a b.service"]) {
    assert.doesNotMatch(each, CHOICE);
  }
});
