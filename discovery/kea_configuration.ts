/**
 * What a running Kea was configured with: the file that its command line names, with the comments
 * that Kea allows.
 *
 * @module
 */

import { dirname, resolve } from "node:path";
import { DiscoveryError } from "./discovery_error.ts";
import type { Databases, DatabaseType } from "./types.ts";

const DATABASE_TYPES = ["mysql", "postgresql"] as const satisfies readonly DatabaseType[];

/** The parts of a configuration that somebody here asks for; all may be missing. */
export interface DhcpConfiguration {
  readonly "interfaces-config"?: {
    readonly interfaces?: readonly string[];
    readonly "dhcp-socket-type"?: string;
  };
  readonly "control-socket"?: { readonly "socket-name"?: string };
  readonly "control-sockets"?: readonly {
    readonly "socket-type"?: string;
    readonly "socket-name"?: string;
  }[];
  readonly "lease-database"?: {
    readonly type?: string;
    readonly name?: string;
    readonly host?: string;
    readonly port?: number;
    readonly persist?: boolean;
  };
  readonly "hosts-database"?: { readonly type?: string };
  readonly "hosts-databases"?: readonly { readonly type?: string }[];
  readonly "config-control"?: {
    readonly "config-databases"?: readonly { readonly type?: string }[];
  };
  readonly "hooks-libraries"?: readonly { readonly library?: string }[];
  readonly "shared-networks"?: readonly { readonly [subnets: string]: unknown }[];
  readonly subnet4?: readonly SubnetConfiguration[];
  readonly subnet6?: readonly SubnetConfiguration[];
}

/** A subnet, as far as somebody here asks. */
export interface SubnetConfiguration {
  readonly id?: number;
  readonly subnet: string;
  readonly pools?: readonly { readonly pool: string }[];
  readonly relay?: { readonly "ip-addresses"?: readonly string[] };
}

/** A configuration and where it is. */
export interface FoundConfiguration {
  /** The file, as the server names it. */
  readonly path: string;
  /** The same file from here: the server may have another root. */
  readonly pathFromHere: string;
  readonly dhcp: DhcpConfiguration;
}

/**
 * Reads the configuration file of a running server.
 *
 * @throws {DiscoveryError} when its command line names none, or the file cannot be read or parsed.
 */
export async function configurationOf(pid: number, family: 4 | 6): Promise<FoundConfiguration> {
  const path = await configurationPath(pid);
  const root = `/proc/${pid}/root`;
  try {
    const text = await withIncludes(root, path);
    const json = JSON.parse(withoutComments(text)) as Record<string, DhcpConfiguration>;
    const dhcp = json[`Dhcp${family}`];
    if (dhcp === undefined) throw new Error(`it has no Dhcp${family}`);
    return { path, pathFromHere: `${root}${path}`, dhcp };
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/ \(os error.*/s, "") : error;
    throw new DiscoveryError(`Cannot read the configuration "${path}" (${why})`);
  }
}

/** The SQL databases that a running server is configured for, as far as that can be read. */
export async function databasesOf(pid: number, family: 4 | 6): Promise<Databases> {
  const found = await configurationOf(pid, family).catch((error) => {
    if (error instanceof DiscoveryError || error instanceof Deno.errors.NotFound) return null;
    throw error;
  });
  if (found === null) return { leases: null, others: DATABASE_TYPES };
  const { dhcp } = found;
  const leases = dhcp["lease-database"]?.type;
  const others = [
    dhcp["hosts-database"],
    ...dhcp["hosts-databases"] ?? [],
    ...dhcp["config-control"]?.["config-databases"] ?? [],
  ].map((database) => database?.type);
  return {
    leases: DATABASE_TYPES.find((type) => type === leases) ?? null,
    others: DATABASE_TYPES.filter((type) => others.includes(type)),
  };
}

/** The file that a server's command line names. */
export async function configurationPath(pid: number): Promise<string> {
  const args = (await Deno.readTextFile(`/proc/${pid}/cmdline`)).split("\0");
  const at = args.findIndex((arg) => arg.startsWith("-c"));
  const path = args[at] === "-c" ? args[at + 1] : args[at]?.slice(2);
  if (at < 0 || path === undefined || path === "") {
    throw new DiscoveryError(`Cannot find the configuration of process ${pid}: it has no -c`);
  }
  return resolve(await Deno.readLink(`/proc/${pid}/cwd`).catch(() => "/"), path);
}

/** The control socket that a configuration names, from here; null where there is none. */
export function controlSocketIn({ dhcp }: FoundConfiguration, pid: number): string | null {
  const name = dhcp["control-socket"]?.["socket-name"] ??
    dhcp["control-sockets"]?.find((socket) => socket["socket-type"] === "unix")?.["socket-name"];
  if (name === undefined) return null;
  // Kea 3 puts sockets into this folder.
  return `/proc/${pid}/root${name.startsWith("/") ? name : `/run/kea/${name}`}`;
}

/** All subnets, those of shared networks too. */
export function subnetsIn(dhcp: DhcpConfiguration, family: 4 | 6): SubnetConfiguration[] {
  const name = `subnet${family}` as const;
  const shared = (dhcp["shared-networks"] ?? []).flatMap((network) =>
    (network[name] ?? []) as SubnetConfiguration[]
  );
  return [...dhcp[name] ?? [], ...shared];
}

/** Replaces each `<?include "file"?>` by the file. */
async function withIncludes(root: string, path: string, depth = 0): Promise<string> {
  const text = await Deno.readTextFile(`${root}${path}`);
  let whole = "";
  let from = 0;
  for (const include of text.matchAll(/<\?include\s+"([^"]+)"\s*\?>/g)) {
    if (depth === 10) throw new Error("it includes files ten times deep");
    const other = resolve(dirname(path), include[1]!);
    whole += text.slice(from, include.index) + await withIncludes(root, other, depth + 1);
    from = include.index + include[0].length;
  }
  return whole + text.slice(from);
}

/** JSON of what Kea takes for JSON: `#`, `//` and block comments, and commas behind the last. */
export function withoutComments(text: string): string {
  const parts =
    /"(?:[^"\\]|\\.)*"|#[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\/|,(?=\s*(?:(?:#[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\/)\s*)*[}\]])/g;
  return text.replaceAll(parts, (part) => part.startsWith('"') ? part : " ");
}
