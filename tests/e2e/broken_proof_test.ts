/** A site whose proof does not hold is not probed, and the rest goes on. Needs root and Kea. */

import assert from "node:assert/strict";
import { type Watching, watchWhile } from "../../tools/lab/watch_while.ts";
import { keaStatistics } from "../../discovery/control_channel.ts";
import { proveSites } from "../../discovery/sites/prove.ts";
import { describeServer } from "../../discovery/servers.ts";
import type { Site } from "../../discovery/sites/types.ts";
import { findBpftrace } from "../../probes/bpftrace.ts";
import { type FindSites, inThisProcess } from "../../probes/prepare.ts";
import { type Lab, startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { total } from "../../metrics/totals.ts";
import { labOfFile } from "./lab_of_file.ts";
import { assertComplete, inClient } from "./watched.ts";

const lab = labOfFile();

/** Watches a lab through some traffic; gives the planned sites, and how many leases there were. */
async function watchTraffic(
  lab: Lab,
  findSites: FindSites,
  how: Partial<Watching> = {},
  more: () => Promise<unknown> = () => Promise.resolve(),
) {
  const sites: { id: string; address: string }[] = [];
  const { document, result: report } = await watchWhile(lab, {
    profile: "standard",
    bpftrace: await findBpftrace(),
    ...how,
    preparation: inThisProcess({ findSites }),
    see: (record) => {
      if (record.type === "capture") sites.push(...record.plan.sites);
    },
  }, async () => {
    const report = await runPerfdhcp(lab, { rate: 100, exchanges: 53 });
    await more();
    return report;
  });
  const leases = report["REQUEST-ACK"]!.received;
  assert.ok(leases >= 53, `${leases} leases`);
  return { sites, document, leases };
}

/** A copy of the server's program in a folder of its own: no other monitor has probes in it. */
async function ownProgram(): Promise<{ readonly program: string } & AsyncDisposable> {
  const folder = await Deno.makeTempDir();
  const program = `${folder}/kea-dhcp4`;
  await Deno.copyFile("/usr/sbin/kea-dhcp4", program);
  return { program, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

/** Finds the sites as always, and breaks those of the allocation. */
const breaking = (change: (site: Site) => Site): FindSites => async (server, groups) => {
  const { sites, refusals } = await proveSites(server, groups);
  return {
    sites: sites.map((site) => site.id.startsWith("allocation.") ? change(site) : site),
    refusals,
  };
};

const BREAKAGES: readonly { name: string; change: (site: Site) => Site; why: RegExp }[] = [
  {
    name: "another build id",
    change: (site) => ({ ...site, proof: { ...site.proof, buildId: "00".repeat(20) } }),
    why: /build id .* was verified/,
  },
  {
    name: "another inode",
    change: (site) => ({ ...site, proof: { ...site.proof, inode: site.proof.inode + 1 } }),
    why: /inode \d+ was verified/,
  },
  {
    name: "an address one byte off",
    change: (site) => ({ ...site, address: site.address + 1 }),
    why: /at 0x[0-9a-f]+ is [0-9a-f]+, [0-9a-f]+ was verified/,
  },
  {
    name: "other bytes at the address",
    change: (site) => ({ ...site, proof: { ...site.proof, bytes: "e800000000" } }),
    why: /e800000000 was verified/,
  },
];

for (const { name, change, why } of BREAKAGES) {
  Deno.test(`watch() attaches nothing at a site with ${name}, and goes on as PARTIAL`, async () => {
    const { sites, document, leases } = await watchTraffic(lab(), breaking(change));
    assert.deepEqual(sites.filter(({ id }) => id.startsWith("allocation.")), []);
    assert.equal(document.capture.verdict, "PARTIAL");
    assert.match(document.capture.reasons.join(), why);
    assert.ok(
      document.capture.not_available.some(({ metric, why: reason }) =>
        metric === "lease_allocation_time" && why.test(reason)
      ),
    );
    assert.equal(total(document, "packet_processing_time", { message: "DHCPREQUEST" }), leases);
    assert.equal(total(document, "lease_allocation_time"), 0);
  });
}

Deno.test("watch() probes the running executable when its file is replaced by another", async () => {
  await using own = await ownProgram();
  const { program } = own;
  await using lab = await startLab({ program });
  await Deno.copyFile("/bin/true", `${program}.new`);
  await Deno.rename(`${program}.new`, program);
  const server = await describeServer(lab.pid);
  assert.equal(server.executable.replaced, true);
  const { document, leases } = await watchTraffic(lab, proveSites);
  assertComplete(document);
  assert.equal(total(document, "lease_allocation_time", { message: "DHCPREQUEST" }), leases);
});

Deno.test("watch() does not probe a library that was replaced under the running server", async () => {
  const libraries = await Deno.makeTempDir();
  const { libraries: mapped } = await describeServer(lab().pid);
  const installed = mapped.find(({ path }) => path.includes("/libkea-log.so"))!.path;
  const library = `${libraries}/${installed.split("/").at(-1)!.replace(/(\.so\.\d+).*/, "$1")}`;
  await Deno.copyFile(installed, library);
  try {
    await using lab = await startLab({ libraries });
    await Deno.copyFile(installed, `${library}.new`);
    await Deno.rename(`${library}.new`, library);
    const { sites, document, leases } = await watchTraffic(lab, proveSites);
    assert.deepEqual(sites.filter(({ id }) => id.startsWith("log.")), []);
    assert.equal(document.capture.verdict, "PARTIAL");
    assert.match(
      document.capture.reasons.join(),
      /was replaced under the running server: restart it/,
    );
    assert.equal(
      total(document, "lease_allocation_time", { message: "DHCPREQUEST" }),
      leases,
      document.capture.reasons.join("\n"),
    );
  } finally {
    await Deno.remove(libraries, { recursive: true });
  }
});

Deno.test("watch() asks Kea for its counters where the calls that raise them are not all known", async () => {
  const before = await keaStatistics(lab().controlSocket);
  const unnamed: FindSites = async (server, groups) => {
    const { sites, refusals } = await proveSites(server, groups);
    return {
      sites: sites.filter(({ id }) => !id.startsWith("statistics.")),
      refusals: [...refusals, { id: "statistics.drop.", why: "a name is unknown" }],
    };
  };
  const { document } = await watchTraffic(
    lab(),
    unnamed,
    { profile: "deep" },
    () => inClient(lab(), "send_malformed.ts", [lab().serverAddress, "40", "cookie"]),
  );
  assertComplete(document);
  const after = await keaStatistics(lab().controlSocket);
  for (const id of ["pkt4-parse-failed", "pkt4-receive-drop"]) {
    const counted = total(document, "error_rate", { kind: "statistic", id });
    assert.equal(counted, after[id]! - before[id]!, id);
    assert.equal(counted, 40, id);
  }
  const why = document.capture.not_available.map((each) => each.why).join();
  assert.match(why, /a name is unknown: Kea's own counters are shown in their place/);
});

Deno.test("watch() takes all probes away where one does not stand as planned, and goes on without its program", async () => {
  await using own = await ownProgram();
  await using lab = await startLab(own);
  const { version } = await findBpftrace();
  // A bpftrace that puts one of the probes at the place of another.
  const script = 'for a; do shift; set -- "$@" "$(printf %s "$a" | ' +
    'sed s/kea_site_allocation_end_0/kea_site_allocation_start_0/)"; done; exec bpftrace "$@"';
  const bpftrace = { command: ["sh", "-c", script, "sh"], version };
  const { document, leases } = await watchTraffic(lab, proveSites, { bpftrace });
  assert.equal(document.capture.verdict, "PARTIAL");
  assert.deepEqual(document.capture.reasons, [
    "allocation.bt: the server's memory has no probe at allocation.end.0",
  ]);
  assert.equal(total(document, "packet_processing_time", { message: "DHCPREQUEST" }), leases);
  assert.equal(total(document, "lease_allocation_time"), 0);
  assert.equal(total(document, "database_query_time"), leases);
});
