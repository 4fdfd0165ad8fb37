/**
 * One request and its answer: between Node's HTTP server, which has limits, client certificates and inherited
 * sockets, and the web's `Request` and `Response`.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Say } from "../../system/command_line.ts";
import type { Handler } from "./handler.ts";

/** How long a client may take to read a piece of an answer, milliseconds. */
const READING_LIMIT_MS = 30_000;

/** A stream without an end, as the live page gets it. */
const STREAM = "text/event-stream";

/** What comes so soon, and is not more, is sent in one piece with its length. */
const [TOGETHER_MS, TOGETHER_BYTES] = [20, 2 ** 20];

/** Answers that are shorter than this are not compressed, bytes. */
const WORTH_GZIP = 1024;

const zipped = promisify<Uint8Array, { level: number }, Uint8Array>(gzip);

/** Headers of every answer: nothing is guessed, stored, or embedded by another site. */
const HEADERS: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
};

/** What an HTML page may do, if its handler does not say. */
const PAGE_POLICY =
  "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** Why a request is not answered by its handler: a status and one line. */
export interface Refusal {
  readonly status: number;
  readonly why: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Options of {@linkcode answer}. */
export interface AnswerOptions {
  readonly handler: Handler;
  /** Checks of the whole server, before its handler is asked. */
  readonly refusal: (request: IncomingMessage) => Promise<Refusal | null>;
  /** Headers of every answer that the user has configured. */
  readonly headers: Readonly<Record<string, string>>;
  /** Called when the answer is sent in pieces, as fast as its reader takes them. */
  readonly onStream: () => void;
  readonly say: Say;
}

/** Answers one request; returns when the answer is sent or the client is gone. */
export async function answer(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  options: AnswerOptions,
): Promise<void> {
  const { handler, say } = options;
  const url = urlOf(incoming);
  const refused = refusalOf(incoming, url) ?? await options.refusal(incoming);
  const response = refused === null
    ? await Promise.try(handler, requestOf(incoming, url!)).catch((error) => {
      say(
        `Cannot answer ${url!.pathname}: ${error instanceof Error ? error.stack : error}`,
        "error",
      );
      return new Response("The exporter has an error here, its log says which\n", { status: 500 });
    })
    : new Response(`${refused.why}\n`, refused);
  if (refused !== null && hasBody(incoming)) outgoing.shouldKeepAlive = false;
  await send(response, incoming, outgoing, options);
}

/** What is refused wherever it goes. Nothing here has a use for a body, so none is read. */
function refusalOf(incoming: IncomingMessage, url: URL | null): Refusal | null {
  const { method } = incoming;
  if (method !== "GET" && method !== "HEAD") {
    return { status: 405, why: "Only GET and HEAD", headers: { allow: "GET, HEAD" } };
  }
  if (hasBody(incoming)) return { status: 413, why: "Expected a request without a body" };
  if (url === null) return { status: 400, why: "Cannot read the path" };
  return null;
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/** Path and query, on a host of our own: the client's is not to be trusted. A proxy may name one before the path. */
function urlOf({ url = "/" }: IncomingMessage): URL | null {
  const path = url.replace(/^https?:\/\/[^/?#]*(?=[/?#]|$)/i, "");
  return /^([/?#]|$)/.test(path) ? URL.parse(`http://localhost${path}`) : null;
}

function requestOf(incoming: IncomingMessage, url: URL): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    headers.set(name, Array.isArray(value) ? value.join(", ") : value ?? "");
  }
  return new Request(url, { method: incoming.method!, headers });
}

async function send(
  response: Response,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { headers: configured, onStream }: AnswerOptions,
): Promise<void> {
  const type = response.headers.get("content-type") ?? "";
  const headers = new Headers(HEADERS);
  if (type.startsWith("text/html")) headers.set("content-security-policy", PAGE_POLICY);
  for (const [name, value] of response.headers) headers.set(name, value);
  for (const [name, value] of Object.entries(configured)) headers.set(name, value);
  headers.append("vary", "accept-encoding");
  const reader = (response.body ?? new Blob().stream()).getReader();
  // Then there is nothing more to read.
  const onClose = () => void reader.cancel().catch(() => {});
  outgoing.once("close", onClose);
  if (outgoing.destroyed) onClose();
  try {
    const isEndless = type.startsWith(STREAM);
    const { pieces, next } = await beginningOf(reader, isEndless ? 0 : TOGETHER_MS);
    let whole: Uint8Array | null = next === null ? Buffer.concat(pieces) : null;
    if (
      whole !== null && whole.length >= WORTH_GZIP && takesGzip(incoming.headers["accept-encoding"])
    ) {
      headers.set("content-encoding", "gzip");
      whole = await zipped(whole, { level: 1 });
    }
    const isHead = incoming.method === "HEAD";
    // A handler may leave out what HEAD has no use for; then its length is not known.
    if (whole !== null && !(isHead && whole.length === 0)) {
      headers.set("content-length", String(whole.length));
    }
    for (const [name, value] of headers) outgoing.setHeader(name, value);
    outgoing.statusCode = response.status;
    if (whole === null) onStream();
    if (isHead) return await finish(outgoing);
    if (whole !== null) return await finish(outgoing, whole);
    outgoing.flushHeaders();
    for (const piece of pieces) await write(outgoing, piece);
    await pump(next!, reader, outgoing);
  } finally {
    onClose();
    outgoing.off("close", onClose);
  }
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;
type Reading = ReturnType<Reader["read"]>;

/** The pieces of a body that are there at once, and the reading of the next one; null for a whole body. */
async function beginningOf(
  reader: Reader,
  patienceMs: number,
): Promise<{ readonly pieces: readonly Uint8Array[]; readonly next: Reading | null }> {
  const pieces: Uint8Array[] = [];
  const late = Promise.withResolvers<null>();
  const timer = setTimeout(() => late.resolve(null), patienceMs);
  let [size, next] = [0, reader.read()];
  try {
    while (size <= TOGETHER_BYTES) {
      const read = await Promise.race([next, late.promise]);
      if (read === null) break;
      if (read.done) return { pieces, next: null };
      pieces.push(read.value);
      size += read.value.length;
      next = reader.read();
    }
    return { pieces, next };
  } finally {
    clearTimeout(timer);
  }
}

/** Whether a client takes gzip; `q=0` refuses it. */
export function takesGzip(accept: string | string[] | undefined): boolean {
  return [accept ?? ""].flat().join(",").split(",").some((each) => {
    const [coding, ...parameters] = each.toLowerCase().split(";").map((part) => part.trim());
    return (coding === "gzip" || coding === "x-gzip") &&
      !parameters.some((parameter) => /^q\s*=\s*0(\.0*)?$/.test(parameter));
  });
}

/** Sends a stream as fast as the client reads; a client that stops reading is given up. */
async function pump(first: Reading, reader: Reader, outgoing: ServerResponse): Promise<void> {
  for (let read = await first; !read.done; read = await reader.read()) {
    await write(outgoing, read.value);
    if (outgoing.destroyed) return;
  }
  await finish(outgoing);
}

async function write(outgoing: ServerResponse, piece: Uint8Array): Promise<void> {
  if (outgoing.write(piece) || outgoing.destroyed) return;
  using _limit = readingLimit(outgoing);
  await drained(outgoing);
}

/** Ends an answer, and waits until it is sent or the client is gone. */
async function finish(outgoing: ServerResponse, last?: Uint8Array): Promise<void> {
  // An answer whose turn on its connection has not come is not closed with it.
  if (outgoing.destroyed || outgoing.req.socket.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  outgoing.once("close", resolve);
  outgoing.end(last);
  using _limit = readingLimit(outgoing);
  await promise;
}

/** Waits until more can be written, or the client is gone. */
async function drained(outgoing: ServerResponse): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  outgoing.once("drain", resolve).once("close", resolve);
  await promise;
  outgoing.off("drain", resolve).off("close", resolve);
}

/** Ends a connection whose client does not read, unless it is disposed in time. */
function readingLimit(outgoing: ServerResponse): Disposable {
  const timer = setTimeout(() => outgoing.destroy(), READING_LIMIT_MS);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}
