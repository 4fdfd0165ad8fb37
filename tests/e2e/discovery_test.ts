/** Sites fire exactly as traffic says, and the scripts answer. Needs root, Kea and bpftrace. */

import assert from "node:assert/strict";
import { hookPointsOf } from "../../discovery/hook_points.ts";
import { installedProgram } from "../../discovery/programs.ts";
import { proveSites, recheck } from "../../discovery/sites/prove.ts";
import { chooseServer, describeServer, runningKeas } from "../../discovery/servers.ts";
import { writeSiteSymbols } from "../../discovery/sites/site_symbols.ts";
import { isMultiThreaded } from "../../discovery/sites/threading.ts";
import type { Site } from "../../discovery/sites/types.ts";
import type { Server } from "../../discovery/types.ts";
import { type Lab, startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { interruptBpftrace, runScript } from "./run_script.ts";

const EXCHANGES = 53;
const PROGRAM = "/usr/sbin/kea-dhcp4";

/**
 * Hits of each site while traffic passes, counted by bpftrace through private symbol files; and how many exchanges
 * there were, because on a busy machine perfdhcp sends a few more than it was asked for.
 */
async function hitsOf(
  lab: Lab,
  sites: readonly Site[],
): Promise<{ readonly hits: Map<string, number>; readonly exchanges: number }> {
  const folder = await Deno.makeTempDir();
  try {
    const inLibraries = sites.filter(({ file }) => !file.pinnedPath.endsWith("/exe"));
    const names = await writeSiteSymbols(inLibraries, folder);
    const program = sites.map(({ id, file, address }) => {
      const name = names.get(id);
      const place = name ?? `0x${address.toString(16)}`;
      return `uprobe:"${file.pinnedPath}":${place} /pid == ${lab.pid}/ { @["${id}"] = count(); }`;
    });
    const child = new Deno.Command("bpftrace", {
      args: ["--unsafe", "-e", `BEGIN { printf("begun\\n"); } ${program.join("\n")}`],
      env: { BCC_SYMFS: folder, __BPFTRACE_NOTIFY_PROBES_ATTACHED: "1" },
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const output = new Response(child.stdout).text();
    await untilAttached(child);
    // More clients than exchanges: each gets its lease for the first time.
    const load = { rate: 100, exchanges: EXCHANGES, clients: 10 * EXCHANGES };
    const report = await runPerfdhcp(lab, load);
    const { code, signal } = await interruptBpftrace(child);
    const text = await output;
    assert.equal(signal ?? code, 0, text);
    const hits = text.matchAll(/^@\[(\S+)\]: (\d+)$/gm);
    return {
      hits: new Map(Array.from(hits, ([, id, n]) => [id!, Number(n)])),
      exchanges: report["REQUEST-ACK"]!.received,
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Waits for the word; reads on behind it, because bpftrace does not survive a closed stream. */
async function untilAttached(child: Deno.ChildProcess): Promise<void> {
  const chunks = child.stderr.pipeThrough(new TextDecoderStream());
  await new Promise<void>((resolve, reject) => {
    let text = "";
    chunks.pipeTo(
      new WritableStream({
        write(chunk) {
          text += chunk;
          if (text.includes("__BPFTRACE_NOTIFY_PROBES_ATTACHED")) resolve();
        },
      }),
    ).then(() => reject(new Error(`bpftrace ended: ${text}`)), reject);
  });
}

for (const threads of [0, 2]) {
  Deno.test(`proveSites() finds sites that fire as often as ${EXCHANGES} exchanges say, ${threads} threads`, async () => {
    await using lab = await startLab({ threads });
    const server = await describeServer(lab.pid);
    assert.equal(await isMultiThreaded(server), threads > 0);
    const { sites, refusals } = await proveSites(server, ["allocation", "log", "lease_manager"]);
    for (const site of sites) assert.equal(await recheck(server, site), null, site.id);
    const { hits, exchanges } = await hitsOf(lab, sites);
    assert.ok(exchanges >= EXCHANGES);
    const sum = (prefix: string) =>
      [...hits].reduce((all, [id, n]) => id.startsWith(prefix) ? all + n : all, 0);
    for (const edge of ["start", "end"]) {
      assert.equal(sum(`allocation.${edge}`), 2 * exchanges);
      assert.equal(sum(`lease_manager.getLease4_hwaddr.${edge}`), 2 * exchanges);
      assert.equal(sum(`lease_manager.getLease4_client_id.${edge}`), 2 * exchanges);
      assert.equal(sum(`lease_manager.getLease4_address.${edge}`), 3 * exchanges);
      assert.equal(sum(`lease_manager.addLease4.${edge}`), threads > 0 ? exchanges : 0);
    }
    assert.equal(sum("log.info"), 2 * exchanges);
    assert.deepEqual(
      refusals.map(({ id }) => id),
      threads > 0
        ? []
        : ["addLease4", "updateLease4", "deleteLease4"].map((name) => `lease_manager.${name}.end`),
    );
  });
}

Deno.test("describeServer() gives what /proc knows of a server", async () => {
  await using lab = await startLab();
  const server = await describeServer(lab.pid);
  assert.match(server.version, /^\d+\.\d+\.\d+/);
  assert.equal(server.family, 4);
  assert.deepEqual(server.sockets, ["raw"]);
  assert.ok(server.leaseFile?.path.startsWith(lab.directory));
  assert.ok(server.libraries.some(({ path }) => path.includes("/libkea-dhcpsrv.so")));
  assert.match(server.executable.buildId ?? "", /^[0-9a-f]{40}$/);
  assert.ok(runningKeas().some(({ pid }) => pid === lab.pid));
});

Deno.test("chooseServer() lists the servers when several run", async () => {
  await using first = await startLab();
  await using second = await startLab();
  await assert.rejects(
    () => chooseServer("dhcp4"),
    ({ message }: Error) =>
      message.includes(String(first.pid)) && message.includes(String(second.pid)),
  );
});

Deno.test("recheck() refuses a library that was replaced after it was proven", async () => {
  const libraries = await Deno.makeTempDir();
  try {
    const { libraries: installed } = await installedProgram(PROGRAM);
    const log = installed.find(({ path }) => path.includes("/libkea-log.so"))!.path;
    const library = `${libraries}/${log.split("/").at(-1)!.replace(/(\.so\.\d+).*/, "$1")}`;
    await Deno.copyFile(log, library);
    await using lab = await startLab({ libraries });
    const server = await describeServer(lab.pid);
    const { sites } = await proveSites(server, ["log"]);
    assert.equal(sites.length, 4);
    assert.equal(await recheck(server, sites[0]!), null);
    // The path leads to a new file from here on, while the server still maps the old one.
    await Deno.copyFile(log, `${library}.new`);
    await Deno.rename(`${library}.new`, library);
    assert.match(await recheck(server, sites[0]!) ?? "", /was replaced under the running server/);
  } finally {
    await Deno.remove(libraries, { recursive: true });
  }
});

Deno.test("recheck() says that the server is gone", async () => {
  let [server, sites]: [Server | undefined, readonly Site[]] = [undefined, []];
  {
    await using lab = await startLab();
    server = await describeServer(lab.pid);
    ({ sites } = await proveSites(server, ["allocation"]));
  }
  assert.match(await recheck(server, sites[0]!) ?? "", /the server is gone/);
});

for (const [kea, family] of [["2.2", 4], ["2.6", 4], ["newest", 6]] as const) {
  Deno.test(`hookPointsOf() reads all hook points of a running Kea ${kea}, DHCPv${family}`, async () => {
    await using lab = await startLab({ kea, family });
    const names = await hookPointsOf(await describeServer(lab.pid));
    assert.deepEqual(names.slice(0, 3), ["context_create", "context_destroy", "command_processed"]);
    assert.equal(new Set(names).size, names.length);
    for (
      const name of [`pkt${family}_receive`, `leases${family}_committed`, `buffer${family}_send`]
    ) {
      assert.ok(names.includes(name), name);
    }
  });
}

/** Scripts with arguments that choose what they show. */
const QUESTIONS: readonly (readonly [string, readonly string[], RegExp])[] = [
  ["find_available_functions.ts", [], /allocation\.start\.0 .* call +emulated +3 us/],
  ["find_mangled_names.ts", ["isc::dhcp::Pkt4::unpack"], /^ {2}_ZN3isc4dhcp4Pkt46unpackEv$/m],
  ["list_all_functions.ts", ["--filter", "alloc"], /AllocEngine::allocateLease4/],
];

for (const [script, args, expected] of QUESTIONS) {
  Deno.test(`${script} answers on a server and on an executable`, async () => {
    await using lab = await startLab();
    for (const chosen of [["--server", String(lab.pid)], ["--executable", PROGRAM]]) {
      const { code, stdout, stderr } = await runScript(`discovery/${script}`, [...args, ...chosen]);
      assert.equal(code, 0, stderr);
      assert.match(stdout, expected);
      const json = await runScript(`discovery/${script}`, [...args, ...chosen, "--json"]);
      assert.doesNotThrow(() => JSON.parse(json.stdout));
    }
  });
}

const MISTAKES: readonly (readonly [string, readonly string[], number, RegExp])[] = [
  ["a file that is not ELF", ["--executable", "/etc/hosts"], 1, /expected an ELF executable/],
  ["a missing file", ["--executable", "/nonexistent"], 1, /there is no such file/],
  ["a process that is not there", ["--server", "4194305"], 1, /does not run/],
  [
    "a process that is not Kea",
    ["--server", String(Deno.pid)],
    1,
    /expected kea-dhcp4 or kea-dhcp6/,
  ],
  ["two programs at once", ["--server", "1", "--executable", PROGRAM], 2, /one of them/],
  ["an unknown option", ["--pid", "1"], 2, /unknown option/],
];

for (const [name, args, status, words] of MISTAKES) {
  Deno.test(`list_all_functions.ts answers ${name} with one line and status ${status}`, async () => {
    const { code, stdout, stderr } = await runScript("discovery/list_all_functions.ts", args);
    assert.equal(code, status, stderr);
    assert.equal(stdout, "");
    assert.match(stderr, words);
    if (status === 1) assert.equal(stderr.trim().split("\n").length, 1);
  });
}
