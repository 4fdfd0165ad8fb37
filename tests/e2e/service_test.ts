/**
 * The exporter with the capabilities of its unit counts exactly, in every profile, and also a Kea that runs as
 * user _kea. Needs root, Kea and bpftrace.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import type { Profile } from "../../probes/programs.ts";
import { type Lab, startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { follow, ROOT, until } from "./run_script.ts";

const UNIT = Deno.readTextFileSync(join(ROOT, "export/service/kea-ebpf-exporter.service"));

/** The unit's capabilities, as setpriv takes them. */
const BOUNDING = /^CapabilityBoundingSet=(.+)$/m.exec(UNIT)![1]!.toLowerCase()
  .split(" ").map((name) => name.replace("cap_", "+"));

/** Kea as Debian's unit runs it: a user of its own, who may open raw sockets. */
const AS_KEA = `#!/bin/sh
[ "$1" = -v ] || chown -R _kea "$KEA_PIDFILE_DIR"
exec setpriv --reuid _kea --regid _kea --init-groups --inh-caps +net_raw,+net_bind_service \\
  --ambient-caps +net_raw,+net_bind_service --pdeathsig TERM -- /usr/sbin/kea-dhcp4 "$@"
`;

/** The sum of a metric over its series. */
function sumOf(text: string, metric: string, labels = ""): number {
  const lines = text.split("\n").filter((line) =>
    line.startsWith(`kea_ebpf_${metric}{`) && line.includes(labels)
  );
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}

/** Runs the exporter as the unit does, and compares its counts with the client's. */
async function countsExactly(lab: Lab, profile: Profile, first: number): Promise<void> {
  const child = new Deno.Command("setpriv", {
    args: [
      ...[
        "--pdeathsig",
        "KILL",
        "--bounding-set",
        ["-all", ...BOUNDING].join(","),
        "--no-new-privs",
      ],
      ...["--", Deno.execPath(), "run", "-A", "--quiet", join(ROOT, "export/exporter.ts")],
      ...["--server", String(lab.pid), "--profile", profile, "--reading", "1"],
      ...["--web.listen-address", "127.0.0.1:0"],
    ],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const exporter = follow(child);
  try {
    await exporter.says(/Listening on http:\S+:\d+/);
    const base = /Listening on (http:\/\/[^/\s]+)/.exec(exporter.log())![1]!;
    await until(async () => {
      const { status, body } = await fetch(`${base}/-/ready`);
      await body?.cancel();
      return status === 200;
    }, `the server is watched: ${exporter.log()}`);
    const metrics = async () => await (await fetch(`${base}/metrics`)).text();
    const clients = `00:0c:${String(first).padStart(2, "0")}:00:00:00`;
    const report = await runPerfdhcp(lab, { rate: 50, exchanges: 53, base: clients });
    const [sent, answered] = (["sent", "received"] as const).map((what) =>
      Object.values(report).reduce((sum, exchange) => sum + exchange[what], 0)
    );
    await until(
      async () => sumOf(await metrics(), "packet_processing_seconds_count") === answered,
      `${answered} answers are counted`,
    );
    const text = await metrics();
    assert.equal(sumOf(text, "packets_received_total"), sent, profile);
    assert.equal(sumOf(text, "packets_sent_total"), answered, profile);
    assert.equal(sumOf(text, "watch_complete"), 1, exporter.log());
    if (profile !== "light") {
      assert.equal(sumOf(text, "lease_allocation_seconds_count"), answered, profile);
    }
  } finally {
    child.kill("SIGTERM");
    await exporter.end;
  }
}

Deno.test("with the unit's capabilities, every profile counts exactly", async () => {
  await using lab = await startLab();
  for (const [number, profile] of (["light", "standard", "deep"] as const).entries()) {
    await countsExactly(lab, profile, number);
  }
});

Deno.test("with the unit's capabilities, a Kea of user _kea is counted exactly", async () => {
  const folder = await Deno.makeTempDir({ prefix: "kea-service-test-" });
  try {
    const program = join(folder, "kea-dhcp4");
    await Deno.chmod(folder, 0o755);
    await Deno.writeTextFile(program, AS_KEA, { mode: 0o755 });
    await using lab = await startLab({ program });
    const { uid } = await Deno.stat(`/proc/${lab.pid}`);
    assert.notEqual(uid, 0);
    await countsExactly(lab, "deep", 3);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
