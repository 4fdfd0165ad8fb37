import assert from "node:assert/strict";
import { programsIn } from "../../probes/attach_points.ts";
import { plan } from "../../probes/plan.ts";
import { complaintIn } from "../../probes/probe_run.ts";
import { factsOf, server, SITES } from "./server_and_sites.ts";

/** What each version prints where the kernel refuses a probe. */
const REFUSED = {
  "0.17.0": [
    "perf_event_open(/sys/kernel/tracing/events/uprobes/p__exe_3105d/id): Unknown error 524",
    "ERROR: Error attaching probe: uprobe:/proc/28540/exe:kea_site_allocation_start_0",
    "",
  ],
  "0.27.1": [
    "WARNING: Could not read functions from /sys/kernel/tracing/available_filter_functions.",
    "stdin:2:18-34: WARNING: Addrspace mismatch",
    "/pid == 12069 && args->ret >= 282/",
    "                 ~~~~~~~~~~~~~~~~",
    "ERROR: Unable to attach probe: uprobe:/proc/28540/exe:kea_site_allocation_start_0. If this is " +
    "expected, set the 'missing_probes' config variable to 'warn'.",
  ],
};

for (const [version, lines] of Object.entries(REFUSED)) {
  Deno.test(`complaintIn() is the error that bpftrace ${version} names, and programsIn() its program`, () => {
    const complaint = complaintIn(lines);
    assert.match(complaint, /attach(ing)? probe: uprobe:\/proc\/28540\/exe:kea_site_allocation/);
    assert.doesNotMatch(complaint, /args->ret|ERROR/);
    const made = plan(factsOf(server(), { sites: SITES, refusals: [] }), "deep");
    assert.deepEqual(programsIn(complaint, made), ["allocation.bt"]);
  });
}

Deno.test("complaintIn() is what the compiler in bpftrace names", () => {
  const line =
    "/bpftrace/include/clang_workarounds.h:14:10: fatal error: 'linux/types.h' file not found";
  assert.equal(complaintIn([line]), "'linux/types.h' file not found");
});

Deno.test("complaintIn() is what else bpftrace said where it names no error", () => {
  assert.equal(complaintIn(["Attaching 5 probes...", "killed by a user"]), "killed by a user");
});
