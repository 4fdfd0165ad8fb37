/**
 * The servers of the host for programs: `/api/v1/servers`.
 *
 * @module
 */

import type { History } from "../history/history.ts";
import { lastHour } from "../history/history_document.ts";
import type { ServerHistory } from "../history/server_history.ts";

/** Each server: what it is, whether it is watched, and the numbers of the last hour. */
export function serversJson({ servers }: History): unknown {
  return { servers: servers.map(serverJson) };
}

function serverJson(server: ServerHistory): unknown {
  const { head: { capture }, windows } = lastHour(server);
  const sum = (name: "received" | "answered" | "unanswered" | "dropped") =>
    windows.reduce((all, { numbers }) => all + numbers[name], 0);
  const iso = (time: number | null | undefined) =>
    time == null ? null : new Date(time).toISOString();
  return {
    name: server.name,
    state: server.state,
    ...server.header?.server,
    profile: server.header?.profile ?? null,
    verdict: capture.verdict,
    reasons: capture.reasons,
    watched_since: iso(server.processes.at(-1)?.from),
    restarts: Math.max(0, server.processes.length - 1),
    gone_since: iso(server.goneAt),
    newest_reading: iso(server.lastReading),
    from: capture.started,
    received: sum("received"),
    answered: sum("answered"),
    unanswered: sum("unanswered"),
    kernel_dropped: sum("dropped"),
  };
}
