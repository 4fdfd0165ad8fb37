/**
 * What discovery tells about a server: the process, the files it maps, and the proven sites in them.
 *
 * @module
 */

/** DHCP family: 4 for kea-dhcp4, 6 for kea-dhcp6. */
export type Family = 4 | 6;

/** An ELF file that the server maps, identified so that it can be told from a replaced one. */
export interface MappedFile {
  /** Path as /proc/PID/maps shows it, without a trailing " (deleted)". */
  readonly path: string;
  /** Path that opens the very file the process maps: /proc/PID/exe or /proc/PID/map_files/RANGE. */
  readonly pinnedPath: string;
  /** Device as "major:minor" in hexadecimal, as in /proc/PID/maps. */
  readonly device: string;
  readonly inode: number;
  /** GNU build id in hexadecimal; null where the file carries none. */
  readonly buildId: string | null;
  /** True when the path no longer leads to the mapped inode: the package was replaced meanwhile. */
  readonly replaced: boolean;
}

/** A Kea program with its libraries: as a process maps them, or as they are installed. */
export interface Program {
  /** Null when it is not running. */
  readonly pid: number | null;
  readonly family: Family;
  readonly executable: MappedFile;
  /** Libraries, the executable not among them. */
  readonly libraries: readonly MappedFile[];
  readonly databases: Databases;
}

/** A SQL database as Kea's configuration names it. */
export type DatabaseType = "mysql" | "postgresql";

/** The SQL databases that a server uses. */
export interface Databases {
  /** Where leases are; null without SQL. */
  readonly leases: DatabaseType | null;
  /** Where hosts and configuration are. */
  readonly others: readonly DatabaseType[];
  /**
   * Why the configuration could not be read: then these are the databases whose client libraries the
   * server maps. Absent where it was read.
   */
  readonly whyAssumed?: string;
}

/** A running Kea server as the kernel shows it. */
export interface Server extends Program {
  readonly pid: number;
  /** As `kea-dhcp4 -v` prints it: "2.2.0". */
  readonly version: string;
  readonly host: string;
  /** Start of the process in clock ticks since boot (/proc/PID/stat field 22): pid and this identify it. */
  readonly startTicks: number;
  /** Where it receives DHCP: packet sockets, UDP sockets, or none found. */
  readonly sockets: readonly ("raw" | "udp")[];
  /** The memfile lease file it holds open for appending; null without one. */
  readonly leaseFile: { readonly path: string; readonly fd: number } | null;
  /** Threads at the time of looking. */
  readonly threads: number;
  /** Hook libraries it maps, by path. */
  readonly hookLibraries: readonly string[];
}

/** How the kernel executes the displaced instruction of a uprobe: in place of it, or out of line. */
export type InstructionClass = "emulated" | "single-stepped";

/** Why an address may be probed: each link was checked against the file that the process maps. */
export interface SiteProof {
  /** Null where the file carries none: device, inode and bytes identify it. */
  readonly buildId: string | null;
  readonly device: string;
  readonly inode: number;
  /** Bounds of the function that holds the site: [start, end), from .eh_frame or a symbol. */
  readonly function: {
    readonly start: number;
    readonly end: number;
    readonly from: "eh_frame" | "symbol";
  };
  /** Bytes that stand at the address in the file, hexadecimal. */
  readonly bytes: string;
  /** The instruction as objdump prints it. */
  readonly instruction: string;
  /** Symbol to which the call's target resolves by relocation, for call sites and their ends. */
  readonly target: string | null;
}

/** One address in one mapped file, with its proof. Made by `proveSites()` alone. */
export interface Site {
  /** What it stands for: "allocation.start", "log.warn", "statistics.drop.3". Unique in a plan. */
  readonly id: string;
  readonly file: MappedFile;
  /** ELF virtual address, as objdump shows it. */
  readonly address: number;
  /** Exported symbol whose first instruction this is; null when it is not an entry. */
  readonly symbol: string | null;
  /** Exported symbol of the function in whose entry block this stands; null elsewhere. */
  readonly entrySymbol: string | null;
  readonly class: InstructionClass;
  readonly proof: SiteProof;
  /** Forecast of hits per packet on an ordinary server; 0 for sites of errors. */
  readonly hitsPerPacket: number;
  /** What its program needs to know of the code around it, by the program's words. */
  readonly facts?: Readonly<Record<string, string>>;
}

/** A site that could not be had, and why, in words for people. */
export interface Refusal {
  readonly id: string;
  readonly why: string;
  /** The server was built or set up so that there is no such site: nothing is lost that could be had. */
  readonly inherent?: true;
}

/** All that was found for one server. */
export interface SiteSearch {
  readonly sites: readonly Site[];
  readonly refusals: readonly Refusal[];
}
