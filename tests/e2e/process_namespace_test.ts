/**
 * A monitor that runs in a process namespace of its own, and a server one deeper: every version of
 * bpftrace counts exactly. Needs root, Kea, and newer Debian suites, which it installs into the cache.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { parseDocument } from "../../metrics/document.ts";
import { SUITES } from "../../tools/lab/debian_suites.ts";
import { total } from "./monitored.ts";
import { ROOT } from "./run_script.ts";
import { EXCHANGES } from "./watch_in_namespace.ts";

for (const where of ["beside", "deeper"] as const) {
  Deno.test(`a monitor in a process namespace of its own counts exactly, the server ${where}`, async () => {
    const { success, stdout, stderr } = await new Deno.Command("unshare", {
      args: [
        ...["--pid", "--fork", "--mount-proc", "--kill-child=TERM", "--"],
        ...[Deno.execPath(), "run", "-A", join(ROOT, "tests/e2e/watch_in_namespace.ts"), where],
      ],
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assert.ok(success, text(stderr));
    const documents = text(stdout).trim().split("\n").map((line) =>
      parseDocument(JSON.parse(line))
    );
    assert.equal(documents.length, where === "deeper" ? 1 + SUITES.length : 1);
    for (const document of documents) {
      assert.equal(document.capture.verdict, "COMPLETE", document.capture.reasons.join());
      for (const message of ["DHCPDISCOVER", "DHCPREQUEST"]) {
        assert.equal(total(document, "packet_processing_time", { message }), EXCHANGES);
        assert.equal(total(document, "lease_allocation_time", { message }), EXCHANGES);
      }
      const statement = { statement: "lease_file_write" };
      assert.equal(total(document, "database_query_time", statement), EXCHANGES);
    }
  });
}
