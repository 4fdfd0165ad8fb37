/**
 * The parts of a DHCP server's configuration that we use, in Kea's own shapes.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { z } from "zod";
import { DiscoveryError } from "../discovery_error.ts";
import { listOf } from "../list_of.ts";
import type { Family } from "../types.ts";

/** Kea handles only bytes; files and `config-get` give each byte as one character. */
const text = z.string().transform(utf8);

const subnet = z.object({
  id: z.number().optional(),
  subnet: text,
  interface: text.optional(),
  pools: listOf(z.object({ pool: text })).optional(),
  relay: z.object({ "ip-addresses": listOf(text).optional() }).optional(),
});

const subnets = listOf(subnet).optional();

const controlSocket = z.object({
  "socket-type": text.optional(),
  "socket-name": text.optional(),
  "socket-address": text.optional(),
  "socket-port": z.number().optional(),
});

const database = z.object({
  type: text.optional(),
  name: text.optional(),
  host: text.optional(),
  port: z.number().optional(),
  persist: z.boolean().optional(),
});

const dhcp = z.object({
  "interfaces-config": z.object({
    interfaces: listOf(text).optional(),
    "dhcp-socket-type": text.optional(),
  }).optional(),
  "control-socket": controlSocket.optional(),
  "control-sockets": listOf(controlSocket).optional(),
  "lease-database": database.optional(),
  "hosts-database": database.optional(),
  "hosts-databases": listOf(database).optional(),
  "config-control": z.object({ "config-databases": listOf(database).optional() }).optional(),
  "hooks-libraries": listOf(z.object({ library: text.optional() })).optional(),
  "multi-threading": z.object({
    "enable-multi-threading": z.boolean().optional(),
    "thread-pool-size": z.number().optional(),
  }).optional(),
  loggers: listOf(z.object({ name: text.optional(), severity: text.optional() })).optional(),
  "shared-networks": listOf(z.object({ subnet4: subnets, subnet6: subnets })).optional(),
  subnet4: subnets,
  subnet6: subnets,
});

/** The used parts of one DHCP server's configuration; all may be missing. */
export type DhcpConfiguration = z.infer<typeof dhcp>;

/** The names in values of a type, at any depth. */
type NameIn<T> = T extends readonly unknown[] ? NameIn<T[number]>
  : T extends object ? { [Name in keyof T & string]-?: Name | NameIn<T[Name]> }[keyof T & string]
  : never;

/** Every name that we read, with the one that has taken its place in newer versions; null if it has not changed. */
export const NAMES: Readonly<Record<NameIn<DhcpConfiguration>, string | null>> = {
  "interfaces-config": null,
  interfaces: null,
  "dhcp-socket-type": null,
  "control-socket": "control-sockets",
  "control-sockets": null,
  "socket-type": null,
  "socket-name": null,
  "socket-address": null,
  "socket-port": null,
  "lease-database": null,
  "hosts-database": "hosts-databases",
  "hosts-databases": null,
  "config-control": null,
  "config-databases": null,
  type: null,
  name: null,
  host: null,
  port: null,
  persist: null,
  "hooks-libraries": null,
  library: null,
  "multi-threading": null,
  "enable-multi-threading": null,
  "thread-pool-size": null,
  loggers: null,
  severity: null,
  "shared-networks": null,
  subnet4: null,
  subnet6: null,
  id: null,
  subnet: null,
  interface: null,
  pools: null,
  pool: null,
  relay: null,
  "ip-addresses": null,
};

/** A subnet. */
export type SubnetConfiguration = z.infer<typeof subnet>;

/** A control socket as a configuration describes it. */
export type ControlSocketConfiguration = z.infer<typeof controlSocket>;

/**
 * Checks a configuration for one family.
 *
 * @param values the whole of it: `{"Dhcp4": {...}}`.
 * @throws {DiscoveryError} when it has nothing for this family, or a part has an unexpected shape.
 */
export function dhcpConfigurationIn(values: unknown, family: Family): DhcpConfiguration {
  const result = z.object({ [`Dhcp${family}`]: dhcp }).safeParse(values);
  if (result.success) return result.data[`Dhcp${family}`]!;
  const { path, message } = result.error.issues[0]!;
  // Only our own names and list positions, nothing from the file.
  throw new DiscoveryError(`${path.join(".") || "the whole"}: ${message}`);
}

/** All subnets, including those of shared networks. */
export function subnetsIn(dhcp: DhcpConfiguration, family: Family): SubnetConfiguration[] {
  const name = `subnet${family}` as const;
  return [
    ...dhcp[name] ?? [],
    ...(dhcp["shared-networks"] ?? []).flatMap((network) => network[name] ?? []),
  ];
}

/** All control sockets that a configuration names: one until Kea 2.6, a list since 2.7.2. */
export function controlSocketsIn(dhcp: DhcpConfiguration): ControlSocketConfiguration[] {
  const one = dhcp["control-socket"];
  return [...one === undefined ? [] : [one], ...dhcp["control-sockets"] ?? []];
}

/** Bytes that are one character each, decoded as UTF-8; unchanged if they are not UTF-8. */
export function utf8(bytes: string): string {
  if (!/[\x80-\xff]/.test(bytes)) return bytes;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(bytes, "latin1"));
  } catch {
    return bytes;
  }
}
