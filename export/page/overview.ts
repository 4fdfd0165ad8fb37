/**
 * All servers of the host, each in a row.
 *
 * @module
 */

import { escaped } from "../../system/printable.ts";
import { lastHour } from "../history/history_document.ts";
import type { ServerHistory } from "../history/server_history.ts";
import { badgeHtml, badgeOf, momentOf, tileHtml, tilesOf } from "./glance.ts";
import type { Message } from "./recent_messages.ts";
import type { Part } from "./view.ts";

/** What the overview shows beside its servers. */
export interface OverviewFacts {
  readonly servers: readonly ServerHistory[];
  /** Processes whose watch has begun, those without a reading included. */
  readonly watching: number;
  /** What the exporter said, the newest last. */
  readonly messages: readonly Message[];
}

/** The parts of the overview. */
export function overviewParts({ servers, watching, messages }: OverviewFacts): Part[] {
  return [
    ...servers.length === 0 ? [waiting(watching)] : servers.map(serverRow),
    ...messages.length === 0 ? [] : [said(messages)],
  ];
}

/** The id of a server's part, whatever is in its name. */
function idOf({ name }: ServerHistory): string {
  return `server-${encodeURIComponent(name).replaceAll("'", "%27")}`;
}

/** Where a server's page is, from any page. */
function pageOf(name: string): string {
  return `?server=${encodeURIComponent(name)}`;
}

function waiting(watching: number): Part {
  const html = watching > 0
    ? `<section class="waiting"><h2>Attaching the probes</h2>
<p>${watching === 1 ? "A server was" : `${watching} servers were`} found. The first numbers come in
about a minute at most.</p></section>`
    : `<section class="waiting"><h2>Waiting for a Kea DHCP server</h2>
<p>The exporter looks for processes of kea-dhcp4 and kea-dhcp6 every second, and finds none that it should
watch. A server that starts appears here by itself.</p></section>`;
  return { id: "waiting", container: "top", html };
}

function serverRow(server: ServerHistory): Part {
  const { name, state, header, processes } = server;
  const last = lastHour(server);
  const facts = header === null ? [] : [
    `Kea ${header.server.version}`,
    `DHCPv${header.server.family}`,
    `process ${header.server.pid}`,
    `profile ${header.profile}`,
  ];
  const since = state === "gone" || state === "unwatched"
    ? `${state === "gone" ? "Gone" : "Not watched"} since ${momentOf(server.goneAt!)}`
    : processes.length === 0
    ? ""
    : `Watched since ${momentOf(processes.at(-1)!.from)}`;
  const restarts = processes.length - 1;
  const times = restarts <= 0 ? "" : `, restarted ${restarts === 1 ? "once" : `${restarts} times`}`;
  const reasons = last.head.capture.reasons;
  const html = `<article class="server ${state}">
<div class="name"><h2><a href="${pageOf(name)}">${escaped(name)}</a></h2>
${badgeHtml(badgeOf(server, last))}
<p>${escaped(facts.join(", "))}</p><p>${escaped(since + times)}</p>${
    reasons.length === 0
      ? ""
      : `<p class="reason">${escaped(reasons[0]!)}${
        reasons.length === 1 ? "" : ` (and ${reasons.length - 1} more)`
      }</p>`
  }</div>
<dl class="tiles">${
    tilesOf(last, state === "watched" && !server.isLate()).map(tileHtml).join("")
  }</dl></article>`;
  return { id: idOf(server), container: "top", html };
}

function said(messages: readonly Message[]): Part {
  const rows = messages.toReversed().map(({ time, text }) =>
    `<li><time datetime="${new Date(time).toISOString()}">${momentOf(time)}</time> ${
      escaped(text)
    }</li>`
  );
  const html = `<section class="messages"><h2>Messages of the exporter</h2><ul>${
    rows.join("\n")
  }</ul></section>`;
  return { id: "messages", container: "top", html };
}
