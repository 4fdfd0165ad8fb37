/**
 * Watches one server until its time is over, it ends or somebody says stop: plans, attaches, reads,
 * and yields the records of a capture. What goes wrong becomes a note in it, and the rest goes on.
 *
 * @module
 */

import type { CaptureRecord, Sample, ServerFacts } from "../metrics/capture.ts";
import { recheckAll } from "../discovery/recheck.ts";
import { describeServer, DiscoveryError, findServers } from "../discovery/servers.ts";
import type { Server } from "../discovery/types.ts";
import { type Bpftrace, BpftraceError } from "./bpftrace.ts";
import { demangleTypes } from "./exception_names.ts";
import type { Plan } from "./plan.ts";
import { readCost } from "./price.ts";
import { type Maps, ProbeRun } from "./probe_run.ts";
import { prepare, type Prepared } from "./prepare.ts";
import { ServerSampler } from "./server_sample.ts";
import type { Profile } from "./sources.ts";

/** What to watch, and for how long. */
export interface WatchOptions {
  readonly server: Server;
  readonly profile: Profile;
  readonly bpftrace: Bpftrace;
  /** Length of a window, milliseconds. */
  readonly intervalMs: number;
  /** Milliseconds from the moment that every probe is attached. */
  readonly durationMs: number;
  readonly signal: AbortSignal;
  /** Told what happens, for people: one line each. */
  readonly say: (line: string) => void;
}

/** How long a server that ended may take to come back. */
const RESTART_GRACE_MS = 15_000;
