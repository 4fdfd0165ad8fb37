import assert from "node:assert/strict";
import { conclusion } from "../../tools/troubleshoot_kea_server.ts";

Deno.test("conclusion() counts the problems and names them", () => {
  assert.equal(conclusion([]), "Healthy");
  assert.equal(conclusion([{ check: "pools" }]), "1 problem: pools");
  assert.equal(conclusion([{ check: "pools" }, { check: "disk" }]), "2 problems: pools, disk");
});
