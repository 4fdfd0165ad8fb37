import assert from "node:assert/strict";
import { parseControlGroup } from "../../../export/watching/control_group.ts";

Deno.test("parseControlGroup() distinguishes a service and a container of root from a user's session", () => {
  const cases = {
    "0::/system.slice/kea-dhcp4-server.service": ["kea-dhcp4-server", true],
    "1:cpu:/\n0::/system.slice/docker-12ab.scope\n": ["docker-12ab", true],
    "0::/docker/12ab": ["12ab", true],
    "0::/user.slice/user-1000.slice/session-1.scope": ["session-1", false],
    "0::/": ["host", false],
  };
  for (const [text, expected] of Object.entries(cases)) {
    const { name, isOfRoot } = parseControlGroup(text);
    assert.deepEqual([name, isOfRoot], expected, text);
  }
});

Deno.test("parseControlGroup() takes the unit, not a group that a service or a user makes below its own", () => {
  const below = "kea-dhcp4-server.service";
  const unitOf = (path: string) => parseControlGroup(`0::${path}/${below}\n`).unit;
  assert.equal(unitOf("/system.slice"), below);
  assert.equal(unitOf("/system.slice/www.service"), "www.service");
  assert.equal(unitOf("/user.slice/user-1.slice/user@1.service/app.slice"), "user@1.service");
});
