/**
 * Probes stand on the first byte of the instructions that were proven, whatever linker made the server:
 * its memory is compared with its files from before they are attached until after they are gone. Needs
 * root, Kea, and newer Debian suites, which it installs into the cache.
 *
 * PLACEMENT=all runs every form in every profile on every bpftrace; without it a part of them.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { watchWhile } from "../../tools/lab/watch_while.ts";
import { describeServer } from "../../discovery/servers.ts";
import { type Profile, PROFILES } from "../../probes/programs.ts";
import { bpftraceOf, KEAS } from "../../tools/lab/kea_builds.ts";
import { type Lab, startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { biasOf, differences } from "./code_in_memory.ts";
import { total } from "../../metrics/totals.ts";
import { withCodeMoved, withoutPie } from "./rewritten_elf.ts";
import { assertComplete, inClient } from "./watched.ts";

const PROGRAM = "/usr/sbin/kea-dhcp4";
const LIBRARIES = "/usr/lib/x86_64-linux-gnu";
const LEASE_COMMANDS = `${LIBRARIES}/kea/hooks/libdhcp_lease_cmds.so`;
const BREAKPOINT = 0xcc;
const isAll = Deno.env.get("PLACEMENT") === "all";

type Rewriting = (elf: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;

type KeaName = keyof typeof KEAS;

/** How the executable and its libraries are rewritten, and on whose bpftrace it is always tried. */
const FORMS: readonly {
  readonly name: string;
  readonly program: Rewriting;
  readonly libraries: Rewriting;
  readonly always: readonly KeaName[];
}[] = [
  {
    name: "without PIE, code moved in the file",
    program: (elf) => withoutPie(withCodeMoved(elf)),
    libraries: withCodeMoved,
    always: ["2.2", "2.6", "newest"],
  },
  {
    name: "code moved in the file",
    program: withCodeMoved,
    libraries: withCodeMoved,
    always: ["2.2"],
  },
  { name: "without PIE", program: withoutPie, libraries: (elf) => elf, always: [] },
];

for (const { name, program, libraries, always } of FORMS) {
  const keas = isAll ? Object.keys(KEAS) as KeaName[] : always;
  if (keas.length === 0) continue;
  Deno.test(`each probe stands where it was proven: ${name}`, async () => {
    const folder = await Deno.makeTempDir({ prefix: "kea-rewritten-" });
    try {
      const executable = join(folder, "kea-dhcp4");
      await Deno.writeFile(executable, program(await Deno.readFile(PROGRAM)), { mode: 0o755 });
      await Deno.chmod(folder, 0o755);
      await rewriteLibraries(folder, libraries);
      await using lab = await startLab({
        program: executable,
        libraries: folder,
        hooks: [{ path: LEASE_COMMANDS }],
      });
      for (const kea of keas) {
        for (const profile of isAll ? PROFILES : ["deep"] as const) {
          await watchHoldingMemory(lab, folder, kea, profile);
        }
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

/**
 * Libraries in which a deep profile has sites, by the names under which they are loaded: the server's
 * own, so that another monitor's probes are not in them.
 */
async function rewriteLibraries(folder: string, rewriting: Rewriting): Promise<void> {
  for (const { name } of Deno.readDirSync(LIBRARIES)) {
    if (!/^libkea-(dhcpsrv|hooks|log)\.so\.\d+$|^libstdc\+\+\.so\.6$/.test(name)) continue;
    await Deno.writeFile(
      join(folder, name),
      rewriting(await Deno.readFile(join(LIBRARIES, name))),
    );
  }
}

/** Watches one run of traffic; looks at the server's code every 0.3 s. */
async function watchHoldingMemory(
  lab: Lab,
  folder: string,
  kea: KeaName,
  profile: Profile,
): Promise<void> {
  const bpftrace = await bpftraceOf(kea);
  const server = await describeServer(lab.pid);
  const what = `bpftrace ${bpftrace.version}, ${profile}`;
  const paths = new Set(
    [server.executable, ...server.libraries].map(({ path }) => path)
      .filter((path) => path.startsWith(folder)),
  );
  assert.equal(differences(lab.pid, paths).size, 0, `${what}: nothing is attached before`);

  const planned = new Set<number>();
  const seen = new Map<number, number>();
  let looks = 0;
  const look = () => {
    const now = differences(lab.pid, paths);
    looks++;
    for (const [address, byte] of now) seen.set(address, byte);
    return now;
  };
  const timer = setInterval(look, 300);
  const { document, result: report } = await watchWhile(lab, {
    profile,
    bpftrace,
    see: (record) => {
      if (record.type !== "capture") return;
      for (const { file, address } of record.plan.sites) {
        assert.ok(paths.has(file), file);
        planned.add(biasOf(lab.pid, file) + Number(address));
      }
    },
  }, async () => {
    assert.deepEqual(new Set(look().keys()), planned, `${what}: every site, nothing else`);
    const load = { rate: 100, exchanges: 53, base: hardwareOf(what) };
    const report = await runPerfdhcp(lab, load);
    await requestTaken(lab);
    look();
    return report;
  }).finally(() => clearInterval(timer));
  assert.equal((await describeServer(lab.pid)).startTicks, server.startTicks, `${what}: alive`);
  assert.ok(looks > 2 && planned.size > 0, `${what}: ${looks} looks, ${planned.size} sites`);
  for (const [address, byte] of seen) {
    assert.ok(planned.has(address), `${what}: ${address.toString(16)} is no planned site`);
    assert.equal(byte, BREAKPOINT, `${what}: at ${address.toString(16)}`);
  }
  assert.equal(differences(lab.pid, paths).size, 0, `${what}: nothing is left behind`);

  assertComplete(document);
  const offers = report["DISCOVER-OFFER"]!.received;
  const leases = report["REQUEST-ACK"]!.received;
  assert.ok(leases >= 53, `${leases} leases`);
  const count = (metric: string, labels: Record<string, string>, expected: number) =>
    assert.equal(total(document, metric, labels), expected, `${what}: ${metric}`);
  count("packet_processing_time", { message: "DHCPDISCOVER", answer: "DHCPOFFER" }, offers);
  count("packet_processing_time", { message: "DHCPREQUEST", answer: "DHCPACK" }, leases);
  count("packet_processing_time", { message: "DHCPREQUEST", answer: "DHCPNAK" }, 1);
  if (profile === "light") return;
  count("lease_allocation_time", { message: "DHCPDISCOVER" }, offers);
  count("lease_allocation_time", { message: "DHCPREQUEST" }, leases + 1);
  count("database_query_time", { statement: "lease_file_write" }, leases);
  if (profile !== "deep") return;
  count("database_query_time", { statement: "addLease4" }, leases);
  count("packet_stage_time", { message: "DHCPDISCOVER", stage: "send" }, offers);
}

/** Clients of a run: each run has its own, so that each gets a lease for the first time. */
function hardwareOf(what: string): string {
  const bytes = new TextEncoder().encode(what).reduce((sum, byte) => (sum * 31 + byte) % 65536, 7);
  return `02:00:${(bytes >> 8).toString(16).padStart(2, "0")}:${
    (bytes & 0xff).toString(16).padStart(2, "0")
  }:00:00`;
}

/** Asks for an address that another client has: what killed a server whose code was hit. */
async function requestTaken(lab: Lab): Promise<void> {
  const leases = await Deno.readTextFile(join(lab.directory, "leases.csv"));
  const address = /^(\d[^,]+),/m.exec(leases)![1]!;
  const answer = await inClient(lab, "send_taken_request.ts", [lab.serverAddress, address]);
  assert.equal(answer.trim(), "6", "DHCPNAK");
}
