/**
 * The metrics document, made from a capture. Schema `kea-metrics/1`.
 *
 * @module
 */

import { z } from "zod";
import { QUANTILES } from "./histogram.ts";
import { setup } from "./server_setup.ts";

const number = z.union(
  [z.number(), z.string().regex(/^-?\d+$/)],
  "expected a number, or an integer in quotes",
)
  .describe("A string if it is an integer beyond 2^53");
const integer = z.union(
  [z.int(), z.string().regex(/^-?\d+$/)],
  "expected an integer, in quotes beyond 2^53",
)
  .describe("A string if it is beyond 2^53");
const identity = {
  metric: z.string(),
  family: z.union([z.literal(4), z.literal(6)]).nullable()
    .describe("DHCP family; null if it is not known"),
  labels: z.record(z.string(), z.string()),
  unit: z.string().describe("Empty if it is not known"),
};

const histogram = z.object({
  ...identity,
  kind: z.literal("histogram"),
  count: z.int().nonnegative(),
  sum: integer.nullable().describe("null if the source has none"),
  min: z.number(),
  max: z.number(),
  exact: z.boolean()
    .describe("Whether min and max are values that occurred; else they are outer buckets' bounds"),
  buckets: z.array(z.object({ lower: z.number(), upper: z.number(), count: z.int().positive() }))
    .min(1)
    .describe("Log-linear, ascending; lower bound inclusive, upper exclusive"),
  quantiles: z.array(z.object({
    q: z.number().min(0).max(1),
    value: z.number(),
    lower: z.number(),
    upper: z.number(),
    open: z.enum(["lower", "upper"]).optional()
      .describe("The missing bound of the bucket: then the value is the other one"),
  })).refine(
    (quantiles) => QUANTILES.every((q) => quantiles.some((each) => each.q === q)),
    `expected the quantiles ${QUANTILES.join(", ")}`,
  ).describe(
    "By nearest rank: the bucket that holds it, and its middle, or its only integer, as its value",
  ),
});

const counter = z.object({ ...identity, kind: z.literal("counter"), value: number });

const gauge = z.object({
  ...identity,
  kind: z.literal("gauge"),
  value: z.number(),
  min: z.number(),
  max: z.number(),
  mean: z.number(),
});

const series = z.discriminatedUnion("kind", [histogram, counter, gauge]);
const window = z.object({
  start: z.iso.datetime(),
  end: z.iso.datetime(),
  watched_seconds: z.number().nonnegative().optional()
    .describe("How much of it was watched; absent if all of it was"),
  series: z.array(series),
});
const perPacket = z.number().nullable();
const foreign = <T extends z.ZodType>(type: T) =>
  type.nullable().describe("null if bpftrace itself printed the input, which does not have it");

const packets = z.int().nonnegative();
const client = packets.nullable().describe("null if it is not known what clients sent");
const ledger = z.object({
  offered: client,
  from_other_clients: client,
  kernel_dropped: packets.describe("Before Kea, at its sockets"),
  received: packets.describe("Datagrams that Kea read"),
  not_watched_seconds: z.number().positive().optional()
    .describe("How long no probe was attached; absent if all was watched"),
  not_seen: client.optional()
    .describe("Sent in that time, if the client sent evenly; null if not known"),
  answers_not_seen: packets.optional()
    .describe("Answers that the client received to those; absent for none"),
  requests_not_seen: packets.optional()
    .describe("Answers more than requests: to those before the first window; absent for none"),
  refused: z.record(z.string(), packets).describe("Not answered, by reason"),
  pending: packets.optional()
    .describe("No answer when the watch ended or was interrupted; absent for none"),
  no_answer_expected: packets.describe("DHCPRELEASE and DHCPDECLINE have no answer"),
  answered: z.record(z.string(), packets).describe("By the type of the answer"),
  client_dropped: client,
  answered_others: client,
  ignored_by_client: packets.optional()
    .describe("DHCPNAKs, which perfdhcp does not count; absent for none"),
  received_by_client: client,
  without_lease: packets.optional()
    .describe("Of those, the ones without an address or a prefix; absent for none"),
  unexplained: packets.nullable()
    .describe("null if only the probes counted: there is nothing to compare their counts with"),
}).describe("Where every packet went; it adds up, except for what is unexplained");

const slow = z.object({
  threshold_ns: z.number(),
  packets: z.array(z.object({
    time: z.iso.datetime().describe("When it was answered"),
    message: z.string(),
    answer: z.string(),
    duration_ns: z.number(),
    transaction: z.string().describe("Transaction id, hexadecimal; hashed in a redacted run"),
    client: z.string().describe("Hardware address, or the end of the DUID; hashed if redacted"),
    stages: z.record(z.string(), z.number()).describe("Nanoseconds by stage"),
    waits: z.record(z.string(), z.number()).optional()
      .describe("Nanoseconds running and waiting, by cause; absent if not measured"),
  })),
  omitted: packets.describe("As slow, but too many to be listed one by one"),
}).describe("Packets that took longer than the threshold, the slowest first");

const document = z.object({
  schema: z.literal("kea-metrics/1"),
  server: z.object({
    family: z.union([z.literal(4), z.literal(6)]).optional(),
    pid: z.int().optional(),
    version: z.string().optional(),
    executable: z.string().optional(),
    host: z.string().optional(),
    setup: setup.optional().describe("How the server was set up when the watch began"),
  }),
  capture: z.object({
    profile: foreign(z.string()),
    bpftrace: z.string().optional().describe("Its version; absent if it is not known"),
    started: foreign(z.iso.datetime()),
    ended: foreign(z.iso.datetime()),
    duration_seconds: foreign(z.number()),
    watched_seconds: z.number().nonnegative().optional()
      .describe(
        "How much of it was watched: rates are of these seconds; absent if all of it was",
      ),
    interval_seconds: foreign(z.number()),
    verdict: z.enum(["COMPLETE", "PARTIAL"]),
    reasons: z.array(z.string()),
    not_available: z.array(z.object({ metric: z.string(), why: z.string() })),
    cost: z.object({
      bpf_seconds: z.number(),
      hits: z.number(),
      bpf_us_per_packet: perPacket,
      hits_per_packet: perPacket,
      server_cpu_us_per_packet: perPacket,
      monitor_cpu_ratio: z.number().describe("Of the monitor and bpftrace; 1 is one core"),
      monitor_memory_bytes: z.number(),
    }).nullable().describe("Monitoring overhead; per packet means per received packet"),
  }),
  windows: z.array(window),
  totals: z.array(series),
  ledger: ledger.optional(),
  slow: slow.optional(),
  printed: z.object({ lines: z.int().nonnegative(), newest: z.array(z.string()) }).optional()
    .describe("Lines that the program of a foreign input printed: how many, and the newest"),
});

/** A document. */
export type MetricsDocument = z.infer<typeof document>;
/** Where every packet went. */
export type Ledger = z.infer<typeof ledger>;
/** One interval of a capture. */
export type Window = z.infer<typeof window>;
/** One metric with one set of labels. */
export type Series = z.infer<typeof series>;
/** A series of kind histogram. */
export type HistogramSeries = z.infer<typeof histogram>;

/** One slow packet. */
export type ListedPacket = NonNullable<MetricsDocument["slow"]>["packets"][number];

/** A run's measurements and their cost; see {@linkcode MetricsDocument}. */
export type Cost = NonNullable<MetricsDocument["capture"]["cost"]>;

/** A document breaks its schema. */
export class DocumentError extends Error {
  override name = "DocumentError";
}

/**
 * Checks a parsed document.
 *
 * @throws {DocumentError} that names the first violation of the schema.
 */
export function parseDocument(json: unknown): MetricsDocument {
  const result = document.safeParse(json);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  throw new DocumentError(`Cannot read the metrics document: ${path.join(".")}: ${message}`);
}

/**
 * The JSON Schema of documents, as in `metrics.schema.json`. It allows unknown fields, like
 * {@linkcode parseDocument}: a later version of the toolkit may add some.
 */
export function jsonSchema(): unknown {
  return {
    title: "Kea metrics document, kea-metrics/1",
    ...z.toJSONSchema(document, { io: "input" }),
  };
}
