/** The watch loop beside a test's work in a lab. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { describeServer } from "../../discovery/servers.ts";
import type { MetricsDocument } from "../../metrics/document.ts";
import { WindowBuilder } from "../../metrics/windows.ts";
import { watch } from "../../probes/monitoring_loop.ts";
import type { Profile } from "../../probes/sources.ts";
import { bpftraceOf, type KEAS, type Lab } from "../../tools/lab/lab.ts";

/** Watches a lab while something runs, with the bpftrace of its Kea's suite. */
export async function watched(
  lab: Lab,
  kea: keyof typeof KEAS,
  profile: Profile,
  work: () => Promise<void>,
): Promise<MetricsDocument> {
  const stop = new AbortController();
  const windows = new WindowBuilder();
  let working: Promise<void> | null = null;
  for await (
    const record of watch({
      server: await describeServer(lab.pid),
      profile,
      bpftrace: await bpftraceOf(kea),
      intervalMs: 1000,
      durationMs: 120_000,
      signal: stop.signal,
      say: () => {},
    })
  ) {
    windows.next(record);
    if (record.type === "sample") working ??= work().finally(() => stop.abort());
  }
  await working;
  const document = windows.document();
  assert.equal(document.capture.verdict, "COMPLETE", document.capture.reasons.join());
  return document;
}

/** Runs a script of this folder in the lab's client namespace; returns what it prints. */
export async function inClient(
  { clientNetns }: Lab,
  script: string,
  args: readonly string[],
  input = "",
): Promise<string> {
  const child = new Deno.Command("ip", {
    args: [
      ...["netns", "exec", clientNetns, "timeout", "60", Deno.execPath(), "run", "-A"],
      ...[join(import.meta.dirname!, script), ...args],
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { success, stdout, stderr } = await output;
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}
