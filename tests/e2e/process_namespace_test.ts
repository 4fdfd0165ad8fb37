/**
 * A monitor that runs in a process namespace of its own, and a server one deeper: every version of
 * bpftrace counts exactly. Needs root, Kea, and newer Debian suites, which it installs into the cache.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { parseDocument } from "../../metrics/document.ts";
import { SUITES } from "../../tools/lab/debian_suites.ts";
import { total } from "../../metrics/totals.ts";
import { must, ROOT } from "./run_script.ts";
import { assertComplete } from "./watched.ts";

/** A line of what the script prints. */
interface Printed {
  readonly document: unknown;
  /** What perfdhcp counted. */
  readonly answered: Readonly<Record<"DHCPDISCOVER" | "DHCPREQUEST", number>>;
}

for (const where of ["beside", "deeper"] as const) {
  Deno.test(`a monitor in a process namespace of its own counts exactly, the server ${where}`, async () => {
    const printed = await must(
      ...["unshare", "--pid", "--fork", "--mount-proc", "--kill-child=TERM", "--"],
      ...[Deno.execPath(), "run", "-A", "--quiet"],
      ...[join(ROOT, "tests/e2e/watch_in_namespace.ts"), where],
    );
    const lines = printed.trim().split("\n").map((line) => JSON.parse(line) as Printed);
    assert.equal(lines.length, where === "deeper" ? 1 + SUITES.length : 1);
    for (const { answered, ...line } of lines) {
      const document = parseDocument(line.document);
      assertComplete(document);
      for (const message of ["DHCPDISCOVER", "DHCPREQUEST"] as const) {
        assert.equal(total(document, "packet_processing_time", { message }), answered[message]);
        assert.equal(total(document, "lease_allocation_time", { message }), answered[message]);
        const running = { message, cause: "running" };
        assert.equal(total(document, "packet_wait_time", running), answered[message]);
      }
      const statement = { statement: "lease_file_write" };
      assert.equal(total(document, "database_query_time", statement), answered.DHCPREQUEST);
    }
  });
}
