/** A child prepares what this process would, and dies with it. Needs root, Kea and bpftrace. */

import assert from "node:assert/strict";
import { HeldFiles } from "../../discovery/held_files.ts";
import { exportedFunctions } from "../../discovery/code/elf.ts";
import { describeServer } from "../../discovery/servers.ts";
import { findBpftrace } from "../../probes/bpftrace.ts";
import type { Prepared } from "../../probes/preparation.ts";
import { inThisProcess } from "../../probes/prepare.ts";
import { IN_A_CHILD } from "../../probes/prepare_in_child.ts";
import { labOfFile } from "./lab_of_file.ts";
import { childrenOf, finished, runs, startScript, until } from "./run_script.ts";

const lab = labOfFile();

/** What must be equal: everything but the place of the symbol files and the time. */
function comparable({ plan, rendered, hookPoints, statements }: Prepared) {
  const { program, ...rest } = rendered;
  return { plan, hookPoints, statements, ...rest, program: program.replace(/\d{15,}/g, "TIME") };
}

const files = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("a child describes a server and prepares the same program as this process", async () => {
  const { pid } = lab();
  const described = await describeServer(pid);
  assert.deepEqual(await IN_A_CHILD.describe(pid), described);
  using held = await HeldFiles.of(described);
  const { server } = held!;
  for (const profile of ["light", "deep"] as const) {
    const request = {
      server,
      profile,
      bpftrace: await findBpftrace(),
      intervalMs: 1000,
      counting: { top: true, by: "relay" as const },
      slowNs: 1_000_000,
      leftOut: new Map([["exceptions.bt", "it did not attach"]]),
    };
    await using here = await inThisProcess().prepare(request);
    let symbols: string;
    {
      await using child = await IN_A_CHILD.prepare(request);
      symbols = child.symbols;
      assert.deepEqual(comparable(child), comparable(here));
      assert.deepEqual(files(symbols), files(here.symbols));
      const sites = child.plan.sources.flatMap((source) => source.sites);
      const before = (await IN_A_CHILD.codeBefore(pid, sites))!;
      const misplaced = await IN_A_CHILD.misplaced(pid, sites, before);
      // Other tests may have attached probes to the same files.
      const ids = sites.map(({ id }) => id);
      assert.deepEqual(misplaced?.missing.filter((id) => !ids.includes(id)) ?? [], []);
      assert.ok(profile === "light" || child.plan.sources.flatMap(({ sites }) => sites).length > 9);
    }
    const { pinnedPath } = server.libraries[0]!;
    assert.deepEqual(
      await IN_A_CHILD.functionsOf(pid, pinnedPath),
      await exportedFunctions(pinnedPath),
    );
    await assert.rejects(Deno.stat(symbols), Deno.errors.NotFound);
  }
});

Deno.test("a child says in one line what is wrong", async () => {
  await assert.rejects(
    IN_A_CHILD.describe(Deno.pid),
    (error) => {
      assert.ok(error instanceof Error);
      assert.match(
        error.message,
        /^Cannot watch process \d+: expected kea-dhcp4 or kea-dhcp6, it runs \S+$/,
      );
      return true;
    },
  );
});

Deno.test("the child and its programs end with an exporter that is killed", async () => {
  const exporter = startScript("export/exporter.ts", [
    ...["--server", String(lab().pid), "--web.listen-address", "127.0.0.1:0"],
  ]);
  const end = finished(exporter);
  let family: number[] = [];
  await until(async () => {
    for (const pid of await childrenOf(exporter.pid)) {
      const command = await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => "");
      const started = await childrenOf(pid);
      // One of the programs that read the server's files.
      if (command.includes("prepare_child.ts") && started.length > 0) family = [pid, ...started];
    }
    return family.length > 0;
  }, "a child reads the server's files");
  exporter.kill("SIGKILL");
  await end;
  for (const pid of family) await until(async () => !await runs(pid), `process ${pid} has ended`);
});
