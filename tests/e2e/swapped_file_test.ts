/**
 * A server that runs or maps another file between the proof of its sites and their probes gets no probe in that
 * file. Needs root, Kea, g++, and newer Debian suites.
 */

import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { HeldFiles } from "../../discovery/held_files.ts";
import { mappedFiles } from "../../discovery/mapped_files.ts";
import { changedCode } from "../../discovery/memory.ts";
import { describeServer } from "../../discovery/servers.ts";
import { type Bpftrace, findBpftrace } from "../../probes/bpftrace.ts";
import { inThisProcess } from "../../probes/prepare.ts";
import { IN_A_CHILD } from "../../probes/prepare_in_child.ts";
import { ProbeRun } from "../../probes/probe_run.ts";
import { bpftraceOf, KEAS } from "../../tools/lab/kea_builds.ts";
import { type Lab, startLab } from "../../tools/lab/lab.ts";
import { watchWhile } from "../../tools/lab/watch_while.ts";
import { pythonProcess } from "../system/python_process.ts";
import { must, until } from "./run_script.ts";
import { assertComplete } from "./watched.ts";

const PROGRAM = "/usr/sbin/kea-dhcp4";
const LOG = "libkea-log.so";
const VERSIONS = Object.keys(KEAS) as (keyof typeof KEAS)[];

/** A server that has ended does not come back. */
const HOW = { profile: "standard", restartGraceMs: 0 } as const;

/** A server with the attacker's code, and the file that takes the place of another. */
interface Swapping extends AsyncDisposable {
  readonly lab: Lab;
  /** The file whose sites are proved. */
  readonly proved: string;
  /** The same bytes in another file: whatever is said of itself there is the same. */
  readonly other: string;
}

/** @param swapped which file is swapped: its executable, or a library that it maps. */
async function swapping(swapped: "executable" | "library"): Promise<Swapping> {
  const resources = new AsyncDisposableStack();
  try {
    const folder = await Deno.makeTempDir({ prefix: "kea-swapping-" });
    resources.defer(() => Deno.remove(folder, { recursive: true }));
    await Deno.chmod(folder, 0o755);
    const [code, program, script] = ["swapping.so", "kea-dhcp4", "start"].map((name) =>
      join(folder, name)
    ) as [string, string, string];
    const source = join(import.meta.dirname!, "swapping.cc");
    await must("g++", "-shared", "-fPIC", "-o", code, source);
    const library = join(folder, await loadedName());
    await Deno.copyFile(PROGRAM, program);
    await Deno.copyFile(join("/usr/lib/x86_64-linux-gnu", await loadedName()), library);
    const proved = swapped === "executable" ? program : library;
    const other = join(folder, "other");
    await Deno.copyFile(proved, other);
    const from = swapped === "executable" ? "" : library;
    await Deno.writeTextFile(
      script,
      `#!/bin/sh\nexport LD_PRELOAD=${code} SWAP_FROM=${from} SWAP_TO=${other}\n` +
        `exec ${program} "$@"\n`,
      { mode: 0o755 },
    );
    const lab = resources.use(await startLab({ program: script, libraries: folder }));
    return { lab, proved, other, [Symbol.asyncDispose]: () => resources.disposeAsync() };
  } catch (error) {
    await resources.disposeAsync();
    throw error;
  }
}

/** The name under which a server loads the library of its log. */
async function loadedName(): Promise<string> {
  const { stdout } = await new Deno.Command("ldd", { args: [PROGRAM] }).output();
  return new RegExp(`${LOG}\\.\\d+`).exec(new TextDecoder().decode(stdout))![0];
}

/** The server runs or maps the other file from here on. */
async function swap({ lab, other }: Swapping): Promise<void> {
  Deno.kill(lab.pid, "SIGUSR1");
  const isMapped = async () => (await Deno.readTextFile(`/proc/${lab.pid}/maps`)).includes(other);
  await until(isMapped, "the file is swapped");
}

/** A bpftrace before which the server swaps the file. */
function swappingBefore({ command, version }: Bpftrace, { lab, other }: Swapping): Bpftrace {
  const maps = `/proc/${lab.pid}/maps`;
  const script = `case "$*" in *kea_site_*)
    grep -qF ${other} ${maps} || kill -USR1 ${lab.pid}
    until grep -qF ${other} ${maps}; do sleep 0.05; done;;
  esac
  exec "$@"`;
  return { command: ["sh", "-c", script, "sh", ...command], version };
}

/** Maps a file as code. */
const MAPS_CODE = `import mmap, os, sys
file = os.open(sys.argv[1], os.O_RDONLY)
code = mmap.mmap(file, 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC)
print(flush=True)
sys.stdin.read()
`;

/** How many probes are in a file: the kernel writes them into every process that maps it, such as one of ours. */
async function probesIn(path: string): Promise<number> {
  await using bystander = await pythonProcess(MAPS_CODE, [path]);
  const { pid } = bystander;
  return changedCode(pid, (await mappedFiles(pid)).filter((file) => file.path === path))!.size;
}

/** Descriptors of this process for files in a folder. */
function heldIn(folder: string): number {
  return [...Deno.readDirSync("/proc/self/fd")].filter(({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/self/fd/${name}`).startsWith(`${folder}/`);
    } catch {
      // That of the listing is gone.
      return false;
    }
  }).length;
}

/** What is swapped, and where its sites are proved. */
const CASES = [
  { swapped: "executable", where: "here", preparation: inThisProcess() },
  { swapped: "library", where: "in a child", preparation: IN_A_CHILD },
] as const;

for (const kea of VERSIONS) {
  for (const { swapped, where, preparation } of CASES) {
    Deno.test(`a probe stands in the ${swapped} that was proved ${where}, not in the one that took its place, bpftrace of ${kea}`, async () => {
      await using server = await swapping(swapped);
      const { lab, proved, other } = server;
      const bpftrace = await bpftraceOf(kea);
      using files = await HeldFiles.of(await describeServer(lab.pid));
      await using prepared = await preparation.prepare({
        ...{ server: files!.server, profile: HOW.profile, bpftrace },
        ...{ intervalMs: 1000, slowNs: 0, leftOut: new Map() },
      });
      const sites = prepared.plan.sources.flatMap(({ sites }) => sites);
      const expected = sites.filter(({ file }) => file.path === proved).length;
      assert.ok(expected > 0);
      await swap(server);
      await using run = ProbeRun.start(bpftrace, prepared.rendered, prepared.symbols);
      let event = (await run.events.next()).value;
      while (event?.type === "reading") event = (await run.events.next()).value;
      assert.equal(event?.type, "attached", JSON.stringify(event));
      assert.equal(await probesIn(proved), expected);
      assert.equal(await probesIn(other), 0);
    });
  }
}

Deno.test("watch() ends with a server that runs another program right before its probes are attached", async () => {
  await using server = await swapping("executable");
  const bpftrace = swappingBefore(await findBpftrace(), server);
  await assert.rejects(
    watchWhile(server.lab, { ...HOW, bpftrace }, () => Promise.resolve()),
    /^DiscoveryError: Cannot watch process \d+: it ended before the probes were attached/,
  );
  assert.equal(Deno.readLinkSync(`/proc/${server.lab.pid}/exe`), server.other);
});

Deno.test("watch() goes on without a library that a server replaced in memory right before", async () => {
  await using server = await swapping("library");
  const bpftrace = swappingBefore(await findBpftrace(), server);
  const { document } = await watchWhile(
    server.lab,
    { ...HOW, bpftrace },
    () => Promise.resolve(),
  );
  assert.equal(document.capture.verdict, "PARTIAL");
  const { reasons } = document.capture;
  const expected = `The server does not map "${server.proved}" any more: it is not probed`;
  assert.ok(reasons.includes(expected), reasons.join());
});

Deno.test("a watch holds its server's files, and lets them go", async () => {
  await using server = await swapping("executable");
  const folder = dirname(server.proved);
  const watching = { ...HOW, bpftrace: await findBpftrace() };
  const { document, result } = await watchWhile(
    server.lab,
    watching,
    () => Promise.resolve(heldIn(folder)),
  );
  assertComplete(document);
  // The program, the library, the attacker's own.
  assert.equal(result, 3);
  assert.equal(heldIn(folder), 0);
});
