/**
 * The description of a server: the process, the files it maps, and its databases.
 *
 * @module
 */

import type { Family, SocketKind } from "../metrics/dhcp.ts";

export type { Family, SocketKind };

/** An ELF file that the server maps, with its identity, to detect a replaced file. */
export interface MappedFile {
  /** Path as /proc/PID/maps shows it, without a trailing " (deleted)". */
  readonly path: string;
  /**
   * Path that opens the mapped file, whatever its own path leads to: /proc/PID/exe or /proc/PID/map_files/RANGE, as
   * long as the process maps it; of a `HeldServer`, a descriptor.
   */
  readonly pinnedPath: string;
  /** Device as "major:minor" in hexadecimal, as in /proc/PID/maps. */
  readonly device: string;
  readonly inode: number;
  /** GNU build id in hexadecimal; null if the file has none. */
  readonly buildId: string | null;
  /** True when the path no longer leads to the mapped inode: the package has been replaced. */
  readonly replaced: boolean;
}

/** A Kea program with its libraries: as a process maps them, or as they are installed. */
export interface Program {
  /** Null when it is not running. */
  readonly pid: number | null;
  readonly family: Family;
  readonly executable: MappedFile;
  /** Libraries, without the executable. */
  readonly libraries: readonly MappedFile[];
  readonly databases: Databases;
}

/** A SQL database, as named in Kea's configuration. */
export type DatabaseType = "mysql" | "postgresql";

/** The SQL databases that a server uses. */
export interface Databases {
  /** Where leases are; null without SQL. */
  readonly leases: DatabaseType | null;
  /** Where hosts and configuration are. */
  readonly others: readonly DatabaseType[];
  /**
   * Why the configuration could not be read; then these are the databases whose client libraries the server
   * maps. Absent if it was read.
   */
  readonly whyAssumed?: string;
}

/** A running Kea server, as the kernel shows it. */
export interface Server extends Program {
  readonly pid: number;
  /** As `kea-dhcp4 -v` prints it: "2.2.0". */
  readonly version: string;
  readonly host: string;
  /** Start of the process in clock ticks since boot (/proc/PID/stat field 22): pid and this identify it. */
  readonly startTicks: number;
  /** Where it receives DHCP: packet sockets, UDP sockets, or none found. */
  readonly sockets: readonly SocketKind[];
  /** The memfile lease file that it has open for appending; null without one. */
  readonly leaseFile: { readonly path: string; readonly fd: number } | null;
  /** Threads, when it was described. */
  readonly threads: number;
  /** Those that serve packets, by its configuration: 0 for a single-threaded one; null if they are not known. */
  readonly workerThreads: number | null;
  /** CPUs that it may run on, by its affinity. */
  readonly cpus: number;
  /** Loggers with severity DEBUG, by name; null if its configuration could not be read. */
  readonly debugLoggers: readonly string[] | null;
  /** Hook libraries it maps, by path. */
  readonly hookLibraries: readonly string[];
}
