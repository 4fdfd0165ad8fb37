/** A server that is configured anew is watched as it is then. Needs root, Kea and kea-dev. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { keaCommand } from "../../discovery/control_channel.ts";
import { describeServer } from "../../discovery/servers.ts";
import type { MetricsDocument } from "../../metrics/document.ts";
import { WindowBuilder } from "../../metrics/windows.ts";
import { watch } from "../../probes/monitoring_loop.ts";
import type { Profile } from "../../probes/programs.ts";
import { delayingHooks } from "../../tools/lab/delaying_hooks.ts";
import { bpftraceOf, type Lab, type LabOptions, startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { total } from "./monitored.ts";
import { until } from "./run_script.ts";

// deno-lint-ignore no-explicit-any -- Kea's own configuration, as far as it is changed here.
type Change = (dhcp: any) => unknown;

async function configure(lab: Lab, change: Change): Promise<void> {
  const { Dhcp4 } = await keaCommand(lab.controlSocket, "config-get") as { Dhcp4: object };
  await change(Dhcp4);
  await keaCommand(lab.controlSocket, "config-set", { Dhcp4 });
}

/** Exchanges before a change and after it. */
const [BEFORE, AFTER] = [41, 53];

/**
 * Watches a lab, changes its configuration in the middle, and sends before, where it is served, and
 * after.
 */
async function changed(
  options: LabOptions,
  profile: Profile,
  { first, change, isServedBefore = true }: {
    readonly first?: Change;
    readonly change: Change;
    readonly isServedBefore?: boolean;
  },
): Promise<MetricsDocument> {
  await using lab = await startLab(options);
  if (first !== undefined) await configure(lab, first);
  const stop = new AbortController();
  const windows = new WindowBuilder();
  let segments = 0;
  const send = async (exchanges: number, base: string) => {
    const report = await runPerfdhcp(lab, { rate: 50, exchanges, base });
    assert.equal(report["REQUEST-ACK"]!.received, exchanges);
  };
  const work = async () => {
    if (isServedBefore) await send(BEFORE, "02:00:01:00:00:00");
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await configure(lab, change);
    await until(() => Promise.resolve(segments > 0), 30, "the probes are attached anew");
    await send(AFTER, "02:00:02:00:00:00");
  };
  let working: Promise<void> | null = null;
  let baselines = 0;
  for await (
    const record of watch({
      server: await describeServer(lab.pid),
      profile,
      bpftrace: await bpftraceOf("2.2"),
      intervalMs: 1000,
      durationMs: 60_000,
      signal: stop.signal,
      say: () => {},
    })
  ) {
    windows.next(record);
    if (record.type !== "sample") continue;
    working ??= work().finally(() => stop.abort());
    if (record.segment === baselines) baselines++;
    segments = baselines - 1;
  }
  await working;
  const document = windows.document();
  assert.match(
    // Before it had its interface, there was no socket to be watched.
    document.capture.reasons.filter((reason) => !reason.startsWith("No packet is watched")).join(),
    /^The server changed its sockets, its lease file or its hook libraries: attached anew: [\d.]+ s not watched$/,
  );
  return document;
}

const packets = (document: MetricsDocument, socket: string) =>
  total(document, "network_traffic", { direction: "received", socket }, "packets");

const socketsOf = (kind: "raw" | "udp"): Change => (dhcp) =>
  dhcp["interfaces-config"]["dhcp-socket-type"] = kind;

for (const [from, to] of [["raw", "udp"], ["udp", "raw"]] as const) {
  Deno.test(`a Kea that is reconfigured from ${from} to ${to} sockets is followed`, async () => {
    const document = await changed({ sockets: from }, "light", { change: socketsOf(to) });
    assert.equal(packets(document, from), 2 * BEFORE);
    assert.equal(packets(document, to), 2 * AFTER);
  });
}

Deno.test("a Kea that gets its interface later is watched in the profile asked for", async () => {
  let interfaces: unknown;
  const document = await changed({}, "standard", {
    first: (dhcp) => {
      interfaces = dhcp["interfaces-config"].interfaces;
      dhcp["interfaces-config"].interfaces = [];
    },
    change: (dhcp) => dhcp["interfaces-config"].interfaces = interfaces,
    isServedBefore: false,
  });
  assert.equal(packets(document, "raw"), 2 * AFTER);
  assert.equal(total(document, "lease_allocation_time", {}), 2 * AFTER);
});

Deno.test("a lease file that is opened later is watched", async () => {
  const persistent = (value: boolean): Change => (dhcp) => dhcp["lease-database"].persist = value;
  const document = await changed({}, "standard", {
    first: persistent(false),
    change: persistent(true),
  });
  assert.equal(
    total(document, "database_query_time", { statement: "lease_file_write" }),
    AFTER,
  );
});

Deno.test("hook libraries that are loaded later, from anywhere, are watched", async () => {
  const folder = await Deno.makeTempDir({ prefix: "kea-libraries-" });
  const library = join(folder, "mine.so");
  try {
    await Deno.copyFile(await delayingHooks(), library);
    const document = await changed({}, "deep", {
      change: (dhcp) => dhcp["hooks-libraries"] = [{ library, parameters: { point: "none" } }],
    });
    assert.equal(
      total(document, "hook_callout_time", { library: "mine.so", hook_point: "pkt4_send" }),
      2 * AFTER,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a hook library that is replaced and loaded again keeps its names and counts", async () => {
  const folder = await Deno.makeTempDir({ prefix: "kea-libraries-" });
  const path = join(folder, "mine.so");
  const place = async () => {
    await Deno.copyFile(await delayingHooks(), `${path}.new`);
    await Deno.rename(`${path}.new`, path);
  };
  try {
    await place();
    const hooks = [{ path, parameters: { point: "none" } }];
    // The same configuration again: Kea loads what is there by then.
    const { totals } = await changed({ hooks }, "deep", { change: place });
    const callouts = totals.filter(({ metric, labels }) =>
      metric === "hook_callout_time" && labels["hook_point"] === "pkt4_send"
    );
    assert.deepEqual(
      callouts.map(({ labels, ...series }) => [
        labels["library"],
        labels["callout"],
        series.kind === "histogram" && series.count,
      ]),
      [["mine.so", "pkt4_send", 2 * (BEFORE + AFTER)]],
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
