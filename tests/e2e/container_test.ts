/** A server in mount, process and network namespaces of its own, watched from outside. Needs root. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { watchWhile } from "../../tools/lab/watch_while.ts";
import { findBpftrace } from "../../probes/bpftrace.ts";
import { startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { total, withoutAnswer } from "../../metrics/totals.ts";
import { startMonitor } from "./monitored.ts";
import { must } from "./run_script.ts";
import { assertComplete } from "./watched.ts";

const SEVEN = [
  "packet_processing_time",
  "lease_allocation_time",
  "database_query_time",
  "cpu_usage",
  "memory_usage",
  "network_traffic",
] as const;

Deno.test("all seven metrics of a server in a container of another Debian, from outside", async () => {
  await using lab = await startLab({ kea: "2.6", ownProcessIds: true });
  const namespace = (pid: number | "self", name: string) =>
    Deno.readLink(`/proc/${pid}/ns/${name}`);
  for (const name of ["pid", "mnt", "net"]) {
    assert.notEqual(await namespace(lab.pid, name), await namespace("self", name), name);
  }
  const status = await Deno.readTextFile(`/proc/${lab.pid}/status`);
  assert.match(status, /^NSpid:\t\d+\t1$/m, "it takes itself for process 1");
  assert.notEqual(await Deno.readLink(`/proc/${lab.pid}/root`), "/");

  await using monitored = await startMonitor(lab.pid);
  const report = await runPerfdhcp(lab, { rate: 50, exchanges: 101 });
  const { document } = await monitored.stop();
  assertComplete(document);
  const seen = new Set(document.totals.map(({ metric }) => metric));
  for (const metric of SEVEN) assert.ok(seen.has(metric), metric);
  // Errors are watched, too: nothing was lost, and that is said of each kind.
  assert.equal(withoutAnswer(document), 0);
  assert.ok(!document.capture.not_available.some(({ metric }) => metric === "error_rate"));
  for (
    const [message, { sent, received }] of [
      ["DHCPDISCOVER", report["DISCOVER-OFFER"]!],
      ["DHCPREQUEST", report["REQUEST-ACK"]!],
    ] as const
  ) {
    assert.equal(sent, received);
    assert.equal(total(document, "packet_processing_time", { message }), received);
    assert.equal(total(document, "lease_allocation_time", { message }), received);
  }
});

Deno.test("all is counted of a server on overlayfs, as in a container", async () => {
  const folder = await Deno.makeTempDir({ prefix: "kea-overlay-" });
  const at = (name: string) => join(folder, name);
  for (const name of ["upper", "work", "usr"]) await Deno.mkdir(at(name));
  await Deno.chmod(folder, 0o755);
  const layers = `lowerdir=/usr,upperdir=${at("upper")},workdir=${at("work")}`;
  await must("mount", "-t", "overlay", "overlay", "-o", layers, at("usr"));
  try {
    await using lab = await startLab({
      program: at("usr/sbin/kea-dhcp4"),
      libraries: at("usr/lib/x86_64-linux-gnu"),
    });
    const { document, result } = await watchWhile(
      lab,
      { profile: "deep", bpftrace: await findBpftrace() },
      () => runPerfdhcp(lab, { rate: 50, exchanges: 53 }),
    );
    assertComplete(document);
    const { received } = result["REQUEST-ACK"]!;
    const message = "DHCPREQUEST";
    assert.equal(total(document, "packet_processing_time", { message }), received);
    assert.equal(total(document, "lease_allocation_time", { message }), received);
  } finally {
    await must("umount", at("usr"));
    await Deno.remove(folder, { recursive: true });
  }
});
