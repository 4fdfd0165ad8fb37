/**
 * What the exporter has counted as requests of OTLP: `ExportMetricsServiceRequest` messages, cumulative.
 *
 * @module
 */

import {
  type ExposedFamily,
  type ExposedSeries,
  type HistogramValue,
  isHistogram,
  type Labels,
} from "../prometheus/accumulator.ts";
import { NATIVE_SCHEMA, secondsOf } from "../prometheus/buckets.ts";
import { MessageWriter } from "../protobuf/message_writer.ts";
import { denseOf, explicitOf } from "./histogram_points.ts";
import { metricNameOf } from "./metric_name.ts";

/** The kinds of histogram; exponential ones are small, explicit ones have exactly our bounds. */
export const HISTOGRAMS = ["exponential", "explicit"] as const;
export type HistogramKind = typeof HISTOGRAMS[number];

/** Options of {@linkcode metricsRequests}. */
export interface MetricsRequestOptions {
  readonly histograms: HistogramKind;
  /** When counting began, and now. */
  readonly started: Date;
  readonly now: Date;
  /** The attributes of a server's resource; of the exporter's own for null. */
  readonly resourceOf: (server: string | null) => Labels;
}

/** The name of the scope of our metrics. */
export const SCOPE = "kea-ebpf-monitoring";

/** Receivers limit requests, most of them to 20 MiB: a request has the servers that fit, or one. */
const MOST_BYTES = 4 * 2 ** 20;

// Field numbers are those of opentelemetry-proto 1.x, metrics/v1/metrics.proto.
const [GAUGE, SUM, HISTOGRAM, EXPONENTIAL] = [5, 7, 9, 10];
const CUMULATIVE = 2;

/** All series, those of a server in one resource; no request where there are none. */
export function metricsRequests(
  families: readonly ExposedFamily[],
  options: MetricsRequestOptions,
): Uint8Array<ArrayBuffer>[] {
  const servers = new Set(
    families.flatMap(({ series }) => series.map(({ labels }) => labels["server"] ?? null)),
  );
  const requests: MessageWriter[] = [];
  let room = 0;
  for (const server of servers) {
    const resource = resourceMetrics(server, families, options).finish();
    if (resource.length > room) {
      requests.push(new MessageWriter());
      room = MOST_BYTES;
    }
    requests.at(-1)!.bytes(1, resource);
    room -= resource.length;
  }
  return requests.map((request) => request.finish());
}

/** A `ResourceMetrics` message. */
function resourceMetrics(
  server: string | null,
  families: readonly ExposedFamily[],
  options: MetricsRequestOptions,
): MessageWriter {
  const scope = new MessageWriter().message(1, new MessageWriter().string(1, SCOPE));
  for (const { family, series } of families) {
    const own = series.filter(({ labels }) => (labels["server"] ?? null) === server);
    if (own.length === 0) continue;
    const { name, unit } = metricNameOf(family);
    const metric = new MessageWriter().string(1, name).string(2, family.help).string(3, unit);
    const data = new MessageWriter();
    for (const each of own) data.message(1, pointOf(each, unit, family.type !== "gauge", options));
    switch (family.type) {
      case "gauge":
        metric.message(GAUGE, data);
        break;
      case "counter":
        metric.message(SUM, data.uint(2, CUMULATIVE).uint(3, 1));
        break;
      case "histogram":
        metric.message(
          options.histograms === "explicit" ? HISTOGRAM : EXPONENTIAL,
          data.uint(2, CUMULATIVE),
        );
        break;
    }
    scope.message(2, metric);
  }
  const resource = new MessageWriter();
  attributes(resource, 1, options.resourceOf(server));
  return new MessageWriter().message(1, resource).message(2, scope);
}

function pointOf(
  { labels, value }: ExposedSeries,
  unit: string,
  isCumulative: boolean,
  { histograms, started, now }: MetricsRequestOptions,
): MessageWriter {
  const point = new MessageWriter();
  if (isCumulative) point.fixed(2, nanoseconds(started));
  point.fixed(3, nanoseconds(now));
  if (!isHistogram(value)) {
    attributes(point, 7, labels);
    // One series has one type of number, whatever its first value was.
    const isFraction = unit === "s" || (typeof value === "number" && !Number.isInteger(value));
    return isFraction ? point.double(4, Number(value)) : point.fixed(6, BigInt(value));
  }
  return histograms === "explicit"
    ? explicitPoint(point, labels, value)
    : exponentialPoint(point, labels, value);
}

function explicitPoint(point: MessageWriter, labels: Labels, value: HistogramValue): MessageWriter {
  attributes(point, 9, labels);
  const { bounds, counts } = explicitOf(value);
  point.fixed(4, value.count)
    .double(5, Number(secondsOf(value.sum)))
    .packedFixed(6, counts)
    .packedDoubles(7, bounds);
  return exemplars(point, 8, value);
}

function exponentialPoint(
  point: MessageWriter,
  labels: Labels,
  value: HistogramValue,
): MessageWriter {
  attributes(point, 1, labels);
  const { offset, counts, zero } = denseOf(value);
  point.fixed(4, value.count)
    .double(5, Number(secondsOf(value.sum)))
    .sint(6, NATIVE_SCHEMA)
    .fixed(7, zero)
    .message(8, new MessageWriter().sint(1, offset).packedUints(2, counts));
  return exemplars(point, 11, value);
}

/** Repeated `Exemplar` messages; they are of no trace. */
function exemplars(
  point: MessageWriter,
  field: number,
  { exemplars = [] }: HistogramValue,
): MessageWriter {
  for (const { labels, value, time } of exemplars) {
    const message = new MessageWriter().fixed(2, nanoseconds(time)).double(3, value / 1e9);
    attributes(message, 7, labels);
    point.message(field, message);
  }
  return point;
}

/** Repeated `KeyValue` messages with texts. */
function attributes(writer: MessageWriter, field: number, values: Labels): void {
  for (const [key, text] of Object.entries(values)) {
    writer.message(
      field,
      new MessageWriter().string(1, key).message(2, new MessageWriter().string(1, text)),
    );
  }
}

/** Nanoseconds since 1970. */
function nanoseconds(time: Date): bigint {
  return BigInt(time.getTime()) * 1_000_000n;
}
