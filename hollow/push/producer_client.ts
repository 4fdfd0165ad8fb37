/**
 * The client of the producer's API: one request at a time, with a defined outcome for any answer.
 *
 * @module
 */

import { directClient, isOfThisHost } from "../../system/push/direct_client.ts";
import { bytesOf, excerpt, failureOf, retryAfterMs } from "../../system/push/http_answer.ts";
import { z } from "zod";
import type { Batch, HollowRecord } from "./records.ts";
import type { TokenSource } from "./token.ts";

/** The outcome of a batch. */
export type PushOutcome =
  /**
   * It is in the dataset; `duplicate` if it already was. `expired` records, of this batch or older, were
   * dropped because the dataset keeps a limited number of windows.
   */
  | { readonly kind: "accepted"; readonly expired: number; readonly duplicate: boolean }
  /** The producer has a later batch of this source: send it with a new number. */
  | { readonly kind: "stale"; readonly lastSequence: number }
  /** Send fewer records at once. */
  | { readonly kind: "too large"; readonly why: string }
  /** The producer will never accept it. */
  | { readonly kind: "refused"; readonly why: string }
  /** The user must correct something: the URL, the token. */
  | { readonly kind: "misconfigured"; readonly why: string }
  /** Try again; after `afterMs` milliseconds if the producer says when. */
  | { readonly kind: "retry"; readonly why: string; readonly afterMs: number | null };

/** A URL cannot be used. */
export class UrlError extends Error {
  override name = "UrlError";
}

/** A request other than a batch failed. */
export class ProducerError extends Error {
  override name = "ProducerError";
}

const accepted = z.object({
  version: z.string(),
  accepted: z.int(),
  late: z.int(),
  expired: z.int(),
  duplicate: z.boolean(),
});
const problem = z.object({
  detail: z.string().optional(),
  lastSequence: z.int().nonnegative().optional(),
});
const state = z.object({
  dataset: z.string(),
  version: z.string(),
  records: z.int(),
  windows: z.record(z.string(), z.int()),
  sources: z.record(z.string(), z.object({ sequence: z.int(), batchId: z.string() })),
});
const records = z.object({ records: z.array(z.record(z.string(), z.unknown())) });
const deleted = z.object({ version: z.string(), deleted: z.int() });

/** The state of a dataset. */
export type DatasetState = z.infer<typeof state>;

/** Longest wait for a whole answer, milliseconds. */
const TIMEOUT_MS = 30_000;

/** Longest answer that is read, bytes. */
const LONGEST_ANSWER = 16 * 2 ** 20;

/** What makes Deno trust a certificate. */
const TRUST = "DENO_CERT=FILE";

/** Options of {@linkcode ProducerClient}. */
export interface ProducerClientOptions {
  /** The base URL, such as `http://127.0.0.1:8980/api`. */
  readonly url: string;
  readonly dataset: string;
  readonly token: TokenSource;
  /** Whether a token may go over plain HTTP to another machine. */
  readonly allowPlainHttp: boolean;
  readonly timeoutMs?: number;
}

/** Sends requests to a producer, for one dataset. */
export class ProducerClient {
  /** The base URL, without a slash at its end. */
  readonly base: string;
  readonly #dataset: string;
  readonly #token: TokenSource;
  readonly #timeoutMs: number;
  /** Null if a proxy may be used. */
  readonly #direct: Deno.HttpClient | null;

  /** @throws {UrlError} for a URL or a dataset name that cannot be used. */
  constructor({ url, dataset, token, allowPlainHttp, timeoutMs }: ProducerClientOptions) {
    const base = baseOf(url);
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(dataset)) {
      throw new UrlError(
        `Cannot use the dataset name "${dataset}": expected 1 to 64 letters, digits, "_" and "-"`,
      );
    }
    const isPlain = base.protocol === "http:" && !isLoopback(base.hostname);
    if (token() !== null && isPlain && !allowPlainHttp) {
      throw new UrlError(
        `Cannot send a token to ${base.host} over plain HTTP, anyone on the path could read ` +
          "it: give an https URL, or --allow-plain-http if the network is trusted",
      );
    }
    this.base = base.href.replace(/\/+$/, "");
    this.#dataset = dataset;
    this.#token = token;
    this.#timeoutMs = timeoutMs ?? TIMEOUT_MS;
    this.#direct = isOfThisHost(base.hostname) ? directClient : null;
  }

  /** Sends a batch. Never throws; a batch may be sent again unchanged. */
  async push(batch: Batch, signal?: AbortSignal): Promise<PushOutcome> {
    let answer: HttpAnswer;
    try {
      answer = await this.#request("POST", this.#path("/records"), batch, signal);
    } catch (error) {
      return { kind: "retry", why: this.#redacted(failureOf(error, TRUST)), afterMs: null };
    }
    const { status } = answer;
    if (status === 200) {
      const result = accepted.safeParse(answer.json).data;
      if (result?.accepted === batch.records.length) {
        const { late, expired, duplicate } = result;
        return { kind: "accepted", expired: late + expired, duplicate };
      }
      return { kind: "misconfigured", why: "the answer is not from our producer: check the URL" };
    }
    const why = this.#whyOf(answer);
    if (status === 409) {
      const lastSequence = problem.safeParse(answer.json).data?.lastSequence;
      if (lastSequence !== undefined) return { kind: "stale", lastSequence };
      return { kind: "misconfigured", why };
    }
    if (status === 413) return { kind: "too large", why };
    if (status === 400 || status === 422) return { kind: "refused", why };
    if (status === 408 || status === 425 || status === 429 || status >= 500) {
      return { kind: "retry", why, afterMs: answer.retryAfterMs };
    }
    return { kind: "misconfigured", why };
  }

  /** The state of the dataset; null if there is no such dataset. */
  async state(): Promise<DatasetState | null> {
    const answer = await this.#asked("GET", this.#path(""));
    return answer.status === 404 ? null : this.#parsed(answer, state);
  }

  /** Records whose fields have these values, at most 1000. */
  async records(fields: Readonly<Record<string, string>>): Promise<HollowRecord[]> {
    const answer = await this.#asked("GET", this.#path(`/records?${new URLSearchParams(fields)}`));
    return this.#parsed(answer, records).records as unknown as HollowRecord[];
  }

  /** Deletes a source's records; returns their number. */
  async remove(source: string): Promise<number> {
    const answer = await this.#asked(
      "DELETE",
      this.#path(`/records?${new URLSearchParams({ source })}`),
    );
    return this.#parsed(answer, deleted).deleted;
  }

  /** Whether the producer answers. */
  async health(): Promise<boolean> {
    return (await this.#asked("GET", "/health")).status === 200;
  }

  /** Sends any request, to test a producer; returns the status. */
  async raw(method: string, path: string, body?: string, token?: string): Promise<number> {
    return (await this.#asked(method, path, body, token)).status;
  }

  #path(rest: string): string {
    return `/datasets/${this.#dataset}${rest}`;
  }

  async #asked(method: string, path: string, body?: unknown, token?: string): Promise<HttpAnswer> {
    try {
      return await this.#request(method, path, body, undefined, token);
    } catch (error) {
      throw new ProducerError(
        `Cannot reach the producer at ${this.base}: ${this.#redacted(failureOf(error, TRUST))}`,
      );
    }
  }

  #parsed<T>(answer: HttpAnswer, schema: z.ZodType<T>): T {
    if (answer.status !== 200) {
      throw new ProducerError(`The producer at ${this.base} says ${this.#whyOf(answer)}`);
    }
    const result = schema.safeParse(answer.json);
    if (result.success) return result.data;
    throw new ProducerError(
      `Cannot understand the answer of ${this.base}, it is not our producer: check the URL`,
    );
  }

  async #request(
    method: string,
    path: string,
    body?: unknown,
    signal?: AbortSignal,
    otherToken?: string,
  ): Promise<HttpAnswer> {
    const token = otherToken ?? this.#token();
    const stop = AbortSignal.timeout(this.#timeoutMs);
    const response = await fetch(`${this.base}${path}`, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      // A redirect must not send the token elsewhere.
      redirect: "manual",
      ...(this.#direct === null ? {} : { client: this.#direct }),
      signal: signal === undefined ? stop : AbortSignal.any([signal, stop]),
    });
    const text = new TextDecoder().decode(await bytesOf(response, LONGEST_ANSWER));
    return {
      status: response.status,
      json: json(text),
      location: response.headers.get("location"),
      retryAfterMs: retryAfterMs(response.headers.get("retry-after")),
    };
  }

  /** A status in one line for people. */
  #whyOf({ status, json, location }: HttpAnswer): string {
    if (status >= 300 && status < 400) {
      const where = location === null ? "elsewhere" : `to ${excerpt(location)}`;
      return this.#redacted(`${status}: it redirects ${where}, give that URL with -p`);
    }
    const remedy = REMEDIES[status];
    const detail = problem.safeParse(json).data?.detail;
    const words = [detail === undefined ? "" : excerpt(detail), remedy ?? ""];
    return this.#redacted([String(status), ...words.filter((word) => word !== "")].join(": "));
  }

  /** Text of another server may contain the token that we sent. */
  #redacted(text: string): string {
    let token: string | null = null;
    try {
      token = this.#token();
    } catch {
      // A token file that cannot be read was not sent.
    }
    return token === null ? text : text.replaceAll(token, "[token]");
  }
}

/** An answer. */
interface HttpAnswer {
  readonly status: number;
  /** Null when it was not JSON. */
  readonly json: unknown;
  readonly location: string | null;
  readonly retryAfterMs: number | null;
}

const REMEDIES: Readonly<Record<number, string>> = {
  401: "give the right token",
  403: "this token may not do that",
  404: "there is no such address, check the URL",
  405: "the answer is not from our producer, check the URL",
};

function baseOf(url: string): URL {
  const base = URL.parse(url);
  if (base === null || !/^https?:$/.test(base.protocol)) {
    throw new UrlError(
      `Cannot use the URL "${excerpt(url)}": expected one like http://127.0.0.1:8980/api`,
    );
  }
  if (base.username !== "" || base.password !== "" || base.search !== "" || base.hash !== "") {
    throw new UrlError(
      `Cannot use the URL of ${base.host}: expected one without user, password, "?" and "#"`,
    );
  }
  return base;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(\.\d+){3}$/.test(host);
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
