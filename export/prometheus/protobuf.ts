/**
 * The protobuf format of Prometheus: delimited `io.prometheus.client.MetricFamily` messages, their
 * histograms native and classic.
 *
 * @module
 */

import {
  type Exemplar,
  type ExposedFamily,
  type ExposedSeries,
  type HistogramValue,
  isHistogram,
  type Labels,
} from "./accumulator.ts";
import { type BucketsPerOctave, classicOf, NATIVE_SCHEMA, nativeOf, secondsOf } from "./buckets.ts";
import { PREFIX } from "./families.ts";
import { MessageWriter } from "../protobuf/message_writer.ts";

// Field numbers are those of prometheus/client_model, io/prometheus/client/metrics.proto.
const TYPES = { counter: 0, gauge: 1, histogram: 4 } as const;

/** The widest time that counts as none, seconds: less than any that is measured. */
const ZERO_THRESHOLD = 2 ** -128;

/** The exposition of families. */
export function protobufOf(
  families: readonly ExposedFamily[],
  options: { readonly bucketsPerOctave: BucketsPerOctave; readonly started: Date },
): Uint8Array<ArrayBuffer> {
  const messages = families.map(({ family, series }) => {
    const message = new MessageWriter()
      .string(1, PREFIX + family.name)
      .string(2, family.help)
      .uint(3, TYPES[family.type]);
    for (const each of series) message.message(4, metricOf(family.type, each, options));
    return message.delimited();
  });
  const whole = new Uint8Array(messages.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const message of messages) {
    whole.set(message, at);
    at += message.length;
  }
  return whole;
}

function metricOf(
  type: keyof typeof TYPES,
  { labels, value }: ExposedSeries,
  options: { readonly bucketsPerOctave: BucketsPerOctave; readonly started: Date },
): MessageWriter {
  const metric = labelled(labels);
  if (isHistogram(value)) return metric.message(7, histogramOf(value, options));
  const number = new MessageWriter().double(1, Number(value));
  if (type === "gauge") return metric.message(2, number);
  return metric.message(3, number.message(3, timestampOf(options.started)));
}

function histogramOf(
  value: HistogramValue,
  { bucketsPerOctave, started }: {
    readonly bucketsPerOctave: BucketsPerOctave;
    readonly started: Date;
  },
): MessageWriter {
  const { spans, deltas, zero } = nativeOf(value);
  const histogram = new MessageWriter()
    .uint(1, value.count)
    .double(2, Number(secondsOf(value.sum)));
  for (const { le, cumulative, exemplar } of classicOf(value, bucketsPerOctave)) {
    // The last one is known by the count; with an exemplar it is needed.
    if (le === "+Inf" && exemplar === null) continue;
    const bound = le === "+Inf" ? Infinity : Number(le);
    const bucket = new MessageWriter().uint(1, cumulative).double(2, bound);
    histogram.message(3, exemplar === null ? bucket : bucket.message(3, exemplarOf(exemplar)));
  }
  histogram.sint(5, NATIVE_SCHEMA).double(6, ZERO_THRESHOLD).uint(7, zero);
  // Without a span, or in Prometheus 2.42 without a zero threshold, an empty native histogram is read as a
  // classic one; 2.42 then may lose the native one that follows.
  const filled = spans.length === 0 ? [{ offset: 0, length: 0 }] : spans;
  for (const { offset, length } of filled) {
    histogram.message(12, new MessageWriter().sint(1, offset).uint(2, length));
  }
  histogram.packedSints(13, deltas).message(15, timestampOf(started));
  for (const exemplar of value.exemplars ?? []) histogram.message(16, exemplarOf(exemplar));
  return histogram;
}

function exemplarOf({ labels, value, time }: Exemplar): MessageWriter {
  return labelled(labels).double(2, value / 1e9).message(3, timestampOf(time));
}

/** A message that begins with its `LabelPair` messages. */
function labelled(labels: Labels): MessageWriter {
  const message = new MessageWriter();
  for (const [name, text] of Object.entries(labels)) {
    message.message(1, new MessageWriter().string(1, name).string(2, text));
  }
  return message;
}

function timestampOf(time: Date): MessageWriter {
  const ms = time.getTime();
  return new MessageWriter().uint(1, Math.floor(ms / 1000)).uint(2, (ms % 1000) * 1_000_000);
}
