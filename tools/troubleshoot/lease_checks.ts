/**
 * Whether a Kea has free addresses, can store leases, and answers on its control socket.
 *
 * @module
 */

import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { keaCommand, keaStatistics } from "../../discovery/control_channel.ts";
import { controlSocketsIn } from "../../discovery/configuration/dhcp_configuration.ts";
import { controlSocketsOf } from "../../discovery/configuration/server_configuration.ts";
import {
  type Check,
  type CheckResult,
  type Facts,
  note,
  notKnown,
  ofServer,
  ok,
  problem,
  skipped,
} from "./check.ts";
import { LEASE_DATABASE_CHECK } from "./lease_database_check.ts";

/** A pool with a smaller share of free addresses is noted. */
const NEARLY = 0.05;

/**
 * Whether a pool is too large to be used up. Kea 2.2 shows 64 unsigned bits as signed, so -1 for a whole /64;
 * newer versions show totals that no JavaScript number holds exactly.
 */
const isUnlimited = (total: number) => total < 0 || !Number.isSafeInteger(total);

/** Checks of leases and their storage. */
export const LEASE_CHECKS: readonly Check[] = [
  ofServer("control socket", async ({ pid }, facts) => {
    const [socket] = await controlSocketsOf(pid);
    if (socket === undefined) return withoutSocket(facts.configuration);
    try {
      await keaCommand(socket, "version-get");
      facts.controlSocket = socket;
      return ok(socket.replace(/^\/proc\/\d+\/root/, ""));
    } catch (error) {
      return problem(
        (error as Error).message,
        "the server cannot be queried or reconfigured; its pools are not known",
        "restart it when possible: it creates the socket again",
      );
    }
  }),
  ofServer("pools", async ({ family }, { controlSocket }) => {
    if (controlSocket === null) return unasked();
    const statistics = await keaStatistics(controlSocket);
    const [totals, assigned] = family === 4
      ? ["total-addresses", "assigned-addresses"]
      : ["total-nas", "assigned-nas"];
    const full: string[] = [];
    const nearly: string[] = [];
    let [left, unlimited] = [0, false];
    for (const [name, total] of Object.entries(statistics)) {
      const subnet = new RegExp(`^subnet\\[(\\d+)\\]\\.${totals}$`).exec(name)?.[1];
      if (subnet === undefined || total === 0) continue;
      if (isUnlimited(total)) {
        unlimited = true;
        continue;
      }
      // Declined addresses are among the assigned ones.
      const free = total - (statistics[`subnet[${subnet}].${assigned}`] ?? 0);
      left += Math.max(0, free);
      if (free <= 0) full.push(`subnet ${subnet} (${total} addresses)`);
      else if (free < NEARLY * total) nearly.push(`subnet ${subnet}: ${free} of ${total} left`);
    }
    if (full.length > 0) {
      return problem(
        `no address is left in ${full.join(", ")}`,
        "new clients there get no answer; those that have a lease can renew it",
        "make the pool larger, or valid-lifetime shorter",
      );
    }
    if (nearly.length > 0) return note(nearly.join(", "), "new clients will soon get no address");
    return ok(`${unlimited ? "practically unlimited" : left} addresses are free`);
  }),
  LEASE_DATABASE_CHECK,
  ofServer("lease file", ({ leaseFile, family }, { configuration, whyNoConfiguration }) => {
    const database = configuration?.dhcp["lease-database"];
    if (database?.type !== undefined && database.type !== "memfile") return skipped("none is used");
    if (leaseFile === null) {
      // It may keep its leases in a database.
      if (configuration === null) return notKnown("it has no lease file open", whyNoConfiguration);
      if (database?.persist === false) return skipped("leases are kept in memory only");
      return problem(
        "the server has no lease file open",
        "leases are lost when it ends",
        "look for errors of DHCPSRV_MEMFILE in its log, then restart it",
      );
    }
    if (!leaseFile.path.endsWith(" (deleted)")) return ok(leaseFile.path);
    return problem(
      `${leaseFile.path.replace(" (deleted)", "")} was deleted while the server writes to it`,
      "every lease since then is lost when it ends",
      `config-write and leases${family}-write may save it (lease_cmds); then restart the server`,
    );
  }),
  ofServer("disk", async ({ pid, leaseFile }) => {
    if (leaseFile === null) return skipped("there is no lease file");
    // The file that it holds open, wherever its path leads now.
    const disk = await statfs(`/proc/${pid}/fd/${leaseFile.fd}`).catch(() => null);
    if (disk === null) return notKnown(leaseFile.path, "its disk cannot be read");
    const used = `${Math.round(100 * (1 - disk.bavail / disk.blocks))} %`;
    const mebibytes = disk.bavail * disk.bsize / 2 ** 20;
    if (mebibytes >= 16) return ok(`${mebibytes.toFixed(0)} MiB are free, ${used} is used`);
    return problem(
      `${mebibytes.toFixed(1)} MiB are free on the disk of ${leaseFile.path}, ${used} is used`,
      "Kea does not give a lease that it cannot write: clients get no answer",
      `make room on the disk of ${dirname(leaseFile.path)}`,
    );
  }),
  ofServer("last packet", async ({ family }, { controlSocket }) => {
    if (controlSocket === null) return unasked();
    const name = `pkt${family}-received`;
    const found = await keaCommand(controlSocket, "statistic-get", { name }) as Record<
      string,
      [number, string][]
    >;
    const [count, time] = found[name]?.[0] ?? [0, ""];
    if (count === 0) {
      return note("none since it started", "clients or a relay may not reach it");
    }
    return ok(`${count} so far, the last at ${time.slice(0, 19)}`);
  }),
];

/** For checks that only the server's counters can decide. */
const unasked = () => notKnown("it needs Kea's own counters", "there is no control socket");

/** The consequence of a server without a Unix control socket. */
function withoutSocket(configuration: Facts["configuration"]): CheckResult {
  const means = "Kea's own counters are not available: pools, drops, the last packet";
  const sockets = configuration === null ? [] : controlSocketsIn(configuration.dhcp);
  const unix = sockets.find((socket) => socket["socket-type"] === "unix");
  if (unix !== undefined) {
    return problem(
      `the server does not listen on ${unix["socket-name"]}, which its configuration names`,
      `the server cannot be queried or reconfigured; ${means}`,
      "look for errors of COMMAND_ in its log, or send config-reload another way",
    );
  }
  const http = sockets.map((socket) =>
    `${socket["socket-type"]} at ${socket["socket-address"] ?? "127.0.0.1"}, port ` +
    `${socket["socket-port"] ?? "unknown"}`
  );
  if (http.length === 0) return note("it has no Unix control socket", means);
  return note(`${http.join("; ")}: only Unix sockets are used here`, means);
}
