import assert from "node:assert/strict";
import { suiteCommand } from "../../../tools/lab/debian_suites.ts";

Deno.test("suiteCommand() hands arguments on as they are, behind the folders to bind", () => {
  const suite = {
    name: "sid",
    root: "/cache/sid",
    versions: { bpftrace: "0.27.1-1", kea: "3.0.4-2" },
  } as const;
  const argv = ["bpftrace", "-e", `BEGIN { printf("$(id)'"); }`];
  assert.deepEqual(
    suiteCommand(suite, argv, ["/tmp/a folder"]).slice(-10),
    ["sh", "/cache/sid", "/proc", "/sys", "/dev", "/tmp/a folder", "--", ...argv],
  );
});
