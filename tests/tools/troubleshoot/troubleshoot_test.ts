import assert from "node:assert/strict";
import type { Finding } from "../../../tools/troubleshoot/check.ts";
import { conclusionOf, conclusionText } from "../../../tools/troubleshoot/conclusion.ts";

/** The last line about checks that came to these. */
function lastLine(statuses: Readonly<Record<string, Finding["status"]>>): string {
  const findings = Object.entries(statuses).map(([check, status]) => ({ check, status }));
  return conclusionText(conclusionOf(findings));
}

Deno.test("conclusionText() counts the problems and names them", () => {
  assert.equal(lastLine({ pools: "ok", relays: "skipped", MTU: "note" }), "Healthy");
  assert.equal(lastLine({ pools: "problem", MTU: "ok" }), "1 problem: pools");
  assert.equal(lastLine({ pools: "problem", disk: "problem" }), "2 problems: pools, disk");
});

Deno.test("conclusionText() says Healthy only where every check was decided", () => {
  assert.equal(
    lastLine({ firewall: "not_known", pools: "ok" }),
    "No problem found; 1 check could not be decided: firewall",
  );
  assert.equal(
    lastLine({ firewall: "not_known", pools: "not_known", disk: "problem" }),
    "1 problem: disk; 2 checks could not be decided: firewall, pools",
  );
  assert.deepEqual(conclusionOf([{ check: "firewall", status: "not_known" }]), {
    healthy: false,
    problems: [],
    not_known: ["firewall"],
  });
});
