/**
 * Sends requests of OTLP over HTTP, one at a time, with a defined outcome for any answer.
 *
 * @module
 */

import {
  type ClientOptions,
  createDirectClient,
  isOfThisHost,
} from "../../system/push/direct_client.ts";
import { bytesOf, excerpt, failureOf, retryAfterMs } from "../../system/push/http_answer.ts";
import { type PartialSuccess, partialSuccessOf, statusMessageOf } from "./export_answer.ts";
import { type OtlpSettings, OtlpSettingsError } from "./settings.ts";

/** The outcome of a request. */
export type OtlpOutcome =
  /** The receiver has it; but for what it rejected. */
  | ({ readonly kind: "accepted" } & PartialSuccess)
  /** Try again; after `afterMs` milliseconds if the receiver says when. */
  | { readonly kind: "retry"; readonly why: string; readonly afterMs: number | null }
  /** The receiver will never take it. */
  | { readonly kind: "refused"; readonly why: string };

/** Only these answers allow another attempt, says the specification of OTLP. */
const RETRYABLE = [429, 502, 503, 504];

/** Longest answer that is read, bytes. */
const LONGEST_ANSWER = 2 ** 20;

/** The media type of requests and answers. */
const PROTOBUF = "application/x-protobuf";

/** A client for one endpoint. Disposing closes its connections. */
export class OtlpClient implements Disposable {
  readonly #settings: OtlpSettings;
  readonly #http: Deno.HttpClient;

  /** @throws {OtlpSettingsError} for certificates that cannot be used. */
  constructor(settings: OtlpSettings) {
    this.#settings = settings;
    const { url, trusted, client } = settings;
    const options: ClientOptions = {
      ...trusted === null ? {} : { caCerts: [trusted] },
      ...client === null ? {} : { cert: client.certificate, key: client.key },
    };
    try {
      this.#http = isOfThisHost(url.hostname)
        ? createDirectClient(options)
        : Deno.createHttpClient(options);
    } catch (error) {
      throw new OtlpSettingsError(
        `Cannot use the certificates for OTLP (${failureOf(error, TRUST)}): give PEM files`,
      );
    }
  }

  /** Sends a request that is compressed with gzip. Never throws. */
  async send(compressed: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<OtlpOutcome> {
    const { url, timeoutMs, isCompressed } = this.#settings;
    const headers = new Headers({ "user-agent": "kea-ebpf-monitoring", ...this.#settings.headers });
    headers.set("content-type", PROTOBUF);
    if (isCompressed) headers.set("content-encoding", "gzip");
    try {
      const response = await fetch(url, {
        method: "POST",
        headers,
        body: isCompressed ? compressed : await decompressed(compressed),
        client: this.#http,
        // A redirect must not send the headers elsewhere.
        redirect: "manual",
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
      return this.#outcomeOf(response, await bytesOf(response, LONGEST_ANSWER));
    } catch (error) {
      return { kind: "retry", why: this.#redacted(failureOf(error, TRUST)), afterMs: null };
    }
  }

  #outcomeOf(response: Response, body: Uint8Array): OtlpOutcome {
    const { status } = response;
    const type = response.headers.get("content-type");
    const isProtobuf = type?.startsWith(PROTOBUF) ?? false;
    if (response.ok) {
      // Receivers may answer with nothing; a page means that this is none.
      if (!isProtobuf) {
        return body.length === 0 ? { kind: "accepted", rejected: 0n, message: "" } : {
          kind: "refused",
          why: `${status}: the answer is not from an OTLP receiver: check the URL`,
        };
      }
      const partial = read(() => partialSuccessOf(body)) ?? { rejected: 0n, message: "" };
      return { kind: "accepted", ...partial, message: this.#redacted(excerpt(partial.message)) };
    }
    const detail = isProtobuf
      ? read(() => statusMessageOf(body))
      : /^text\/plain\b/.test(type ?? "")
      ? new TextDecoder().decode(body).trim()
      : "";
    const words = [detail ?? "", REMEDIES[status] ?? ""].filter((word) => word !== "");
    const why = this.#redacted([status, ...words.map(excerpt)].join(": "));
    return RETRYABLE.includes(status)
      ? { kind: "retry", why, afterMs: retryAfterMs(response.headers.get("retry-after")) }
      : { kind: "refused", why };
  }

  /** Foreign text may repeat what we sent. */
  #redacted(text: string): string {
    const secrets = Object.values(this.#settings.headers).flatMap((value) => [
      value,
      ...value.split(/\s+/),
    ]);
    return secrets.filter(({ length }) => length >= SHORTEST_SECRET)
      .reduce((redacted, value) => redacted.replaceAll(value, "[header]"), text);
  }

  [Symbol.dispose](): void {
    this.#http.close();
  }
}

/** Shorter values, such as a tenant's number, hide nothing and are in any text. */
const SHORTEST_SECRET = 4;

/** What makes us trust a certificate. */
const TRUST = "OTEL_EXPORTER_OTLP_CERTIFICATE=FILE";

const REMEDIES: Readonly<Record<number, string>> = {
  301: "it redirects, give the URL that it redirects to",
  302: "it redirects, give the URL that it redirects to",
  307: "it redirects, give the URL that it redirects to",
  308: "it redirects, give the URL that it redirects to",
  401: "give the right OTEL_EXPORTER_OTLP_HEADERS",
  403: "OTEL_EXPORTER_OTLP_HEADERS may not do that",
  404: "there is no such address, check the URL",
  405: "the answer is not from an OTLP receiver, check the URL",
  413: "the receiver's limit of a request is too small",
};

/** What a message says; null for bytes that are none. */
function read<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}

/** What was compressed with gzip. */
async function decompressed(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
