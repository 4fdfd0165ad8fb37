/**
 * The probe programs: what each measures, which sites it needs, and what it costs. Their texts are in
 * `programs/`, the shared parts in `programs/parts/`.
 *
 * @module
 */

import { basename } from "node:path";
import type { MetricName } from "../metrics/metric_names.ts";
import type { SiteGroup } from "../discovery/sites/types.ts";
import { PARKED } from "../discovery/sites/allocation.ts";
import type { DatabaseType, Server } from "../discovery/types.ts";

/** How much is probed. */
export type Profile = "light" | "standard" | "deep";

/** All profiles, cheapest first. */
export const PROFILES = ["light", "standard", "deep"] as const satisfies readonly Profile[];

/** What a program knows about each packet, for other programs of a plan. */
export const PROVISIONS = [
  /** When its request came and its answer left. */
  "packets",
  /** When its lease was allocated. */
  "allocation",
  /** When it passed from one stage to the next. */
  "stages",
  /** What its thread waited for. */
  "waits",
  /** Whether a hook library parked it. */
  "parking",
  /** How long the partner of a high-availability pair took; of the server, not of each packet. */
  "partner",
] as const;
export type Provision = typeof PROVISIONS[number];

/** A program in `programs/` and when it belongs in a plan. */
export interface ProbeProgram {
  readonly file: string;
  /** The metrics that it measures. */
  readonly metrics: readonly MetricName[];
  /** True if it only adds to its metrics, and does not provide them alone. */
  readonly supplementary?: true;
  /** What it provides for other programs of the plan. */
  readonly provides?: Provision;
  /** What it requires from another program: it only splits the time of packets that another one sees. */
  readonly requires?: Provision;
  /** The cheapest profile that includes it. */
  readonly minProfile: Profile;
  /** Where its sites are searched for; absent for a program without any. */
  readonly group?: SiteGroup;
  /** Patterns of site ids; it needs at least one site for each. `*` matches any characters. */
  readonly requiredSites?: readonly string[];
  /** Site ids that it needs if the server has them, unless another program provides `unless`. */
  readonly sitesIfPresent?: { readonly ids: readonly string[]; readonly unless: Provision };
  /**
   * Optional site ids, in order of value: each is used while the budget lasts. A
   * program that has optional sites and no others needs at least one of them.
   */
  readonly optionalSites?: readonly string[];
  /** True if its keys have Kea's numbers of hook points. */
  readonly namesHookPoints?: true;
  /** True if Kea's own counters can replace its counts when not all of its sites are found. */
  readonly replaceable?: true;
  /** A profile that includes it even if it does not fit in the budget. */
  readonly ignoresBudgetIn?: Profile;
  /**
   * Maps for the capture, in the order in which they are read: answers before requests, so that no answer
   * lacks its request. Its other maps are private.
   */
  readonly maps: readonly string[];
  /** System-call tracepoints that fire per exchange, DORA without hooks; 0 without it. */
  readonly tracepointsPerExchange?: number;
  /** BPF time per exchange, microseconds, without traps and tracepoint entry (bench:overhead); 0 without it. */
  readonly bpfPerExchange?: number;
  /** All of its time per exchange where packets are seen at the sockets, microseconds; absent if that is the same. */
  readonly atSocketsPerExchange?: number;
  /**
   * Why it does not work for this server; null if it does, "" if another program of its kind
   * does. Without it, it works for every server.
   */
  readonly unsupportedReason?: (server: Server) => string | null;
}

const family = (expected: Server["family"]) => (server: Server) =>
  server.family === expected ? null : "";

const socketsAre = (kind: "raw" | "udp") => (server: Server) => {
  if (server.family !== 4) return "";
  return server.sockets.includes(kind) ? null : `the server has no ${kind} DHCP socket`;
};

const usesDatabase = (type: DatabaseType, name: string) => ({ databases }: Server) =>
  databases.leases === type || databases.others.includes(type)
    ? null
    : `the server's configuration names no ${name}`;

const PACKETS = {
  metrics: [
    "packet_processing_time",
    "network_traffic",
    "client_waiting_time",
    "retransmissions",
  ],
  provides: "packets",
  minProfile: "light",
  maps: [
    ...["@answered", "@send_refused", "@processing", "@relay_time", "@interface_time"],
    ...["@unmatched", "@sent", "@not_dhcp", "@clients", "@relays"],
    ...["@socket_wait", "@client_waiting", "@retransmissions", "@received"],
  ],
  tracepointsPerExchange: 8,
  bpfPerExchange: 9,
  atSocketsPerExchange: 12,
} as const satisfies Partial<ProbeProgram>;

const ALLOCATION = {
  metrics: ["lease_allocation_time", "packet_stage_time"],
  provides: "allocation",
  requires: "packets",
  minProfile: "standard",
  group: "allocation",
  requiredSites: ["allocation.start.*", "allocation.end.*"],
  sitesIfPresent: { ids: [PARKED], unless: "parking" },
  maps: ["@allocation", "@allocation_unfinished", "@before", "@after"],
} as const satisfies Partial<ProbeProgram>;

/** In order of value: a plan takes them from the top while its budget lasts. */
export const PROGRAMS: readonly ProbeProgram[] = [
  {
    ...PACKETS,
    file: "packets_raw.bt",
    unsupportedReason: socketsAre("raw"),
  },
  {
    ...PACKETS,
    file: "packets_udp.bt",
    unsupportedReason: socketsAre("udp"),
  },
  {
    ...PACKETS,
    file: "packets_v6.bt",
    bpfPerExchange: 12.5,
    atSocketsPerExchange: 15.5,
    unsupportedReason: (server) => {
      if (server.family !== 6) return "";
      return server.sockets.includes("udp") ? null : "the server has no DHCPv6 socket";
    },
  },
  {
    file: "lease_file_cleanup.bt",
    metrics: ["database_query_time"],
    // A cleanup is not a query.
    supplementary: true,
    minProfile: "light",
    maps: ["@lease_file_cleanup", "@lease_file_cleanup_failed"],
    unsupportedReason: (server) => server.leaseFile === null ? "" : null,
  },
  {
    file: "exceptions.bt",
    metrics: ["error_rate"],
    minProfile: "light",
    group: "exceptions",
    requiredSites: ["exceptions.throw"],
    maps: ["@exceptions"],
  },
  // On a server with SQL, statements take most of an allocation's time, so they come first.
  {
    file: "postgresql.bt",
    metrics: ["database_query_time"],
    minProfile: "standard",
    group: "postgresql",
    requiredSites: ["postgresql.start", "postgresql.end"],
    maps: ["@postgresql", "@postgresql_rows", "@postgresql_failed"],
    unsupportedReason: usesDatabase("postgresql", "PostgreSQL"),
  },
  {
    file: "mariadb.bt",
    metrics: ["database_query_time"],
    minProfile: "standard",
    group: "mariadb",
    requiredSites: ["mariadb.start.*", "mariadb.end.*"],
    maps: ["@mariadb", "@mariadb_failed"],
    unsupportedReason: usesDatabase("mysql", "MariaDB"),
  },
  {
    ...ALLOCATION,
    file: "allocation.bt",
    bpfPerExchange: 6,
    unsupportedReason: family(4),
  },
  {
    ...ALLOCATION,
    file: "allocation_v6.bt",
    bpfPerExchange: 8,
    unsupportedReason: family(6),
  },
  {
    file: "partner.bt",
    metrics: ["partner_request_time"],
    provides: "partner",
    minProfile: "standard",
    maps: ["@partner_time"],
    tracepointsPerExchange: 4,
    bpfPerExchange: 4,
    unsupportedReason: ({ hookLibraries }) =>
      hookLibraries.some((path) => basename(path) === "libdhcp_ha.so") ? null : "",
  },
  {
    file: "lease_file.bt",
    metrics: ["database_query_time"],
    minProfile: "standard",
    group: "lease_file",
    requiredSites: ["lease_file.start.*", "lease_file.end.*", "lease_file.throw"],
    maps: ["@lease_file_write", "@lease_file_write_failed"],
    bpfPerExchange: 1,
    unsupportedReason: (server) =>
      server.leaseFile === null ? "the server has no memfile lease file open" : null,
  },
  {
    file: "stages.bt",
    metrics: ["packet_stage_time"],
    provides: "stages",
    requires: "packets",
    minProfile: "deep",
    group: "stages",
    requiredSites: ["stages.process.*", "stages.parsed.*", "stages.committed.*", "stages.packed.*"],
    maps: ["@stage"],
    bpfPerExchange: 6,
  },
  {
    file: "waits.bt",
    metrics: ["packet_wait_time"],
    provides: "waits",
    requires: "stages",
    minProfile: "deep",
    maps: ["@wait"],
    bpfPerExchange: 3,
  },
  {
    file: "log_messages.bt",
    metrics: ["error_rate"],
    minProfile: "standard",
    group: "log",
    requiredSites: ["log.warn", "log.error", "log.fatal"],
    maps: ["@log"],
  },
  {
    file: "statistics.bt",
    metrics: ["error_rate"],
    minProfile: "deep",
    group: "statistics",
    requiredSites: ["statistics.drop.*"],
    replaceable: true,
    maps: ["@statistics"],
  },
  {
    file: "lease_manager.bt",
    metrics: ["database_query_time"],
    minProfile: "deep",
    group: "lease_manager",
    optionalSites: [
      "lease_manager.addLease4.*",
      "lease_manager.updateLease4.*",
      "lease_manager.deleteLease4.*",
      "lease_manager.getLease4_address.*",
      "lease_manager.getLease4_hwaddr.*",
      "lease_manager.getLease4_client_id.*",
    ],
    maps: ["@lease_manager"],
    unsupportedReason: (server) => {
      if (server.family !== 4) return "it knows the lease manager's DHCPv4 operations only";
      return server.leaseFile === null ? "the server's lease backend is not memfile" : null;
    },
  },
  {
    file: "log_information.bt",
    metrics: ["error_rate"],
    minProfile: "deep",
    group: "log",
    requiredSites: ["log.info"],
    maps: ["@log_information"],
    bpfPerExchange: 3,
  },
  {
    file: "callouts.bt",
    metrics: ["hook_callout_time"],
    provides: "parking",
    namesHookPoints: true,
    minProfile: "standard",
    group: "callouts",
    requiredSites: ["callouts.start", "callouts.end.*"],
    optionalSites: ["callouts.done"],
    // A user of the deep profile wants to see the server's own libraries.
    ignoresBudgetIn: "deep",
    maps: ["@callouts", "@callout_steps", "@parked_time", "@callouts_unfinished"],
    unsupportedReason: (server) =>
      server.hookLibraries.length === 0 ? "the server has no hook library loaded" : null,
  },
];
