/**
 * The metrics in the format that a scraper asks for.
 *
 * @module
 */

import type { Accumulator } from "../prometheus/accumulator.ts";
import { BUCKETS_PER_OCTAVE, type BucketsPerOctave } from "../prometheus/buckets.ts";
import { FORMATS, negotiated } from "../prometheus/negotiation.ts";
import { protobufOf } from "../prometheus/protobuf.ts";
import { textOf } from "../prometheus/text.ts";
import type { Handler } from "./handler.ts";

/** Options of {@linkcode metricsHandler}. */
export interface MetricsOptions {
  readonly accumulator: Accumulator;
  readonly bucketsPerOctave: BucketsPerOctave;
}

/** Answers with the metrics; what counts began when it is made. */
export function metricsHandler({ accumulator, bucketsPerOctave }: MetricsOptions): Handler {
  const started = new Date();
  return (request) => {
    const asked = new URL(request.url).searchParams.get("buckets") ?? bucketsPerOctave;
    const perOctave = BUCKETS_PER_OCTAVE.find((each) => each === Number(asked));
    if (perOctave === undefined) {
      return new Response(`buckets: expected ${BUCKETS_PER_OCTAVE.join(", ")}\n`, { status: 400 });
    }
    const format = negotiated(request.headers.get("accept"));
    const families = accumulator.families();
    const body = format === "protobuf"
      ? protobufOf(families, { bucketsPerOctave: perOctave, started })
      : textOf(families, { format, bucketsPerOctave: perOctave });
    return new Response(body, {
      headers: { "content-type": FORMATS[format], "vary": "accept" },
    });
  };
}
