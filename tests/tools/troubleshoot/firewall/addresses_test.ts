import assert from "node:assert/strict";
import { matchesAddress } from "../../../../tools/troubleshoot/firewall/addresses.ts";

Deno.test("matchesAddress() takes a subnet by any of its addresses, and decides nothing of a wrong one", () => {
  assert.equal(matchesAddress("10.0.0.5/24", "10.0.0.77"), true);
  assert.equal(matchesAddress("10.0.0.5/24", "10.0.1.77"), false);
  assert.equal(matchesAddress("10.0.0.0/33", "10.0.0.1"), null);
  assert.equal(matchesAddress("2001:db8::/129", "2001:db8::1"), null);
});
