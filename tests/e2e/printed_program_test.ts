/**
 * The program that `probe --print-program` prints runs with plain bpftrace, and `to-json` reads what it
 * prints. Needs root and Kea.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { parseDocument } from "../../metrics/document.ts";
import type { Profile } from "../../probes/programs.ts";
import { type Lab, startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { total } from "../../metrics/totals.ts";
import { interruptBpftrace, runScript, until } from "./run_script.ts";

const EXCHANGES = 53;

const CASES: readonly { family: 4 | 6; sockets: "raw" | "udp"; profile: Profile }[] = [
  { family: 4, sockets: "raw", profile: "deep" },
  { family: 6, sockets: "udp", profile: "standard" },
];

/** Runs the command that a printed program's first lines name, beside traffic of new clients. */
async function runPrinted(
  lab: Lab,
  program: string,
): Promise<{ readonly output: string; readonly exchanges: number }> {
  const folder = await Deno.makeTempDir({ prefix: "kea-printed-" });
  try {
    await Deno.writeTextFile(join(folder, "program.bt"), program);
    const command = /^ {2}(BCC_SYMFS=.* bpftrace .*)$/m.exec(program)![1]!;
    const child = new Deno.Command("sh", { args: ["-c", `exec env ${command}`], cwd: folder })
      .spawn();
    const printed = () => Deno.readTextFile(join(folder, "printed.json")).catch(() => "");
    let status: Deno.CommandStatus | undefined;
    child.status.then((ended) => status = ended);
    await until(
      async () => status !== undefined || (await printed()).includes('"reading '),
      "the program has read its maps once",
    );
    assert.equal(status, undefined, "bpftrace runs");
    const load = { rate: 50, exchanges: EXCHANGES, clients: 10 * EXCHANGES };
    // On a busy machine perfdhcp sends a few more than it was asked for.
    const exchanges = Object.values(await runPerfdhcp(lab, load))[1]!.received;
    assert.ok(exchanges >= EXCHANGES, `${exchanges} exchanges`);
    assert.equal((await interruptBpftrace(child)).code, 0);
    return { output: await printed(), exchanges };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const { family, sockets, profile } of CASES) {
  Deno.test(`plain bpftrace runs the printed program, DHCPv${family}, ${profile}`, async () => {
    await using lab = await startLab({ family, sockets });
    const { code, stdout, stderr } = await runScript("probes/kea_metrics.ts", [
      ...["--server", String(lab.pid), "--profile", profile, "--print-program"],
    ]);
    assert.equal(code, 0, stderr);
    const printed = await Deno.makeTempFile({ prefix: "kea-printed-", suffix: ".json" });
    try {
      const { output, exchanges } = await runPrinted(lab, stdout);
      await Deno.writeTextFile(printed, output);
      const converted = await runScript("hollow/ebpf_to_json.ts", [printed]);
      assert.equal(converted.code, 0, converted.stderr);
      const document = parseDocument(JSON.parse(converted.stdout));
      assert.deepEqual(document.server, { family });
      const [message, answer] = family === 4
        ? ["DHCPREQUEST", "DHCPACK"] as const
        : ["REQUEST", "REPLY"] as const;
      const count = (metric: string, labels: Record<string, string>) =>
        assert.equal(total(document, metric, labels), exchanges, metric);
      count("packet_processing_time", { message, answer });
      count("lease_allocation_time", { message });
      count("packet_stage_time", { message, stage: "allocate" });
      count("database_query_time", { statement: "lease_file_write" });
    } finally {
      await Deno.remove(printed);
    }
  });
}
