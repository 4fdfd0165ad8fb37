/**
 * Sites: addresses that may be probed, their proof, and refusals.
 *
 * @module
 */

import type { InstructionClass } from "../code/disassembly.ts";
import type { MappedFile } from "../types.ts";

/** The groups of sites: each search costs time, so a plan requests only what its profile needs. */
export type SiteGroup =
  | "exceptions"
  | "allocation"
  | "log"
  | "statistics"
  | "lease_file"
  | "lease_manager"
  | "callouts"
  | "postgresql"
  | "mariadb"
  | "stages";

/** Why an address may be probed: each part was verified in the file that the process has mapped. */
export interface SiteProof {
  /** Null if the file has none: then device, inode and bytes identify it. */
  readonly buildId: string | null;
  readonly device: string;
  readonly inode: number;
  /** Bounds of the site's function: [start, end), from .eh_frame or a symbol. */
  readonly function: {
    readonly start: number;
    readonly end: number;
    readonly from: "eh_frame" | "symbol";
  };
  /** Bytes at the address in the file, hexadecimal. */
  readonly bytes: string;
  /** The instruction as objdump prints it. */
  readonly instruction: string;
  /** Symbol to which the call's target resolves by relocation, for call sites and their ends. */
  readonly target: string | null;
}

/** One address in one mapped file, with its proof. Only `proveSites()` makes it. */
export interface Site {
  /** Its meaning: "allocation.start", "log.warn", "statistics.drop.3". Unique in a plan. */
  readonly id: string;
  readonly file: MappedFile;
  /** ELF virtual address, as objdump shows it. */
  readonly address: number;
  /** Exported symbol whose first instruction this is; null when it is not an entry. */
  readonly symbol: string | null;
  /** Exported symbol of the function in whose entry block this is; null elsewhere. */
  readonly entrySymbol: string | null;
  readonly class: InstructionClass;
  readonly proof: SiteProof;
  /** Forecast of hits per packet on an ordinary server; 0 for sites of errors. */
  readonly hitsPerPacket: number;
  /** Facts about the code around it, by the names that its program uses. */
  readonly facts?: Readonly<Record<string, string>>;
}

/** A site that is not available, and why, for people. */
export interface Refusal {
  readonly id: string;
  readonly why: string;
  /** The server has no such site by its build or setup, so nothing is lost. */
  readonly inherent?: true;
}

/** All sites and refusals of one server. */
export interface SiteSearch {
  readonly sites: readonly Site[];
  readonly refusals: readonly Refusal[];
}
