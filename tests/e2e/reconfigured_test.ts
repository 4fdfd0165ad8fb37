/** A server that is configured anew is watched as it is then. Needs root, Kea and kea-dev. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { watchWhile } from "../../tools/lab/watch_while.ts";
import type { MetricsDocument } from "../../metrics/document.ts";
import type { Profile } from "../../probes/programs.ts";
import { delayingHooks } from "../../tools/lab/delaying_hooks.ts";
import { bpftraceOf } from "../../tools/lab/kea_builds.ts";
import { type LabOptions, startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { histogramsOf, total } from "../../metrics/totals.ts";
import { type Change, reconfigure } from "./reconfigure.ts";
import { until } from "./run_script.ts";

/** What was watched, and how many packets came before a change and after it. */
interface Changed {
  readonly document: MetricsDocument;
  readonly before: number;
  readonly after: number;
}

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
): Promise<Changed> {
  await using lab = await startLab(options);
  if (first !== undefined) await reconfigure(lab, first);
  let segment = 0;
  const send = async (exchanges: number, base: string) => {
    const report = Object.values(await runPerfdhcp(lab, { rate: 50, exchanges, base }));
    // On a busy machine perfdhcp sends a few more than it was asked for.
    assert.ok(
      report.every(({ sent, received }) => sent >= exchanges && received === sent),
      JSON.stringify(report),
    );
    return report.reduce((sum, { sent }) => sum + sent, 0);
  };
  const work = async () => {
    const before = isServedBefore ? await send(41, "02:00:01:00:00:00") : 0;
    await reconfigure(lab, change);
    await until(() => segment > 0, "the probes are attached anew");
    return { before, after: await send(53, "02:00:02:00:00:00") };
  };
  const { document, result } = await watchWhile(lab, {
    profile,
    bpftrace: await bpftraceOf("2.2"),
    see: (record) => {
      if (record.type === "sample") segment = record.segment;
    },
  }, work);
  assert.match(
    // Before it had its interface, there was no socket to be watched.
    document.capture.reasons.filter((reason) => !reason.startsWith("No packet is watched")).join(),
    /^The server changed its sockets, its lease file or its hook libraries: attached anew: [\d.]+ s not watched$/,
  );
  return { document, ...result };
}

const packets = (document: MetricsDocument, socket: string) =>
  total(document, "network_traffic", { direction: "received", socket }, "packets");

const socketsOf = (kind: "raw" | "udp"): Change => (dhcp) =>
  dhcp["interfaces-config"]["dhcp-socket-type"] = kind;

for (const [from, to] of [["raw", "udp"], ["udp", "raw"]] as const) {
  Deno.test(`a Kea that is reconfigured from ${from} to ${to} sockets is followed`, async () => {
    const change = socketsOf(to);
    const { document, before, after } = await changed({ sockets: from }, "light", { change });
    assert.equal(packets(document, from), before);
    assert.equal(packets(document, to), after);
  });
}

Deno.test("a Kea that gets its interface later is watched in the profile asked for", async () => {
  let interfaces: unknown;
  const { document, after } = await changed({}, "standard", {
    first: (dhcp) => {
      interfaces = dhcp["interfaces-config"].interfaces;
      dhcp["interfaces-config"].interfaces = [];
    },
    change: (dhcp) => dhcp["interfaces-config"].interfaces = interfaces,
    isServedBefore: false,
  });
  assert.equal(packets(document, "raw"), after);
  assert.equal(total(document, "lease_allocation_time"), after);
});

Deno.test("a lease file that is opened later is watched", async () => {
  const persistent = (value: boolean): Change => (dhcp) => dhcp["lease-database"].persist = value;
  const { document, after } = await changed({}, "standard", {
    first: persistent(false),
    change: persistent(true),
  });
  assert.equal(
    total(document, "database_query_time", { statement: "lease_file_write" }),
    after / 2,
  );
});

Deno.test("hook libraries that are loaded later, from anywhere, are watched", async () => {
  const folder = await Deno.makeTempDir({ prefix: "kea-libraries-" });
  const library = join(folder, "mine.so");
  try {
    await Deno.copyFile(await delayingHooks(), library);
    const { document, after } = await changed({}, "deep", {
      change: (dhcp) => dhcp["hooks-libraries"] = [{ library, parameters: { point: "none" } }],
    });
    assert.equal(
      total(document, "hook_callout_time", { library: "mine.so", hook_point: "pkt4_send" }),
      after,
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
    const { document, before, after } = await changed({ hooks }, "deep", { change: place });
    const callouts = histogramsOf(document, "hook_callout_time", { hook_point: "pkt4_send" });
    assert.deepEqual(
      callouts.map(({ labels, count }) => [labels["library"], labels["callout"], count]),
      [["mine.so", "pkt4_send", before + after]],
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
