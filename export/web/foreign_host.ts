/**
 * A guard against DNS rebinding: a page from elsewhere whose name suddenly means this host.
 *
 * @module
 */

import { isIP } from "node:net";
import type { Refusal } from "./exchange.ts";

/**
 * Refuses a request whose `Host` is another one's name. A browser is the only client that a stranger can make
 * send it, and a browser names the stranger's host. Scrapers of a loopback address name an address, `localhost`,
 * or this host.
 *
 * @param host the header; scrapers of HTTP/1.0 have none.
 */
export function foreignHost(host: string | undefined): Refusal | null {
  const name = (host ?? "localhost").replace(/:\d*$/, "").toLowerCase();
  if (isIP(name.replace(/^\[(.*)\]$/, "$1")) !== 0) return null;
  const own = Deno.hostname().toLowerCase();
  // Not a name that only begins with this host's: a stranger's can, too.
  const isOwn = ["localhost", own].includes(name) || name.endsWith(".localhost");
  if (isOwn) return null;
  return { status: 421, why: "Expected this host's name in Host: localhost, or an address" };
}
