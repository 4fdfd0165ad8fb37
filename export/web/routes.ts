/**
 * What the exporter answers: a handler for each path.
 *
 * @module
 */

import type { Handler } from "./handler.ts";
import { metricsHandler, type MetricsOptions } from "./metrics_handler.ts";

/** Options of {@linkcode routesOf}. */
export interface RoutesOptions extends MetricsOptions {
  /** Where the metrics are. */
  readonly path: string;
  /** Whether the metrics are those of every server. */
  readonly isReady: () => boolean;
}

/** The handlers by path. */
export function routesOf(options: RoutesOptions): ReadonlyMap<string, Handler> {
  return new Map<string, Handler>([
    ["/-/healthy", () => new Response("Healthy\n")],
    [
      "/-/ready",
      () =>
        options.isReady()
          ? new Response("Ready\n")
          : new Response("Waiting for a server, or for its first reading\n", { status: 503 }),
    ],
    // The path that the user chose wins.
    [options.path, metricsHandler(options)],
  ]);
}

/** Answers each request by its path. */
export function routed(routes: ReadonlyMap<string, Handler>): Handler {
  return (request) => {
    const handler = routes.get(new URL(request.url).pathname);
    if (handler === undefined) {
      return new Response(`Nothing is here, but at ${[...routes.keys()].join(", ")}\n`, {
        status: 404,
      });
    }
    return handler(request);
  };
}
