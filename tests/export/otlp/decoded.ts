/** Decodes OTLP with a kept library, for tests. */

import protobuf from "protobufjs";

const { root } = protobuf.parse(
  await Deno.readTextFile(new URL("metrics.proto", import.meta.url)),
  { keepCase: true },
);

/** Texts of integers of 64 bits, because they may be beyond 2^53. */
type Whole = string;

/** A name and a text. */
interface KeyValue {
  readonly key: string;
  readonly value: { readonly string_value: string };
}

/** A data point of any kind: it has the fields of its kind alone. */
export interface Point {
  readonly attributes: readonly KeyValue[];
  readonly start_time_unix_nano: Whole;
  readonly time_unix_nano: Whole;
  readonly as_double?: number;
  readonly as_int?: Whole;
  readonly count: Whole;
  readonly sum: number;
  readonly bucket_counts: readonly Whole[];
  readonly explicit_bounds: readonly number[];
  readonly scale: number;
  readonly zero_count: Whole;
  readonly positive: { readonly offset: number; readonly bucket_counts: readonly Whole[] };
  readonly exemplars: readonly Exemplar[];
}

/** A single event of a histogram. */
interface Exemplar {
  readonly filtered_attributes: readonly KeyValue[];
  readonly time_unix_nano: Whole;
  readonly as_double: number;
  /** Empty: it is of no trace. */
  readonly span_id: Uint8Array;
  readonly trace_id: Uint8Array;
}

/** The data of a metric. */
export interface Data {
  readonly data_points: readonly Point[];
  readonly aggregation_temporality?: number;
  readonly is_monotonic?: boolean;
}

/** A metric, with the data of its kind alone. */
export interface Metric {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly gauge?: Data;
  readonly sum?: Data;
  readonly histogram?: Data;
  readonly exponential_histogram?: Data;
}

/** A request. */
export interface Request {
  readonly resource_metrics: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scope_metrics: readonly {
      readonly scope: { readonly name: string };
      readonly metrics: readonly Metric[];
    }[];
  }[];
}

/** A request from its bytes. */
export function decodedRequest(bytes: Uint8Array): Request {
  const type = root.lookupType("ExportMetricsServiceRequest");
  // Fields that are not set are there, but for those that may be absent.
  const options = { longs: String, defaults: true, arrays: true };
  return type.toObject(type.decode(bytes), options) as Request;
}

/** The bytes of an answer. */
export function encoded(
  type: "ExportMetricsServiceResponse" | "Status",
  value: object,
): Uint8Array<ArrayBuffer> {
  return new Uint8Array(root.lookupType(type).encode(value).finish());
}

/** The metrics of a request, with the attributes of their resource. */
export function metricsOf(request: Request) {
  return request.resource_metrics.flatMap(({ resource, scope_metrics: [scope] }) =>
    scope!.metrics.map((metric) => ({
      resource: attributesOf(resource),
      metric,
      data: (metric.gauge ?? metric.sum ?? metric.histogram ?? metric.exponential_histogram)!,
    }))
  );
}

/** Attributes by name. */
export function attributesOf(
  { attributes }: { readonly attributes: readonly KeyValue[] },
): Record<string, string> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value.string_value]));
}
