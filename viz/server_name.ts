/**
 * What a person calls a server, and when it was watched.
 *
 * @module
 */

import type { MetricsDocument } from "../metrics/document.ts";

/** The server as headings name it: "Kea DHCPv4 on vm"; as much of it as is known. */
export function serverName({ family, host }: MetricsDocument["server"]): string {
  return `Kea${family === undefined ? "" : ` DHCPv${family}`}` +
    (host === undefined ? "" : ` on ${host}`);
}

/** An instant of a document to the second: "2026-11-23 19:41:40 UTC". */
export function utc(time: string): string {
  return `${time.slice(0, 19).replace("T", " ")} UTC`;
}
