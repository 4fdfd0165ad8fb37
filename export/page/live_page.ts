/**
 * The live page: all servers of the host, one in depth, and the document API.
 *
 * @module
 */

import { setTimeout as pause } from "node:timers/promises";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { oneLine } from "../../system/command_line.ts";
import type { History } from "../history/history.ts";
import { documentText, lastMinutes } from "../history/history_document.ts";
import type { Handler } from "../web/handler.ts";
import type { LayoutName } from "./drawing/messages.ts";
import { Drawings } from "./drawing/drawings.ts";
import { overviewParts } from "./overview.ts";
import { containersHtml, PAGE_END, PAGE_HEADERS, pageStart, partsHtml } from "./page_html.ts";
import { CSS } from "./page_style.ts";
import type { RecentMessages } from "./recent_messages.ts";
import { serversJson } from "./servers_json.ts";
import { detailParts, factParts, unknownParts } from "./server_page.ts";
import { SharedAnswers } from "./shared_answers.ts";
import type { Part } from "./view.ts";
import { type Viewed, Viewers } from "./viewers.ts";

/** Options of {@linkcode LivePage}. */
export interface LivePageOptions {
  readonly history: History;
  readonly messages: RecentMessages;
  /** How many servers are watched now. */
  readonly watching: () => number;
  /** Script of the drawing process, for tests. */
  readonly drawingScript?: string;
}

/** Minutes of a document: default, and most. */
const [MINUTES, MOST_MINUTES] = [5, 60];

/** The most documents and pages in memory: an hour's document has megabytes, and its reader may be slow. */
const [MOST_DOCUMENTS, MOST_PAGES] = [4, 32];

/** Changes are collected for so long; drawings are looked after so often, milliseconds. */
const [COLLECT_MS, LOOK_MS] = [250, 1000];

/** A page waits so long for its charts, milliseconds; they come later, if the host is busy. */
const DRAWN_MS = 15_000;

const BOTH: readonly LayoutName[] = ["wide", "narrow"];

const SCRIPT = Deno.readTextFileSync(join(import.meta.dirname!, "live.js"));

/** Changes with the script or the style, so that no viewer has an old one. */
const BUILD = createHash("sha256").update(SCRIPT).update(CSS).digest("hex").slice(0, 12);

/** Answers for the page, until it is disposed. */
export class LivePage implements AsyncDisposable {
  readonly #options: LivePageOptions;
  readonly #viewers = new Viewers(BUILD);
  readonly #documents = new SharedAnswers(MOST_DOCUMENTS);
  readonly #pages = new SharedAnswers(MOST_PAGES);
  readonly #drawings: Drawings;
  readonly #listening: Disposable;
  readonly #drawing: ReturnType<typeof setInterval>;
  /** Servers that have changed since the viewers were shown them. */
  readonly #changed = new Set<string>();
  #collecting: ReturnType<typeof setTimeout> | undefined;

  constructor(options: LivePageOptions) {
    this.#options = options;
    this.#drawings = new Drawings(options.drawingScript);
    this.#listening = options.history.onChange((server) => this.#change(server));
    this.#drawing = setInterval(() => this.#look(), LOOK_MS);
  }

  /** Its handlers by path. */
  get routes(): ReadonlyMap<string, Handler> {
    return new Map<string, Handler>([
      ["/", (request) => this.#page(request)],
      ["/live", (request) => this.#live(request)],
      ["/live.js", () => served(SCRIPT, "text/javascript")],
      ["/page.css", () => served(CSS, "text/css")],
      ["/api/v1/servers", () => Response.json(serversJson(this.#options.history))],
      ["/api/v1/document", (request) => this.#document(request)],
    ]);
  }

  /** Memory of the process that draws the charts, bytes; 0 when none runs. */
  get drawingBytes(): number {
    return this.#drawings.memoryBytes ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening[Symbol.dispose]();
    clearInterval(this.#drawing);
    clearTimeout(this.#collecting);
    for (const each of [this.#viewers, this.#documents, this.#pages]) each[Symbol.dispose]();
    await this.#drawings[Symbol.asyncDispose]();
  }

  #page(request: Request): Response {
    const name = new URL(request.url).searchParams.get("server");
    const { history } = this.#options;
    const isKnown = name === null || history.get(name) !== undefined;
    const options = { status: isKnown ? 200 : 404, headers: PAGE_HEADERS };
    if (request.method === "HEAD") return new Response(null, options);
    if (!isKnown) return new Response(this.#startText(name) + this.#restText(name), options);
    const text = this.#pages.get(JSON.stringify(name), () => this.#pageText(name));
    return text === null ? tooMany("pages") : new Response(text, options);
  }

  /** The page in pieces: facts are seen before the charts are drawn. */
  async *#pageText(name: string | null): AsyncGenerator<string> {
    yield this.#startText(name);
    const server = name === null ? undefined : this.#options.history.get(name);
    if (server === undefined) return yield this.#restText(name);
    yield `<div id="top">${partsHtml(factParts(server), "top")}`;
    await inTime(this.#drawings.draw(server, BOTH), DRAWN_MS);
    const details = detailParts(server, this.#charts(server.name, BOTH));
    yield `${partsHtml(details, "top")}</div>`;
    yield `<div class="columns">${containersHtml(details, ["left", "right"])}</div>${PAGE_END}`;
  }

  #startText(name: string | null): string {
    return pageStart({ server: name, host: Deno.hostname(), build: BUILD, now: Date.now() });
  }

  /** What follows on a page without charts: all servers, or one that is not known. */
  #restText(name: string | null): string {
    return containersHtml(this.#parts({ server: name, layouts: BOTH })) + PAGE_END;
  }

  #live(request: Request): Response {
    const { searchParams } = new URL(request.url);
    const layout = searchParams.get("layout") === "narrow" ? "narrow" : "wide";
    const viewed: Viewed = { server: searchParams.get("server"), layouts: [layout] };
    const headers = { "content-type": "text/event-stream", "cache-control": "no-store" };
    if (request.method === "HEAD") return new Response(null, { headers });
    if (!this.#viewers.hasRoom) return tooMany("viewers");
    const stream = this.#viewers.open(viewed, this.#parts(viewed));
    this.#look();
    return new Response(stream, { headers });
  }

  #document(request: Request): Response {
    const { searchParams } = new URL(request.url);
    const { servers } = this.#options.history;
    const names = servers.map(({ name }) => name);
    const name = searchParams.get("server") ?? (names.length === 1 ? names[0]! : null);
    const minutes = Number(searchParams.get("minutes") ?? MINUTES);
    if (name === null) return problem(400, `server: expected one of ${names.join(", ")}`);
    const server = servers.find((each) => each.name === name);
    if (server === undefined) return problem(404, `server: expected one of ${names.join(", ")}`);
    if (!(minutes > 0 && minutes <= MOST_MINUTES)) {
      return problem(400, `minutes: expected a number up to ${MOST_MINUTES}`);
    }
    const headers = { "content-type": "application/json", "cache-control": "no-store" };
    if (request.method === "HEAD") return new Response(null, { headers });
    const text = this.#documents.get(
      JSON.stringify([name, minutes]),
      () => documentText(lastMinutes(server, minutes)),
    );
    return text === null ? tooMany("documents") : new Response(text, { headers });
  }

  /** What a viewer sees now. */
  #parts({ server: name, layouts }: Viewed): Part[] {
    const { history, messages, watching } = this.#options;
    if (name === null) {
      return overviewParts({
        servers: history.servers,
        watching: watching(),
        messages: messages.all,
      });
    }
    const server = history.get(name);
    if (server === undefined) return unknownParts(name);
    return [...factParts(server), ...detailParts(server, this.#charts(name, layouts))];
  }

  #charts(name: string, layouts: readonly LayoutName[]) {
    const parts = this.#drawings.newest(name, layouts);
    const { problem, memoryBytes } = this.#drawings;
    return { parts, problem, memoryBytes };
  }

  #change(server: string): void {
    this.#changed.add(server);
    this.#collecting ??= setTimeout(() => {
      this.#collecting = undefined;
      for (const viewed of this.#viewers.viewed) {
        if (viewed.server === null || this.#changed.has(viewed.server)) this.#show(viewed);
      }
      this.#changed.clear();
    }, COLLECT_MS);
  }

  #show(viewed: Viewed): void {
    this.#viewers.show(viewed, this.#parts(viewed));
  }

  /** Draws what is looked at, if it is time; drops what no one looks at. */
  #look(): void {
    const { viewed } = this.#viewers;
    this.#drawings.prune();
    for (const each of viewed) {
      const server = each.server === null ? undefined : this.#options.history.get(each.server);
      if (server === undefined || !this.#drawings.isDue(server, each.layouts)) continue;
      this.#drawings.draw(server, each.layouts).then(() => this.#show(each));
    }
  }
}

/** Waits for work, but not too long. */
async function inTime(work: Promise<unknown>, milliseconds: number): Promise<void> {
  const over = new AbortController();
  const late = pause(milliseconds, null, { signal: over.signal }).catch(() => {});
  await Promise.race([work, late]);
  over.abort();
}

function tooMany(what: string): Response {
  const words = `Too many ${what} at once: try again in a few seconds\n`;
  return new Response(words, { status: 503, headers: { "retry-after": "5" } });
}

function served(text: string, type: string): Response {
  // The address has the build.
  const headers = {
    "content-type": `${type}; charset=utf-8`,
    "cache-control": "max-age=86400",
    "x-content-type-options": "nosniff",
  };
  return new Response(text, { headers });
}

function problem(status: number, words: string): Response {
  return new Response(`${oneLine(words)}\n`, { status });
}
