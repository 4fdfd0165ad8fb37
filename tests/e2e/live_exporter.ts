/** An exporter with its page, in this process, that watches chosen servers of tests. */

import { LivePage } from "../../export/page/live_page.ts";
import { RecentMessages } from "../../export/page/recent_messages.ts";
import { Accumulator } from "../../export/prometheus/accumulator.ts";
import { Fleet } from "../../export/watching/fleet.ts";
import { History } from "../../export/history/history.ts";
import { SlowThresholds } from "../../export/watching/slow_thresholds.ts";
import { routed } from "../../export/web/routes.ts";
import { findBpftrace } from "../../probes/bpftrace.ts";
import type { Profile } from "../../probes/programs.ts";

/** How it watches. */
export interface LiveExporterOptions {
  /** Process ids of the servers; more may be added later. */
  readonly chosen: ReadonlySet<number>;
  readonly profile: Profile;
  /** 0 for a free one. */
  readonly port?: number;
}

/** A running exporter. Disposing ends it, with its connections. */
export class LiveExporter implements AsyncDisposable {
  readonly history = new History();
  readonly #stop = new AbortController();
  readonly #page: LivePage;
  readonly #fleet: Promise<void>;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  private constructor(
    { chosen, profile, port = 0 }: LiveExporterOptions,
    bpftrace: Awaited<ReturnType<typeof findBpftrace>>,
  ) {
    const messages = new RecentMessages();
    const fleet = new Fleet({
      ...{ profile, bpftrace, intervalMs: 500, accumulator: new Accumulator() },
      isChosen: ({ pid }) => chosen.has(pid),
      observers: [this.history],
      // Every packet.
      slow: new SlowThresholds({ threshold: 1e-6, redacts: true }),
      signal: this.#stop.signal,
      say: (line) => messages.add(line),
    });
    this.#page = new LivePage({ history: this.history, messages, watching: () => fleet.size });
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port, onListen: () => {} },
      routed(this.#page.routes),
    );
    this.#fleet = fleet.run();
  }

  static async start(options: LiveExporterOptions): Promise<LiveExporter> {
    return new LiveExporter(options, await findBpftrace());
  }

  /** Without a slash at its end. */
  get origin(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  get port(): number {
    return this.#server.addr.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#page[Symbol.asyncDispose]();
    await Promise.all([this.#fleet, this.#server.shutdown()]);
  }
}
