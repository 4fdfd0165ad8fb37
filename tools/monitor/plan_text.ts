/**
 * A probe plan for people: what would be attached, at what cost, and what is not available.
 *
 * @module
 */

import {
  COST_PER_HIT_US,
  HOST_COST_PER_CALL_US,
  HOST_COST_PER_OTHER_CALL_US,
  HOST_COST_PER_PACKET_US,
  HOST_COST_PER_SWITCH_US,
} from "../../discovery/costs.ts";
import { callTracers, type Plan } from "../../probes/plan.ts";

/** Renders a plan as text of at most 100 columns. */
export function planText(plan: Plan): string {
  const { server, profile, sources, forecast, budget } = plan;
  const lines = [
    `Kea ${server.version} DHCPv${server.family}, pid ${server.pid}, ` +
    `${server.sockets.join(" and ") || "no"} sockets, ${server.threads} threads`,
    `Profile ${profile}: about ${forecast.toFixed(0)} us of the server's CPU per exchange ` +
    `(4 packets), ${budget} allowed`,
    "",
  ];
  for (const source of sources) {
    lines.push(
      `${source.file.padEnd(22)} ${source.forecast.toFixed(1).padStart(5)} us  ` +
        source.metrics.join(", "),
    );
    for (const site of source.sites) {
      const name = site.symbol ?? `0x${site.address.toString(16)}`;
      lines.push(
        `    ${site.id.padEnd(34)} ${name}  ${site.class}, ${
          COST_PER_HIT_US[site.class]
        } us per hit, ` +
          `${site.hitsPerPacket} per packet`,
      );
      lines.push(`        in ${site.file.path}: ${site.proof.instruction.trim()}`);
    }
  }
  lines.push("", "Every other process of this host pays about");
  if (plan.edges === "sockets") {
    lines.push(
      `    ${HOST_COST_PER_PACKET_US} us per packet that it sends: packets are seen at the sockets`,
    );
  }
  const tracers = callTracers(plan);
  if (tracers.length > 0) {
    lines.push(
      `    ${HOST_COST_PER_OTHER_CALL_US} us per system call, ${HOST_COST_PER_CALL_US} us where it is ` +
        `traced: ${tracers.join(", ")}`,
    );
  }
  if (sources.some(({ provides }) => provides === "waits")) {
    lines.push(`    ${HOST_COST_PER_SWITCH_US} us per context switch: waits.bt`);
  }
  if (plan.notAvailable.length > 0) {
    lines.push("", "Not available:");
    for (const { metric, why } of plan.notAvailable) lines.push(`    ${metric}: ${why}`);
  }
  return lines.join("\n");
}
