/**
 * The drawing process of the page: the exporter starts it when a viewer comes, so that Vega is not in the
 * exporter. It has no rights but to read its own program.
 *
 * @module
 */

import process from "node:process";
import { inflateRawSync } from "node:zlib";
import type { Window } from "../../../metrics/document.ts";
import { print } from "../../../system/command_line.ts";
import { linesOf } from "../../../system/lines.ts";
import { drawParts } from "./draw_parts.ts";
import type { ToDrawing } from "./messages.ts";

/** The windows of each server, by number. */
const servers = new Map<string, Map<number, Window>>();

for await (const { text, isWhole } of linesOf(Deno.stdin.readable)) {
  if (!isWhole) break;
  const message = JSON.parse(text) as ToDrawing;
  if (message.type === "windows") keep(message);
  if (message.type === "forget") servers.delete(message.server);
  if (message.type !== "draw") continue;
  const before = process.cpuUsage();
  const { id, server, head, pending, layouts } = message;
  const windows = [...servers.get(server)?.entries() ?? []]
    .toSorted(([a], [b]) => a - b).map(([, window]) => window);
  const parts = await drawParts(server, { head, windows, pending }, layouts);
  const { user, system } = process.cpuUsage(before);
  print(`${JSON.stringify({ id, parts, cpuSeconds: (user + system) / 1e6 })}\n`);
}

function keep({ server, first, windows }: Extract<ToDrawing, { type: "windows" }>): void {
  const kept = servers.getOrInsertComputed(server, () => new Map<number, Window>());
  for (const number of kept.keys()) if (number < first) kept.delete(number);
  for (const [number, bytes] of windows) {
    kept.set(number, JSON.parse(inflateRawSync(Uint8Array.fromBase64(bytes)).toString()));
  }
}
