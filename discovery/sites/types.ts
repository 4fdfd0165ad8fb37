/**
 * Sites: addresses that may be probed, why they may, and what could not be had.
 *
 * @module
 */

import type { InstructionClass } from "../code/disassembly.ts";
import type { MappedFile } from "../types.ts";

/** What a search may look for: each costs time, so a plan asks for what its profile needs. */
export type SiteGroup =
  | "exceptions"
  | "allocation"
  | "log"
  | "statistics"
  | "lease_manager"
  | "callouts"
  | "postgresql"
  | "mariadb"
  | "stages";

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
