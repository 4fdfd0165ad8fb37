/**
 * The kernel dropped packets because the server's socket was full.
 *
 * @module
 */

import { exactEvidence, receivedEvidence } from "../evidence.ts";
import type { Facts } from "../facts.ts";
import type { Rule } from "../finding.ts";
import { isLoss } from "../losses.ts";
import { counted, percent } from "../words.ts";

/** Drops in at most this share of the windows with packets are bursts. */
const BURSTS = 0.2;

export const RECEIVE_BUFFER: Rule = {
  name: "receive_buffer",
  find: (facts) => {
    const dropped = facts.errors("kernel_drop");
    const share = dropped / (facts.received + dropped);
    if (!isLoss(dropped, facts.received + dropped)) return null;
    const windows = windowsOf(facts);
    const areBursts = windows.dropping <= BURSTS * windows.busy;
    const labels = { kind: "kernel_drop" };
    const larger =
      "A larger receive buffer holds longer bursts: sysctl -w net.core.rmem_default=4194304 (keep it in " +
      "/etc/sysctl.d/), then restart Kea";
    const faster =
      "Kea did not read as fast as packets came: find out what takes the time, in the other findings here " +
      "or with --profile deep";
    return {
      severity: "lost",
      damage: share,
      sentence: `The kernel dropped ${counted(dropped, "packet")} (${percent(share)}) before Kea ` +
        "read them: the receive buffer of its socket was full.",
      evidence: [
        exactEvidence("dropped by the kernel", "error_rate", labels, "packets", dropped),
        receivedEvidence(facts),
        exactEvidence("windows with drops", "error_rate", labels, "windows", windows.dropping),
        exactEvidence("windows with packets", "network_traffic", {}, "windows", windows.busy),
      ],
      remedy: areBursts ? [larger, faster] : [faster, larger],
    };
  },
};

function windowsOf({ windows }: Facts): { readonly dropping: number; readonly busy: number } {
  const dropping = windows.filter((window) => window.errors("kernel_drop") > 0);
  const busy = windows.filter((window) => window.received > 0 || dropping.includes(window));
  return { dropping: dropping.length, busy: busy.length };
}
