/**
 * Sends what the exporter counts to an OTLP receiver, at an interval, through a spool on disk.
 *
 * @module
 */

import { setTimeout as pause } from "node:timers/promises";
import { Backoff } from "../../system/backoff.ts";
import { oneLine, type Say } from "../../system/command_line.ts";
import { isOfThisHost } from "../../system/push/direct_client.ts";
import type { Spool, Spooled } from "../../system/push/spool.ts";
import { type Sent, SpoolSender } from "../../system/push/spool_sender.ts";
import type { Accumulator } from "../prometheus/accumulator.ts";
import { metricsRequests } from "./metrics_request.ts";
import { OtlpClient, type OtlpOutcome } from "./otlp_client.ts";
import { openOtlpSpool, type SpooledRequest } from "./otlp_spool.ts";
import { OtlpState } from "./otlp_state.ts";
import { Resources } from "./resources.ts";
import type { OtlpSettings } from "./settings.ts";

/** Options of {@linkcode OtlpExport.start}. */
export interface OtlpExportOptions {
  readonly settings: OtlpSettings;
  readonly accumulator: Accumulator;
  readonly say: Say;
  /** The folder of its spool; default: this user's. */
  readonly state?: string;
}

/** How long sending may go on after the last values, milliseconds. */
const LAST_PUSH_MS = 5000;

/** Sends at an interval until it is ended. */
export class OtlpExport {
  readonly #options: OtlpExportOptions;
  readonly #spool: Spool<SpooledRequest>;
  readonly #client: OtlpClient;
  readonly #state: OtlpState;
  readonly #resources: Resources;
  readonly #started = new Date();
  readonly #stop = new AbortController();
  readonly #giveUp = new AbortController();
  readonly #collecting: Promise<void>;
  readonly #sender: SpoolSender<SpooledRequest>;
  /** Why the last request did not arrive, and what a receiver has said of one that did. */
  #trouble: string | null = null;
  #warning = "";

  private constructor(
    options: OtlpExportOptions,
    spool: Spool<SpooledRequest>,
    client: OtlpClient,
  ) {
    this.#options = options;
    this.#spool = spool;
    this.#client = client;
    this.#state = new OtlpState(options.accumulator, spool);
    this.#resources = new Resources(Deno.hostname(), options.settings.attributes);
    this.#collecting = this.#collectOn();
    this.#sender = new SpoolSender({
      ...{ spool, giveUp: this.#giveUp },
      send: (waiting) => this.#send(waiting),
    });
  }

  /**
   * Begins; what is counted from now on is what a receiver gets.
   *
   * @throws {OtlpSettingsError} for certificates that cannot be used.
   * @throws {SpoolError} when another process uses the spool of this endpoint, or it cannot be used.
   */
  static async start(options: OtlpExportOptions): Promise<OtlpExport> {
    const { settings: { url, headers, intervalMs, histograms }, say, state } = options;
    const client = new OtlpClient(options.settings);
    let spool: Spool<SpooledRequest>;
    try {
      spool = await openOtlpSpool(url, say, state);
    } catch (error) {
      client[Symbol.dispose]();
      throw error;
    }
    const isPlain = url.protocol === "http:" && !isOfThisHost(url.hostname);
    if (isPlain && Object.keys(headers).length > 0) {
      say(
        `The headers for OTLP go to ${url.host} over plain HTTP, where others on the path can read them: ` +
          "give an https URL",
        "warning",
      );
    }
    if (spool.waiting > 0) say(`${spool.waiting} OTLP requests of an earlier run are waiting`);
    // A query may hold a token.
    say(
      `Sending OTLP with ${histograms} histograms to ${url.origin}${url.pathname} every ` +
        `${intervalMs / 1000} s`,
    );
    return new OtlpExport(options, spool, client);
  }

  /** Sends the last values, for some seconds; what is left then waits for the next start. */
  async end(): Promise<void> {
    this.#stop.abort();
    await this.#collecting;
    await this.#collect();
    await this.#sender.end(LAST_PUSH_MS);
    if (this.#spool.waiting > 0) {
      this.#options.say(
        `${this.#spool.waiting} OTLP requests are waiting, the next start sends them`,
      );
    }
    this.#spool[Symbol.dispose]();
    this.#client[Symbol.dispose]();
  }

  async #collectOn(): Promise<void> {
    const { signal } = this.#stop;
    for (;;) {
      await pause(this.#options.settings.intervalMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      await this.#collect();
    }
  }

  /** Puts the values of this moment into the spool. */
  async #collect(): Promise<void> {
    const { accumulator, settings: { histograms }, say } = this.#options;
    try {
      const families = accumulator.families();
      this.#resources.update(families);
      const requests = metricsRequests(families, {
        ...{ histograms, started: this.#started, now: new Date() },
        resourceOf: (server) => this.#resources.of(server),
      });
      for (const request of requests) {
        await this.#spool.add({ body: (await compressed(request)).toBase64() });
      }
    } catch (error) {
      // The watch goes on, whatever is wrong with sending.
      say(`Cannot make an OTLP request: ${oneLine(error)}`, "error");
    }
  }

  /** Sends a request until its outcome is known, or the signal comes. */
  async #send({ body }: Spooled<SpooledRequest>): Promise<Sent> {
    const { signal } = this.#giveUp;
    const { say } = this.#options;
    const backoff = new Backoff();
    while (!signal.aborted) {
      const outcome = await this.#client.send(Uint8Array.fromBase64(body), signal);
      if (outcome.kind !== "retry") return this.#done(outcome);
      if (signal.aborted) break;
      if (outcome.why !== this.#trouble) {
        say(`Cannot send OTLP: ${outcome.why}; retrying`, "warning");
      }
      this.#trouble = outcome.why;
      await backoff.pause(signal, outcome.afterMs ?? 0);
    }
    return { kind: "stopped" };
  }

  #done(outcome: Exclude<OtlpOutcome, { readonly kind: "retry" }>): Sent {
    const { say } = this.#options;
    if (outcome.kind === "refused") {
      this.#state.refused++;
      return outcome;
    }
    if (this.#trouble !== null) say("The OTLP receiver accepts requests again");
    this.#trouble = null;
    const { rejected, message } = outcome;
    this.#state.accepted++;
    this.#state.rejected += rejected;
    const warning = rejected > 0n ? `rejects data points: ${message || "no reason"}` : message;
    if (warning !== "" && warning !== this.#warning) {
      say(
        `The OTLP receiver accepts a request and ${rejected > 0n ? warning : `says ${warning}`}`,
        "warning",
      );
      this.#warning = warning;
    }
    return { kind: "delivered" };
  }
}

/** Compressed with gzip. */
async function compressed(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
