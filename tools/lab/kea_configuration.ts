/**
 * The configuration of a lab's server.
 *
 * @module
 */

import type { Family, SocketKind } from "../../metrics/dhcp.ts";

/** A hook library and its parameters. */
export interface HookLibrary {
  readonly path: string;
  readonly parameters?: unknown;
}

/** The settings of a lab's server. */
export interface KeaSettings {
  readonly family: Family;
  /** For DHCPv4; DHCPv6 has only UDP sockets. */
  readonly sockets: SocketKind;
  /** Worker threads; 0 for a single-threaded server. */
  readonly threads: number;
  readonly hooks: readonly HookLibrary[];
  readonly interfaceName: string;
  /** Packets that wait for a thread. */
  readonly packetQueue: number;
  /** Seconds between two cleanups of the lease file; 0 for none. */
  readonly cleanupSeconds: number;
  /** The lease database; default: memfile. */
  readonly leases?: Readonly<Record<string, unknown>>;
  /** Folder for lease file, control socket and log. */
  readonly directory: string;
  /** Whether Kea expects a list of control sockets: possible since 2.7.2, required since 3.3.1. */
  readonly hasSocketList: boolean;
}

/** Addresses of a lab; each lab has its own network namespaces, so all labs have the same. */
export const ADDRESSES6 = { server: "fd77::1", client: "fd77::2", prefix: 64 } as const;

/** The same for DHCPv4. */
export const ADDRESSES = { server: "10.77.0.1", client: "10.77.0.2", prefix: 12 } as const;

/** The configuration of a lab's server, with more addresses than any load needs. */
export function keaConfiguration(settings: KeaSettings): unknown {
  const {
    family,
    sockets,
    threads,
    hooks,
    interfaceName,
    leases,
    directory,
    hasSocketList,
    packetQueue,
    cleanupSeconds,
  } = settings;
  const controlSocket = { "socket-type": "unix", "socket-name": `${directory}/control` };
  return {
    [`Dhcp${family}`]: {
      "interfaces-config": {
        interfaces: [
          interfaceName,
          // Relays send to an address of the server.
          ...(family === 6 ? [`${interfaceName}/${ADDRESSES6.server}`] : []),
        ],
        ...(family === 4 ? { "dhcp-socket-type": sockets } : {}),
      },
      "multi-threading": threads === 0 ? { "enable-multi-threading": false } : {
        "enable-multi-threading": true,
        "thread-pool-size": threads,
        "packet-queue-size": packetQueue,
      },
      ...(hasSocketList
        ? { "control-sockets": [controlSocket] }
        : { "control-socket": controlSocket }),
      "lease-database": leases ??
        { type: "memfile", name: `${directory}/leases.csv`, "lfc-interval": cleanupSeconds },
      "hooks-libraries": hooks.map(({ path, parameters }) => ({
        library: path,
        ...(parameters === undefined ? {} : { parameters }),
      })),
      // So that packets also pass the hook point for identifiers.
      ...(hooks.length === 0 ? {} : {
        "host-reservation-identifiers": ["flex-id", "hw-address"],
        "reservations-global": true,
      }),
      "valid-lifetime": 4000,
      ...(family === 4 ? subnets4() : subnets6(interfaceName)),
      loggers: [{
        name: `kea-dhcp${family}`,
        severity: "INFO",
        output_options: [{ output: `${directory}/kea.log` }],
      }],
    },
  };
}

function subnets4(): object {
  return {
    subnet4: [{
      id: 1,
      subnet: "10.64.0.0/12",
      pools: [{ pool: "10.65.0.0-10.76.255.255" }],
      // perfdhcp sends as a relay.
      relay: { "ip-addresses": [ADDRESSES.client] },
    }],
  };
}

function subnets6(interfaceName: string): object {
  return {
    // Otherwise it would be in a folder that all servers of this machine share.
    "server-id": {
      type: "EN",
      "enterprise-id": 2495,
      identifier: "6b65612d6c6162",
      persist: false,
    },
    subnet6: [{
      id: 1,
      subnet: "fd77:1::/32",
      pools: [{ pool: "fd77:1:0:1::/64" }],
      "pd-pools": [{ prefix: "fd78::", "prefix-len": 24, "delegated-len": 56 }],
      interface: interfaceName,
      // Only for relays that send from this address, as perfdhcp does.
      relay: { "ip-addresses": [ADDRESSES6.client] },
      "rapid-commit": true,
    }],
  };
}
