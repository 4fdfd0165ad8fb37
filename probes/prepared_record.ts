/**
 * What the child that prepares is asked, and what it answers: JSON.
 *
 * @module
 */

import { z } from "zod";
import type { MappedFile, Server } from "../discovery/types.ts";
import type { Site } from "../discovery/sites/types.ts";
import { METRIC_NAMES } from "../metrics/metric_names.ts";
import { GROUPINGS } from "./packet_counting.ts";
import { EDGES, type Plan, type PlannedSource } from "./plan.ts";
import { PROFILES, PROVISIONS } from "./programs.ts";

const strings = z.array(z.string()).readonly();
const database = z.enum(["mysql", "postgresql"]);

const mappedFile: z.ZodType<MappedFile> = z.object({
  path: z.string(),
  pinnedPath: z.string(),
  device: z.string(),
  inode: z.int(),
  buildId: z.string().nullable(),
  replaced: z.boolean(),
});

/** A server, as `describeServer()` gives it. */
export const SERVER: z.ZodType<Server> = z.object({
  pid: z.int().positive(),
  family: z.union([z.literal(4), z.literal(6)]),
  executable: mappedFile,
  libraries: z.array(mappedFile),
  databases: z.object({
    leases: database.nullable(),
    others: z.array(database),
    whyAssumed: z.string().exactOptional(),
  }),
  version: z.string(),
  host: z.string(),
  startTicks: z.int(),
  sockets: z.array(z.enum(["raw", "udp"])),
  leaseFile: z.object({ path: z.string(), fd: z.int() }).nullable(),
  threads: z.int(),
  cpus: z.int(),
  workerThreads: z.int().nullable(),
  debugLoggers: strings.nullable(),
  hookLibraries: strings,
});

const site: z.ZodType<Site> = z.object({
  id: z.string(),
  file: mappedFile,
  address: z.int(),
  symbol: z.string().nullable(),
  entrySymbol: z.string().nullable(),
  class: z.enum(["emulated", "single-stepped"]),
  proof: z.object({
    buildId: z.string().nullable(),
    device: z.string(),
    inode: z.int(),
    function: z.object({
      start: z.int(),
      end: z.int(),
      from: z.enum(["eh_frame", "symbol"]),
    }),
    bytes: z.string(),
    instruction: z.string(),
    target: z.string().nullable(),
  }),
  hitsPerPacket: z.number(),
  facts: z.record(z.string(), z.string()).exactOptional(),
});

const source: z.ZodType<PlannedSource> = z.object({
  file: z.string(),
  metrics: z.array(z.enum(METRIC_NAMES)),
  maps: strings,
  provides: z.enum(PROVISIONS).nullable(),
  sites: z.array(site),
  forecast: z.number(),
});

const plan: z.ZodType<Omit<Plan, "server">> = z.object({
  profile: z.enum(PROFILES),
  sources: z.array(source),
  forecast: z.number(),
  budget: z.number(),
  notAvailable: z.array(z.object({ metric: z.string(), why: z.string() })),
  losses: strings,
  receiveCall: z.enum(["read", "recvmsg"]),
  edges: z.enum(EDGES),
});

/** A map as JSON. */
const code = z.array(z.tuple([z.int(), z.int()])).readonly();

/** The child describes a server, prepares its program with the symbol files in a folder, or examines it. */
export const REQUEST = z.union([
  z.object({ describe: z.int().positive() }),
  z.object({ codeBefore: z.int().positive(), sites: z.array(site).readonly() }),
  z.object({ misplaced: z.int().positive(), sites: z.array(site).readonly(), before: code }),
  z.object({ functionsOf: z.string() }),
  z.object({
    symbols: z.string(),
    request: z.object({
      server: SERVER,
      profile: z.enum(PROFILES),
      bpftrace: z.object({ command: strings, version: z.string() }),
      intervalMs: z.number(),
      slowNs: z.number(),
      counting: z.object({ top: z.boolean(), by: z.enum(GROUPINGS).nullable() }).exactOptional(),
      leftOut: z.array(z.tuple([z.string(), z.string()])),
    }),
  }),
]);

/** What the child is asked. */
export type ChildRequest = z.input<typeof REQUEST>;

/** What differs in the server's code. */
export const CODE = code.nullable();

/** Which probes are not as planned. */
export const MISPLACED = z.object({ why: z.string(), missing: strings }).nullable();

/** Functions of a file. */
export const FUNCTIONS = z.array(
  z.object({ name: z.string(), address: z.number(), size: z.number() }),
).readonly();

/** What it prepared: numbers above 2^53 are text, and Kea's counters are made anew by the parent. */
export const PREPARED = z.object({
  plan,
  rendered: z.object({ program: z.string(), probes: z.int(), maps: strings }),
  wallClock: z.string().regex(/^-?\d+$/),
  hookPoints: strings,
  statements: z.record(z.string(), strings),
  hasCounters: z.boolean(),
});

/** What the child answers, if it prepared a program. */
export type ChildAnswer = z.input<typeof PREPARED>;
