/** The exporter, for the servers that a test chooses. */

import { Accumulator } from "../../export/prometheus/accumulator.ts";
import { Fleet } from "../../export/watching/fleet.ts";
import { exposeOwnCost } from "../../export/watching/own_cost.ts";
import { routed, routesOf } from "../../export/web/routes.ts";
import type { CaptureRecord } from "../../metrics/capture.ts";
import type { MetricsDocument } from "../../metrics/document.ts";
import { documentOf } from "../../metrics/document_builder.ts";
import type { Profile } from "../../probes/programs.ts";
import { bpftraceOf, type KEAS } from "../../tools/lab/kea_builds.ts";
import { until } from "./run_script.ts";

/** How the servers are watched. */
export interface Watching {
  /** The process ids of the servers; more may be added. */
  readonly chosen: ReadonlySet<number>;
  readonly profile: Profile;
  /** Which Kea's bpftrace; default: that of this machine. */
  readonly kea?: keyof typeof KEAS;
  /** Default: a free one. */
  readonly port?: number;
}

/** An exporter that runs in this process. Disposing ends it and detaches its probes. */
export class WatchingExporter implements AsyncDisposable {
  readonly port: number;
  readonly #fleet: Fleet;
  readonly #records: ReadonlyMap<string, CaptureRecord[]>;
  readonly #end: () => Promise<void>;

  private constructor(
    port: number,
    fleet: Fleet,
    records: ReadonlyMap<string, CaptureRecord[]>,
    end: () => Promise<void>,
  ) {
    this.port = port;
    this.#fleet = fleet;
    this.#records = records;
    this.#end = end;
  }

  /** Starts to watch, and listens. */
  static async start(
    { chosen, profile, kea = "2.2", port = 0 }: Watching,
  ): Promise<WatchingExporter> {
    const accumulator = new Accumulator();
    const cost = exposeOwnCost(accumulator, () => 0);
    const stop = new AbortController();
    const records = new Map<string, CaptureRecord[]>();
    const fleet = new Fleet({
      isChosen: ({ pid }) => chosen.has(pid),
      profile,
      bpftrace: await bpftraceOf(kea),
      intervalMs: 500,
      accumulator,
      observers: [{
        next: (server, record) => {
          // A header begins another capture.
          if (record.type === "capture") records.set(server, []);
          records.get(server)!.push(record);
        },
        gone: () => {},
      }],
      signal: stop.signal,
      say: () => {},
    });
    const running = fleet.run();
    const server = Deno.serve(
      { hostname: "127.0.0.1", port, onListen: () => {} },
      routed(routesOf({
        accumulator,
        path: "/metrics",
        bucketsPerOctave: 2,
        isReady: () => fleet.isReady,
      })),
    );
    return new WatchingExporter(server.addr.port, fleet, records, async () => {
      stop.abort();
      cost[Symbol.dispose]();
      await running;
      await server.shutdown();
    });
  }

  /** Host and port. */
  get target(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Waits until so many servers are watched, and all have been read. */
  async isReady(servers: number): Promise<void> {
    await until(
      () => this.#fleet.size === servers && this.#fleet.isReady,
      `${servers} servers are watched`,
    );
  }

  /** What the newest watch of a server has seen so far, as a document. */
  async documentOf(server: string): Promise<MetricsDocument> {
    return await documentOf(this.#records.get(server)!);
  }

  /** What a scraper gets: text, if it asks for nothing else. */
  async scraped(path = "/metrics", accept = "*/*"): Promise<Uint8Array<ArrayBuffer>> {
    const response = await fetch(`http://${this.target}${path}`, { headers: { accept } });
    return await response.bytes();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }
}
