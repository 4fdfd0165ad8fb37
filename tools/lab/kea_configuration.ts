/**
 * The configuration of a lab's server.
 *
 * @module
 */

/** A hook library and its parameters. */
export interface HookLibrary {
  readonly path: string;
  readonly parameters?: unknown;
}

/** What a lab's server is configured by. */
export interface KeaSettings {
  readonly sockets: "raw" | "udp";
  /** Worker threads; 0 for a single-threaded server. */
  readonly threads: number;
  readonly hooks: readonly HookLibrary[];
  readonly interfaceName: string;
  /** The lease database; memfile without it. */
  readonly leases?: Readonly<Record<string, unknown>>;
  /** Folder for lease file, control socket and log. */
  readonly directory: string;
}

/** Addresses of a lab; each lab has network namespaces of its own, so they may be the same. */
export const ADDRESSES = { server: "10.77.0.1", client: "10.77.0.2", prefix: 12 } as const;

/** The configuration of a DHCPv4 server on memfile, with 900,000 addresses to give. */
export function keaConfiguration(settings: KeaSettings): unknown {
  const { sockets, threads, hooks, interfaceName, leases, directory } = settings;
  return {
    Dhcp4: {
      "interfaces-config": { interfaces: [interfaceName], "dhcp-socket-type": sockets },
      "multi-threading": threads === 0 ? { "enable-multi-threading": false } : {
        "enable-multi-threading": true,
        "thread-pool-size": threads,
        "packet-queue-size": 64,
      },
      "control-socket": { "socket-type": "unix", "socket-name": `${directory}/control` },
      "lease-database": leases ??
        { type: "memfile", name: `${directory}/leases.csv`, "lfc-interval": 0 },
      "hooks-libraries": hooks.map(({ path, parameters }) => ({
        library: path,
        ...(parameters === undefined ? {} : { parameters }),
      })),
      // So that host4_identifier is among the hook points on a packet's way.
      ...(hooks.length === 0 ? {} : {
        "host-reservation-identifiers": ["flex-id", "hw-address"],
        "reservations-global": true,
      }),
      "valid-lifetime": 4000,
      subnet4: [{
        id: 1,
        subnet: "10.64.0.0/12",
        pools: [{ pool: "10.65.0.0-10.76.255.255" }],
        // perfdhcp sends as a relay.
        relay: { "ip-addresses": [ADDRESSES.client] },
      }],
      loggers: [{
        name: "kea-dhcp4",
        severity: "INFO",
        output_options: [{ output: `${directory}/kea.log` }],
      }],
    },
  };
}
