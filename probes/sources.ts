/**
 * The probe programs: what each measures, which sites it needs, and what it costs.
 *
 * @module
 */

import type { SiteGroup } from "../discovery/sites/types.ts";
import type { DatabaseType, Server } from "../discovery/types.ts";

/** How much is probed. */
export type Profile = "light" | "standard" | "deep";

/** All profiles, cheapest first. */
export const PROFILES = ["light", "standard", "deep"] as const satisfies readonly Profile[];

/** A `.bt` file and when it belongs in a plan. */
export interface Source {
  readonly file: string;
  /** What it measures, in the words of the metrics document. */
  readonly metrics: readonly string[];
  /** True for one that only adds to its metrics: alone, it does not serve them. */
  readonly aside?: true;
  /** True for one that only splits what packets_*.bt times: alone, it would not compile. */
  readonly splits?: true;
  /** Cheapest profile that asks for it. */
  readonly from: Profile;
  /** Where its sites are looked for; null for a program without any. */
  readonly group: SiteGroup | null;
  /** Site ids of which it needs at least one each; `*` stands for any run of characters. */
  readonly needs: readonly string[];
  /** Site ids that it needs on servers that have them. */
  readonly where?: readonly string[];
  /**
   * Site ids that it can do without, in order of worth: each is taken while the budget lasts. A
   * program that has parts needs at least one of them.
   */
  readonly parts?: readonly string[];
  /** Profile that has it even where it does not fit into the budget. */
  readonly beyondBudget?: Profile;
  /**
   * Maps that go into the capture, in the order in which they are read: answers before requests, so
   * that no answer is without its request. What else it keeps is private.
   */
  readonly maps: readonly string[];
  /** System-call tracepoints that fire an exchange, DORA without hooks. */
  readonly tracepointsPerExchange: number;
  /** BPF time an exchange, microseconds, without traps and tracepoint entry (bench:overhead). */
  readonly bpfPerExchange: number;
  /** Why it cannot serve this server; null when it can, "" when another of its kind does. */
  readonly unfit: (server: Server) => string | null;
}

const fits = () => null;

const family = (wanted: Server["family"]) => (server: Server) =>
  server.family === wanted ? null : "";

const socketsAre = (kind: "raw" | "udp") => (server: Server) => {
  if (server.family !== 4) return "";
  return server.sockets.includes(kind) ? null : `the server has no ${kind} DHCP socket`;
};

const usesDatabase = (type: DatabaseType, name: string) => ({ databases }: Server) =>
  databases.leases === type || databases.others.includes(type)
    ? null
    : `the server's configuration names no ${name}`;

const PACKET_MAPS = [
  ...["@send_refused", "@processing", "@unmatched", "@sent", "@not_dhcp"],
  ...["@socket_wait", "@received"],
] as const;

/** In order of worth: a plan takes them from the top while its budget lasts. */
export const SOURCES: readonly Source[] = [
  {
    file: "packets_raw.bt",
    metrics: ["packet_processing_time", "network_traffic"],
    from: "light",
    group: null,
    needs: [],
    maps: PACKET_MAPS,
    tracepointsPerExchange: 8,
    bpfPerExchange: 7.5,
    unfit: socketsAre("raw"),
  },
  {
    file: "packets_udp.bt",
    metrics: ["packet_processing_time", "network_traffic"],
    from: "light",
    group: null,
    needs: [],
    maps: PACKET_MAPS,
    tracepointsPerExchange: 8,
    bpfPerExchange: 7.5,
    unfit: socketsAre("udp"),
  },
  {
    file: "packets_v6.bt",
    metrics: ["packet_processing_time", "network_traffic"],
    from: "light",
    group: null,
    needs: [],
    maps: PACKET_MAPS,
    tracepointsPerExchange: 8,
    bpfPerExchange: 10,
    unfit: (server) => {
      if (server.family !== 6) return "";
      return server.sockets.includes("udp") ? null : "the server has no DHCPv6 socket";
    },
  },
  {
    file: "lease_file_cleanup.bt",
    metrics: ["database_query_time"],
    // A cleanup is no query.
    aside: true,
    from: "light",
    group: null,
    needs: [],
    maps: ["@lease_file_cleanup", "@lease_file_cleanup_failed"],
    tracepointsPerExchange: 0,
    bpfPerExchange: 0,
    unfit: (server) => server.leaseFile === null ? "" : null,
  },
  {
    file: "exceptions.bt",
    metrics: ["error_rate"],
    from: "light",
    group: "exceptions",
    needs: ["exceptions.throw"],
    maps: ["@exceptions"],
    tracepointsPerExchange: 0,
    bpfPerExchange: 0,
    unfit: fits,
  },
  // On a server with SQL most of an allocation's time is that of its statements: they come first.
  {
    file: "postgresql.bt",
    metrics: ["database_query_time"],
    from: "standard",
    group: "postgresql",
    needs: ["postgresql.start", "postgresql.end"],
    maps: ["@postgresql", "@postgresql_rows", "@postgresql_failed"],
    tracepointsPerExchange: 0,
    bpfPerExchange: 0,
    unfit: usesDatabase("postgresql", "PostgreSQL"),
  },
  {
    file: "mariadb.bt",
    metrics: ["database_query_time"],
    from: "standard",
    group: "mariadb",
    needs: ["mariadb.start.*", "mariadb.end.*"],
    maps: ["@mariadb", "@mariadb_failed"],
    tracepointsPerExchange: 0,
    bpfPerExchange: 0,
    unfit: usesDatabase("mysql", "MariaDB"),
  },
  {
    file: "allocation.bt",
    metrics: ["lease_allocation_time", "packet_stage_time"],
    splits: true,
    from: "standard",
    group: "allocation",
    needs: ["allocation.start.*", "allocation.end.*"],
    where: ["allocation.parked"],
    maps: ["@allocation", "@allocation_unfinished", "@before", "@after"],
    tracepointsPerExchange: 0,
    bpfPerExchange: 6,
    unfit: family(4),
  },
  {
    file: "allocation_v6.bt",
    metrics: ["lease_allocation_time", "packet_stage_time"],
    splits: true,
    from: "standard",
    group: "allocation",
    needs: ["allocation.start.*", "allocation.end.*"],
    where: ["allocation.parked"],
    maps: ["@allocation", "@allocation_unfinished", "@before", "@after"],
    tracepointsPerExchange: 0,
    bpfPerExchange: 8,
    unfit: family(6),
  },
  // Every line of its log is a write of the server, too: where it logs much, too dear for light.
  {
    file: "lease_file.bt",
    metrics: ["database_query_time"],
    from: "standard",
    group: null,
    needs: [],
    maps: ["@lease_file_write", "@lease_file_write_failed"],
    tracepointsPerExchange: 6,
    bpfPerExchange: 2,
    unfit: (server) =>
      server.leaseFile === null ? "the server holds no memfile lease file open" : null,
  },
  {
    file: "stages.bt",
    metrics: ["packet_stage_time"],
    splits: true,
    from: "deep",
    group: "stages",
    needs: ["stages.process.*", "stages.parsed.*", "stages.committed.*", "stages.packed.*"],
    maps: ["@stage"],
    tracepointsPerExchange: 0,
    bpfPerExchange: 6,
    unfit: fits,
  },
  {
    file: "log_messages.bt",
    metrics: ["error_rate"],
    from: "standard",
    group: "log",
    needs: ["log.warn", "log.error", "log.fatal"],
    maps: ["@log"],
    tracepointsPerExchange: 0,
    bpfPerExchange: 0,
    unfit: fits,
  },
  {
    file: "statistics.bt",
    metrics: ["error_rate"],
    from: "deep",
    group: "statistics",
    needs: ["statistics.drop.*"],
    maps: ["@statistics"],
    tracepointsPerExchange: 0,
    bpfPerExchange: 0,
    unfit: fits,
  },
  {
    file: "lease_manager.bt",
    metrics: ["database_query_time"],
    from: "deep",
    group: "lease_manager",
    needs: [],
    parts: [
      "lease_manager.addLease4.*",
      "lease_manager.updateLease4.*",
      "lease_manager.deleteLease4.*",
      "lease_manager.getLease4_address.*",
      "lease_manager.getLease4_hwaddr.*",
      "lease_manager.getLease4_client_id.*",
    ],
    maps: ["@lease_manager"],
    tracepointsPerExchange: 0,
    bpfPerExchange: 0,
    unfit: (server) => {
      if (server.family !== 4) return "it knows the lease manager's DHCPv4 operations only";
      return server.leaseFile === null ? "the server's lease backend is not memfile" : null;
    },
  },
  {
    file: "log_information.bt",
    metrics: ["error_rate"],
    from: "deep",
    group: "log",
    needs: ["log.info"],
    maps: ["@log_information"],
    tracepointsPerExchange: 0,
    bpfPerExchange: 3,
    unfit: fits,
  },
  {
    file: "callouts.bt",
    metrics: ["hook_callout_time"],
    from: "standard",
    group: "callouts",
    needs: ["callouts.start", "callouts.end.*"],
    parts: ["callouts.done"],
    // What a server's own libraries add is what a person who looks deep wants to know.
    beyondBudget: "deep",
    maps: ["@callouts", "@callout_steps", "@parked_time", "@callouts_unfinished"],
    tracepointsPerExchange: 0,
    bpfPerExchange: 0,
    unfit: (server) =>
      server.hookLibraries.length === 0 ? "the server has no hook library loaded" : null,
  },
];
