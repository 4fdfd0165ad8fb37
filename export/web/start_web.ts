/**
 * Starts the exporter's web server as the command line says.
 *
 * @module
 */

import { resolveUserPath, type Say } from "../../system/command_line.ts";
import type { Handler } from "./handler.ts";
import { listenAddress, systemdSockets } from "./listen_address.ts";
import { WebSecurity } from "./web_security.ts";
import { WebServer } from "./web_server.ts";

/** Where the exporter listens if nothing else is said. */
export const DEFAULT_ADDRESS = "127.0.0.1:10047";

/** Options of the web server, named as those of other exporters. */
export interface WebOptions {
  /** `HOST:PORT` or `unix:PATH`. */
  readonly addresses: readonly string[];
  /** Whether systemd must have opened a socket; those that it has opened are used in any case. */
  readonly isSocketActivated: boolean;
  /** The web configuration file. */
  readonly configFile: string | null;
}

/**
 * Starts the server; with no address at all, one that listens nowhere.
 *
 * @throws {AddressError | WebConfigError} when an address or the web configuration cannot be used.
 */
export async function startWeb(
  { addresses, isSocketActivated, configFile }: WebOptions,
  handler: Handler,
  say: Say,
): Promise<WebServer> {
  const security = new WebSecurity(configFile === null ? null : resolveUserPath(configFile), say);
  const web = await WebServer.start({
    addresses: [...addresses.map(listenAddress), ...systemdSockets(isSocketActivated)],
    ...{ handler, security, say },
  });
  for (const url of web.urls) say(`Listening on ${url}`);
  return web;
}
