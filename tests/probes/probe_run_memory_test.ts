import assert from "node:assert/strict";
import { ProbeRun } from "../../probes/probe_run.ts";
import { READING } from "../../probes/render.ts";
import { keepsNothing } from "../keeps_nothing.ts";

Deno.test("ProbeRun keeps no reading that was used", async () => {
  const line = (type: string, data: unknown) => JSON.stringify({ type, data });
  const counts = Object.fromEntries(Array.from({ length: 500 }, (_, key) => [`1,${key}`, key]));
  const reading = [
    line("printf", `${READING.start} 1`),
    line("map", { "@received": counts }),
    line("printf", READING.end),
  ].join("\n");
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/reading`, `${reading}\n`);
    // In place of bpftrace; its standard error is silent, as bpftrace's is.
    const script = `while :; do cat ${folder}/reading; done`;
    await using run = ProbeRun.start(
      { command: ["sh", "-c", script], version: "0.17.0" },
      { program: "", probes: 0, maps: [] },
    );
    await keepsNothing(async () => assert.equal((await run.events.next()).value?.type, "reading"));
    await run.abandon();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
