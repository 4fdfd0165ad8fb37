import assert from "node:assert/strict";
import { serverRecordOf } from "../../probes/plan_record.ts";
import { server } from "./server_and_sites.ts";

Deno.test("serverRecordOf() notes threads, CPUs, loggers, and hook libraries by their file names", () => {
  const hookLibraries = ["/usr/lib/kea/hooks/libdhcp_stat_cmds.so", "/opt/hooks/a.so"];
  const { setup } = serverRecordOf(server({ threads: 7, hookLibraries }));
  const hook_libraries = ["a.so", "libdhcp_stat_cmds.so"];
  assert.deepEqual(setup, {
    threads: 7,
    worker_threads: 4,
    cpus: 2,
    hook_libraries,
    debug_loggers: [],
  });
});
