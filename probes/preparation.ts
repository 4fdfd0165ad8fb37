/**
 * How a watch gets to know a server and what to attach: in this process, or in a child. The child's memory is free
 * again when it has ended, and it is killed when a file of the server hangs.
 *
 * @module
 */

import type { HeldServer } from "../discovery/held_files.ts";
import type { ElfSymbol } from "../discovery/code/elf.ts";
import type { Site } from "../discovery/sites/types.ts";
import type { Server } from "../discovery/types.ts";
import type { Bpftrace } from "./bpftrace.ts";
import type { ChangedCode, Misplaced } from "./breakpoint_check.ts";
import type { PacketCounting } from "./packet_counting.ts";
import type { LeftOut, Plan } from "./plan.ts";
import type { Profile } from "./programs.ts";
import type { RefusalCounters } from "./refusal_counters.ts";
import type { Rendered } from "./render.ts";
import type { Statements } from "./statement_names.ts";

/** What is to be attached to a server. */
export interface PreparationRequest {
  readonly server: Server;
  readonly profile: Profile;
  readonly bpftrace: Bpftrace;
  /** Time between two readings of the maps, milliseconds. */
  readonly intervalMs: number;
  /** Packets that take longer are reported one by one, nanoseconds; 0 for none. */
  readonly slowNs: number;
  /** What is counted of each packet beyond the profile; nothing without it. */
  readonly counting?: PacketCounting;
  /** Programs that failed to attach to this server before. */
  readonly leftOut: LeftOut;
}

/** A plan and its program. Disposing removes the private symbol files. */
export interface Prepared extends AsyncDisposable {
  readonly plan: Plan;
  readonly rendered: Rendered;
  /** The program's offset to the wall clock, see `wallClockOffset()`; 0: none. */
  readonly wallClock: bigint;
  /** Folder of private symbol files for bpftrace. */
  readonly symbols: string;
  /** Hook points by number; empty if unknown or if no callout is watched. */
  readonly hookPoints: readonly string[];
  /** Statements of MariaDB's client; empty if not watched. */
  readonly statements: Statements;
  /** Kea's own counters, if they replace a program. */
  readonly counters: RefusalCounters | null;
}

/** Describes servers and prepares programs. */
export interface Preparation {
  /**
   * Describes a running server.
   *
   * @throws {DiscoveryError} when there is no such process, or it cannot be read.
   */
  describe(pid: number): Promise<Server>;

  /** Plans and renders for a server; every site is verified, in files that the caller holds until it is detached. */
  prepare(request: PreparationRequest & { readonly server: HeldServer }): Promise<Prepared>;

  /** The server's code before probes are attached; null when it is gone. See `codeBefore()`. */
  codeBefore(pid: number, sites: readonly Site[]): Promise<ChangedCode | null>;

  /** Which probes are not as planned; null for none. See `misplacedProbes()`. */
  misplaced(pid: number, sites: readonly Site[], before: ChangedCode): Promise<Misplaced | null>;

  /** The functions that a file of a server exports. */
  functionsOf(pid: number, path: string): Promise<readonly ElfSymbol[]>;
}
