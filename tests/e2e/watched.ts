/** The watch loop beside a test's work in a lab. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { watchWhile } from "../../tools/lab/watch_while.ts";
import type { MetricsDocument } from "../../metrics/document.ts";
import type { CountingOptions } from "../../probes/packet_counting.ts";
import type { Profile } from "../../probes/programs.ts";
import { bpftraceOf, type KeaChoice } from "../../tools/lab/kea_builds.ts";
import type { Lab } from "../../tools/lab/lab.ts";

/** Watches a lab while something runs, with the bpftrace of its Kea's suite. */
export async function watched(
  lab: Lab,
  kea: KeaChoice,
  profile: Profile,
  work: () => Promise<void>,
  counting: CountingOptions = {},
): Promise<MetricsDocument> {
  const how = { profile, bpftrace: await bpftraceOf(kea), ...counting };
  const { document } = await watchWhile(lab, how, work);
  assertComplete(document);
  return document;
}

/** Nothing was lost or left out. */
export function assertComplete({ capture }: MetricsDocument): void {
  assert.deepEqual([capture.verdict, ...capture.reasons], ["COMPLETE"]);
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
      ...["netns", "exec", clientNetns, "setpriv", "--pdeathsig", "TERM", "--", "timeout", "300"],
      ...[Deno.execPath(), "run", "-A", "--quiet", join(import.meta.dirname!, script), ...args],
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
