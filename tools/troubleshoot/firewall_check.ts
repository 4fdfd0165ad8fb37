/**
 * Whether a firewall drops packets of a Kea.
 *
 * @module
 */

import { type FoundConfiguration } from "../../discovery/configuration/server_configuration.ts";
import type { NetworkInterface } from "../../discovery/network_addresses.ts";
import type { Server } from "../../discovery/types.ts";
import { note, notKnown, ofConfiguration, ok, outputAt, problem, textOf } from "./check.ts";
import type { CheckResult } from "./check.ts";
import { iptablesTables } from "./firewall/iptables.ts";
import { nftTables } from "./firewall/nft.ts";
import { type Packet, packetsOf } from "./firewall/packet.ts";
import { type Fate, fateOf, type Table } from "./firewall/walk.ts";

/** The firewall of the server's network namespace. */
export const FIREWALL_CHECK = ofConfiguration("firewall", async (configuration, server, facts) => {
  const tables = await tablesOf(server);
  if (typeof tables === "string") return notKnown("rules that may drop DHCP", tables);
  const chains = tables.flatMap((table) => [...table.chains.values()]);
  if (chains.every(({ hook }) => hook === null)) return ok("there are no rules");
  return verdictOf(server, configuration, facts.interfaces ?? [], tables);
});

/** What rules mean for a server. */
export function verdictOf(
  { family, sockets }: Pick<Server, "family" | "sockets">,
  { dhcp }: Pick<FoundConfiguration, "dhcp">,
  interfaces: readonly NetworkInterface[],
  tables: readonly Table[],
): CheckResult {
  const isRaw = family === 4 && sockets.includes("raw");
  const packets = packetsOf(family, dhcp, interfaces);
  if (packets.length === 0) return notKnown("rules", "no interface is up on which DHCP may come");
  const [dropped, undecided, passing] = worst(packets, tables);
  if (!isRaw) {
    if (dropped !== null) return problem(wordsOf(dropped), lostWith(dropped.packet), REMEDY);
    return undecided === null
      ? ok(passing)
      : notKnown(`whether ${undecided.packet.what} passes`, `it depends on: ${undecided.fate.by}`);
  }
  // Raw sockets see a packet before any rule, and only rules of the link itself apply when they send.
  const links = tables.filter((table) => table.family === "netdev");
  const [droppedThere, undecidedThere] = worst(
    packets.filter(({ direction }) => direction === "out"),
    links,
  );
  if (droppedThere !== null) {
    return problem(wordsOf(droppedThere), lostWith(droppedThere.packet), REMEDY);
  }
  if (undecidedThere !== null) {
    const { packet, fate } = undecidedThere;
    return notKnown(`whether ${packet.what} passes`, `it depends on: ${fate.by}`);
  }
  if (dropped === null) return ok("raw sockets pass it");
  return note(
    wordsOf(dropped),
    "raw sockets bypass the firewall: requests reach the server, and its answers leave it",
  );
}

const REMEDY =
  "nft list ruleset (or iptables-save) shows it; accept the port there before that rule";

const wordsOf = ({ packet, fate }: Decided) => `${packet.what} is dropped by: ${fate.by}`;

const lostWith = ({ direction }: Packet) =>
  direction === "in"
    ? "they do not reach the server's UDP socket"
    : "requests reach the server, but its answers do not leave it";

interface Decided {
  readonly packet: Packet;
  readonly fate: Fate;
}

/** The first packet that is dropped, the first that is undecided, and the text if there is neither. */
function worst(
  packets: readonly Packet[],
  tables: readonly Table[],
): readonly [Decided | null, Decided | null, string] {
  const all = packets.map((packet) => ({ packet, fate: fateOf(packet, tables) }));
  const first = (verdict: Fate["verdict"]) =>
    all.find(({ fate }) => fate.verdict === verdict) ?? null;
  const shown = packets.slice(0, 2).map(({ what }) => what).join(" and ");
  const more = packets.length > 2 ? `, and ${packets.length - 2} other kinds of packets` : "";
  return [first("dropped"), first("not_known"), `${shown}${more}: the rules let them pass`];
}

/** Rules of iptables that nftables' JSON shows by name only. */
const IPTABLES_TABLES = ["filter", "nat", "mangle", "raw", "security"];

/** All tables of a server's network namespace, or why they are not known. */
async function tablesOf(server: Server): Promise<Table[] | string> {
  const [json, text] = [
    await outputAt(server, "nft", "-j", "list", "ruleset"),
    await outputAt(server, "nft", "-a", "list", "ruleset"),
  ];
  if (json === null || text === null) {
    return "there is no nft to list them: apt-get install nftables";
  }
  if (json.code !== 0) return `nft: ${json.stderr.trim().split("\n")[0]}`;
  let tables: Table[];
  try {
    tables = nftTables(json.stdout, text.stdout);
  } catch (error) {
    if (error instanceof SyntaxError) return "nft listed no JSON";
    throw error;
  }
  for (const family of ["ip", "ip6"] as const) {
    const isOfIptables = ({ family: own, name }: Table) =>
      own === family && IPTABLES_TABLES.includes(name);
    const program = family === "ip" ? "iptables" : "ip6tables";
    // Only if there are such tables with rules that nft does not show; asking creates none.
    if (tables.some(isOfIptables) && json.stdout.includes('"xt":')) {
      const saved = await outputAt(server, `${program}-nft-save`);
      if (saved?.code === 0) {
        const read = iptablesTables(saved.stdout, family);
        const names = read.map(({ name }) => name);
        tables = tables.filter((table) => !isOfIptables(table) || !names.includes(table.name));
        tables.push(...read);
      }
    }
    const legacy = await textOf(
      `/proc/${server.pid}/net/${program.replace("tables", "_tables")}_names`,
    );
    if (legacy !== null && legacy.trim() !== "") {
      const saved = await outputAt(server, `${program}-legacy-save`);
      if (saved === null || saved.code !== 0) {
        return `the kernel has rules of ${program}-legacy, and ${program}-legacy-save does not show them`;
      }
      tables.push(...iptablesTables(saved.stdout, family));
    }
  }
  return tables;
}
