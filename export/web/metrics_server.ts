/**
 * The HTTP server: the metrics in the format that a scraper asks for, and whether the exporter works.
 *
 * @module
 */

import type { Accumulator } from "../prometheus/accumulator.ts";
import { BUCKETS_PER_OCTAVE, type BucketsPerOctave } from "../prometheus/buckets.ts";
import { FORMATS, negotiated } from "../prometheus/negotiation.ts";
import { protobufOf } from "../prometheus/protobuf.ts";
import { textOf } from "../prometheus/text.ts";

/** Options of {@linkcode metricsHandler}. */
export interface MetricsHandlerOptions {
  readonly accumulator: Accumulator;
  /** Where the metrics are. */
  readonly path: string;
  readonly bucketsPerOctave: BucketsPerOctave;
  /** Whether the metrics are those of every server. */
  readonly isReady: () => boolean;
}

/** Answers requests; what counts began when it is made. */
export function metricsHandler(options: MetricsHandlerOptions): (request: Request) => Response {
  const started = new Date();
  return (request) => {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return new Response("Only GET and HEAD\n", { status: 405, headers: { allow: "GET, HEAD" } });
    }
    const url = new URL(request.url);
    switch (url.pathname) {
      case options.path:
        return metrics(request, url, options, started);
      case "/-/healthy":
        return new Response("Healthy\n");
      case "/-/ready":
        return options.isReady()
          ? new Response("Ready\n")
          : new Response("Waiting for a server, or for its first reading\n", { status: 503 });
      default:
        return new Response(`The metrics are at ${options.path}\n`, { status: 404 });
    }
  };
}

function metrics(
  request: Request,
  url: URL,
  { accumulator, bucketsPerOctave }: MetricsHandlerOptions,
  started: Date,
): Response {
  const asked = Number(url.searchParams.get("buckets") ?? bucketsPerOctave);
  const perOctave = BUCKETS_PER_OCTAVE.find((each) => each === asked);
  if (perOctave === undefined) {
    return new Response(`buckets: expected ${BUCKETS_PER_OCTAVE.join(", ")}\n`, { status: 400 });
  }
  const format = negotiated(request.headers.get("accept"));
  const families = accumulator.families();
  const body = format === "protobuf"
    ? protobufOf(families, { bucketsPerOctave: perOctave, started })
    : textOf(families, { format, bucketsPerOctave: perOctave });
  return new Response(request.method === "HEAD" ? null : body, {
    headers: { "content-type": FORMATS[format], "vary": "accept" },
  });
}
