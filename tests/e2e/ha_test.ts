/** The library of Kea's high availability, with a real partner. Needs root and Kea. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { watchLoad } from "../../tools/lab/counts.ts";
import { keaCommand } from "../../discovery/control_channel.ts";
import type { MetricsDocument } from "../../metrics/document.ts";
import type { Profile } from "../../probes/programs.ts";
import { bpftraceOf, type Lab, startLab } from "../../tools/lab/lab.ts";
import { total } from "../../metrics/totals.ts";
import { until } from "./run_script.ts";
import { assertComplete } from "./watched.ts";

const EXCHANGES = 101;

/** No partner is that slow, whatever else the machine does. */
const PATIENT_MS = 60_000;

const LIBRARIES = "/usr/lib/x86_64-linux-gnu/kea/hooks";

/**
 * Both libraries that high availability takes, for one of the two servers, which gives the other up
 * when that has not answered for some milliseconds.
 */
const libraries = (name: "primary" | "partner", givesUpAfter: number) => [
  { path: `${LIBRARIES}/libdhcp_lease_cmds.so` },
  {
    path: `${LIBRARIES}/libdhcp_ha.so`,
    parameters: {
      "high-availability": [{
        "this-server-name": name,
        mode: "hot-standby",
        "heartbeat-delay": 300,
        "max-response-delay": givesUpAfter,
        "multi-threading": { "enable-multi-threading": true, "http-dedicated-listener": true },
        peers: [
          { name: "primary", url: "http://127.0.0.1:8001/", role: "primary" },
          { name: "partner", url: "http://127.0.0.1:8002/", role: "standby" },
        ],
      }],
    },
  },
];

/** Starts the partner beside a lab's server: it gets every lease, and listens to no client. */
async function startPartner(lab: Lab): Promise<AsyncDisposable> {
  const { Dhcp4 } = JSON.parse(await Deno.readTextFile(join(lab.directory, "kea.json")));
  const folder = join(lab.directory, "partner");
  await Deno.mkdir(folder);
  Object.assign(Dhcp4, {
    "interfaces-config": { interfaces: [] },
    "control-socket": { "socket-type": "unix", "socket-name": join(folder, "control") },
    "lease-database": { type: "memfile", name: join(folder, "leases.csv"), "lfc-interval": 0 },
    "hooks-libraries": libraries("partner", PATIENT_MS).map(({ path, parameters }) => ({
      library: path,
      ...parameters === undefined ? {} : { parameters },
    })),
    loggers: [{
      name: "kea-dhcp4",
      severity: "INFO",
      output_options: [{ output: join(folder, "kea.log") }],
    }],
  });
  await Deno.writeTextFile(join(folder, "kea.json"), JSON.stringify({ Dhcp4 }));
  const child = new Deno.Command("ip", {
    args: [
      ...["netns", "exec", lab.serverNetns, "setpriv", "--pdeathsig", "TERM", "--"],
      ...["kea-dhcp4", "-c", join(folder, "kea.json")],
    ],
    env: { KEA_PIDFILE_DIR: folder, KEA_LOCKFILE_DIR: folder },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      await child.status;
    },
  };
}

async function stateOf(lab: Lab): Promise<string> {
  const status = await keaCommand(lab.controlSocket, "status-get") as {
    "high-availability": { "ha-servers": { local: { state: string } } }[];
  };
  return status["high-availability"][0]!["ha-servers"].local.state;
}

/** Watches a lab while it acknowledges leases. */
async function watched(
  lab: Lab,
  profile: Profile,
): Promise<{ readonly document: MetricsDocument; readonly offers: number; readonly acks: number }> {
  const { document, report } = await watchLoad(lab, {
    profile,
    bpftrace: await bpftraceOf("2.2"),
    rate: 40,
    exchanges: EXCHANGES,
  });
  assertComplete(document);
  const offers = report["DISCOVER-OFFER"]!.received;
  const acks = report["REQUEST-ACK"]!.received;
  // On a busy machine perfdhcp sends a few more than it was asked for.
  assert.ok(acks >= EXCHANGES, JSON.stringify(report));
  return { document, offers, acks };
}

for (const profile of ["standard", "deep"] as const) {
  Deno.test(`packets that wait for the partner of a pair are distinguished, ${profile}`, async () => {
    await using lab = await startLab({ hooks: libraries("primary", PATIENT_MS) });
    await using _partner = await startPartner(lab);
    await until(async () => await stateOf(lab) === "hot-standby", "both servers are ready");
    const { document, offers, acks } = await watched(lab, profile);
    // The partner has each lease before the client has.
    const { leases } = await keaCommand(
      join(lab.directory, "partner", "control"),
      "lease4-get-all",
    ) as { leases: unknown[] };
    assert.equal(leases.length, acks);
    const count = (metric: string, labels: Readonly<Record<string, string>>) =>
      total(document, metric, labels);
    assert.equal(count("packet_processing_time", { message: "DHCPREQUEST" }), acks);
    // Another thread sends them: no stages, and the allocation is of no other packet.
    assert.equal(count("lease_allocation_time", { message: "unknown" }), acks);
    assert.equal(count("lease_allocation_time", { message: "DHCPREQUEST" }), 0);
    const stage = profile === "deep" ? "commit" : "after";
    assert.equal(count("packet_stage_time", { message: "DHCPREQUEST", stage }), 0);
    assert.equal(count("packet_stage_time", { message: "DHCPDISCOVER", stage }), offers);
    const ha = { library: "libdhcp_ha.so", hook_point: "leases4_committed" };
    const isDeep = profile === "deep";
    assert.equal(count("hook_callout_time", ha), isDeep ? acks : 0);
    assert.equal(count("hook_next_step", { ...ha, next_step: "park" }), isDeep ? acks : 0);
    // The library keeps its last packets until it talks with the partner again: some, or many on a busy
    // machine.
    const parked = count("packet_parked_time", { hook_point: "leases4_committed" });
    if (isDeep) assert.ok(parked > 0 && parked <= acks, `${parked} of ${acks}`);
  });
}

Deno.test("packets that could wait for a partner that is down, and do not, have their stages", async () => {
  await using lab = await startLab({ hooks: libraries("primary", 3000) });
  await until(async () => await stateOf(lab) === "partner-down", "the partner is given up");
  const { document, acks } = await watched(lab, "deep");
  const message = "DHCPREQUEST";
  assert.equal(total(document, "packet_stage_time", { message, stage: "commit" }), acks);
  assert.equal(total(document, "lease_allocation_time", { message }), acks);
  assert.equal(total(document, "hook_next_step", { next_step: "park" }), 0);
});
