/** What `run` finds in a lab, and what its ledger promises. */

import assert from "node:assert/strict";
import type { Ledger, MetricsDocument } from "../../metrics/document.ts";
import type { Lab } from "../../tools/lab/lab.ts";
import { follow, must, startScript, until } from "./run_script.ts";

/** The script. */
export const RUN = "tools/run_kea_monitoring.ts";

/** What it needs to know of a lab. */
export const environmentOf = (lab: Lab) => ({
  KEA_LAB_PID: String(lab.pid),
  KEA_LAB_CLIENT_NETNS: lab.clientNetns,
});

/** What a run in a lab printed, while something happens to it when its traffic has begun. */
export async function ran(
  lab: Lab,
  args: readonly string[],
  meanwhile: () => Promise<unknown> = () => Promise.resolve(),
): Promise<MetricsDocument> {
  const output = await Deno.makeTempDir({ prefix: "kea-run-test-" });
  try {
    const running = follow(
      startScript(RUN, [...args, "--json", "--no-visualization", "-o", output], {
        env: environmentOf(lab),
      }),
    );
    // The first window that holds packets has been printed.
    await running.says(lab.family === 4 ? /DHCPDISCOVER/ : /SOLICIT/);
    await meanwhile();
    const { code, stdout, stderr } = await running.end;
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  } finally {
    await Deno.remove(output, { recursive: true });
  }
}

/** A lab's server stands still, until the client has sent many packets. */
export async function standsStill(lab: Lab): Promise<void> {
  const before = await packetsSentTo(lab);
  Deno.kill(lab.pid, "SIGSTOP");
  // The socket's buffer holds less than half of them.
  await until(async () => await packetsSentTo(lab) > before + 800, "many packets came");
  Deno.kill(lab.pid, "SIGCONT");
}

/** Packets that a lab's client has sent. */
async function packetsSentTo({ clientNetns, clientInterface }: Lab): Promise<number> {
  const path = `/sys/class/net/${clientInterface}/statistics/tx_packets`;
  return Number(await must("ip", "netns", "exec", clientNetns, "cat", path));
}

const sum = (counts: Readonly<Record<string, number>>) =>
  Object.values(counts).reduce((total, count) => total + count, 0);

/** The sums that a ledger promises. */
export function assertAddsUp(ledger: Ledger): void {
  const { offered, from_other_clients, kernel_dropped, received, refused, no_answer_expected } =
    ledger;
  const { answered, client_dropped, answered_others, received_by_client, unexplained } = ledger;
  const { ignored_by_client = 0 } = ledger;
  const text = JSON.stringify(ledger);
  assert.equal(unexplained, 0, text);
  assert.equal(offered! + from_other_clients!, kernel_dropped + received, text);
  assert.equal(received, sum(refused) + no_answer_expected + sum(answered), text);
  const after = client_dropped! + answered_others! + ignored_by_client + received_by_client!;
  assert.equal(sum(answered), after, text);
}
