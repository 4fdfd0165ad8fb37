/**
 * One server in depth.
 *
 * @module
 */

import { escaped } from "../../system/printable.ts";
import { duration } from "../../viz/format.ts";
import { plural } from "../../viz/series.ts";
import { slowTable } from "../../viz/report/account.ts";
import { tableHtml } from "../../viz/report/table_html.ts";
import { lastHour, type LastMinutes } from "../history/history_document.ts";
import type { ServerHistory } from "../history/server_history.ts";
import { documentPath } from "./document_path.ts";
import type { DrawnPart } from "./drawing/messages.ts";
import { badgeHtml, badgeOf, machineTiles, momentOf, tileHtml, tilesOf } from "./glance.ts";
import type { Part } from "./view.ts";

/** What the drawing process has made, or why it has not. */
export interface DrawnCharts {
  /** Null if nothing was drawn so far. */
  readonly parts: readonly DrawnPart[] | null;
  readonly problem: string | null;
  /** Memory of the drawing process, bytes; null if it does not run. */
  readonly memoryBytes: number | null;
}

/** The parts of a server's page that need no drawing: they come first. */
export function factParts(server: ServerHistory): Part[] {
  const last = lastHour(server);
  const isThere = server.state === "watched" && !server.isLate();
  const tiles = [...tilesOf(last, isThere), ...machineTiles(last, isThere)];
  return [
    { id: "facts", container: "top", html: facts(server, last) },
    {
      id: "numbers",
      container: "top",
      html: `<dl class="tiles">${tiles.map(tileHtml).join("")}</dl>`,
    },
    ...verdict(server, last),
  ];
}

/** The parts that follow: charts, slow packets, and what is not available. */
export function detailParts(server: ServerHistory, charts: DrawnCharts): Part[] {
  const last = lastHour(server);
  const drawn = charts.parts ?? [];
  const part = ({ id, column, html }: DrawnPart): Part => ({ id, container: column, html });
  return [
    ...state(server, last, charts),
    ...drawn.filter(({ column }) => column === "top").map(part),
    ...drawn.filter(({ column }) => column === "left").map(part),
    ...slow(server, last),
    ...drawn.filter(({ column }) => column === "right").map(part),
    ...notAvailable(server, last),
    ...about(charts),
  ];
}

/** The parts of a page whose server is not known. */
export function unknownParts(name: string): Part[] {
  const html = `<section class="waiting"><h1>${escaped(name)}</h1>
<p>No server of this name has been watched since the exporter started. If it starts, it appears here by
itself. <a href="./">All servers of this host</a></p></section>`;
  return [{ id: "facts", container: "top", html }];
}

function facts(server: ServerHistory, last: LastMinutes): string {
  const { name, header, processes, state } = server;
  const restarts = processes.slice(1).map(({ from }) => momentOf(from));
  const of = header?.server;
  const rows: [string, string | undefined][] = [
    ["Version", of === undefined ? undefined : `Kea ${of.version}, DHCPv${of.family}`],
    ["Process", of?.pid.toString()],
    ["Program", of?.executable],
    ["Host", of?.host],
    ["Profile", header?.profile],
    ["Watched since", processes.length === 0 ? undefined : momentOf(processes.at(-1)!.from)],
    [
      "Restarts",
      restarts.length === 0 ? "none" : `${restarts.length}, the last at ${restarts.at(-1)}`,
    ],
    ["Newest reading", server.lastReading === null ? "none" : momentOf(server.lastReading)],
    ...state === "gone" || state === "unwatched"
      ? [[state === "gone" ? "Gone since" : "Not watched since", momentOf(server.goneAt!)]] as [
        string,
        string,
      ][]
      : [],
  ];
  return `<div class="heading"><h1>${escaped(name)}</h1>${badgeHtml(badgeOf(server, last))}</div>
<dl class="facts">${
    rows.flatMap(([term, fact]) =>
      fact === undefined ? [] : [`<div><dt>${term}</dt><dd>${escaped(fact)}</dd></div>`]
    ).join("")
  }</dl>`;
}

function verdict({ notes }: ServerHistory, { head: { capture } }: LastMinutes): Part[] {
  if (capture.reasons.length === 0) return [];
  const since = new Map(notes.map(({ reason, from }) => [reason, from]));
  const item = (reason: string) => {
    const from = since.get(reason);
    return from === undefined ? escaped(reason) : `${escaped(reason)} (${momentOf(from)})`;
  };
  const html = `<section class="reasons"><h2>Why the last hour is partial</h2><ul>${
    capture.reasons.map((reason) => `<li>${item(reason)}</li>`).join("")
  }</ul></section>`;
  return [{ id: "reasons", container: "top", html }];
}

/** Words in place of charts, or about them. */
function state(
  server: ServerHistory,
  { windows }: LastMinutes,
  { parts, problem }: DrawnCharts,
): Part[] {
  const words = problem !== null
    ? `The charts cannot be drawn now: ${problem}. The exporter tries again.` +
      (parts === null ? "" : " Shown are older ones.")
    : windows.length === 0
    ? server.state === "starting"
      ? "The probes are being attached. Charts appear after the first reading."
      : "Nothing was measured in the last hour."
    : parts === null
    ? "The charts are being drawn."
    : null;
  if (words === null) return [];
  return [{ id: "drawing", container: "top", html: `<p class="state">${escaped(words)}</p>` }];
}

function slow({ name }: ServerHistory, { head: { slow } }: LastMinutes): Part[] {
  if (slow === undefined) {
    const html =
      `<section><h2>Slow packets</h2><p>They are not listed. An exporter that is started with
<code>--slow auto</code> lists them, with hashed clients.</p></section>`;
    return [{ id: "slow", container: "left", html }];
  }
  const { packets, omitted, threshold_ns } = slow;
  const sentence =
    `${plural(packets.length, "packet")} took longer than ${duration(threshold_ns)}` +
    (omitted === 0 ? "." : `, and ${omitted} more, not listed.`);
  const html = `<section><h2>Slow packets</h2><p>${sentence}</p>${
    packets.length === 0
      ? ""
      : tableHtml(slowTable(packets), { document: documentPath(name), name: "Slow packets" })
  }</section>`;
  return [{ id: "slow", container: "left", html }];
}

function notAvailable({ name }: ServerHistory, { head: { capture } }: LastMinutes): Part[] {
  if (capture.not_available.length === 0) return [];
  const rows = capture.not_available.map(({ metric, why }) => [metric, why]);
  const html = `<section class="not-available"><h2>Not available, and why</h2>${
    tableHtml({ columns: ["metric", "why"], rows }, {
      document: documentPath(name),
      name: "Not available, and why",
    })
  }</section>`;
  return [{ id: "not-available", container: "right", html }];
}

/** What looking at the page needs beside the exporter. */
function about({ memoryBytes }: DrawnCharts): Part[] {
  if (memoryBytes === null || memoryBytes === 0) return [];
  const size = 10 * Math.ceil(memoryBytes / 2 ** 20 / 10);
  const html =
    `<p class="about">Charts are drawn by a process beside the exporter, which has about ${size} MiB
and ends a minute after the last viewer has gone.</p>`;
  return [{ id: "about", container: "right", html }];
}
