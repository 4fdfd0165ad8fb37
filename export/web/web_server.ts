/**
 * The exporter's HTTP server: on every address the same, with limits, so that no client can stop the watch.
 *
 * @module
 */

import { lstatSync, unlinkSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { oneLine, type Say } from "../../system/command_line.ts";
import { reasonOf } from "../../system/reason.ts";
import { ConnectionLimit } from "./connection_limit.ts";
import { answer, type Refusal } from "./exchange.ts";
import type { Handler } from "./handler.ts";
import { foreignHost } from "./foreign_host.ts";
import { AddressError, addressText, isLoopback, type ListenAddress } from "./listen_address.ts";
import { Turns } from "./turns.ts";
import type { WebSecurity } from "./web_security.ts";

/** Options of {@linkcode WebServer.start}. */
export interface WebServerOptions {
  readonly addresses: readonly ListenAddress[];
  readonly handler: Handler;
  readonly security: WebSecurity;
  readonly say: Say;
}

/** The most connections at once. */
const MOST_CONNECTIONS = 256;

/** Limits of Node's server: bytes and milliseconds. */
const LIMITS = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 10_000,
  // Longer than the usual time between two scrapes, which then need no new connection.
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 1000,
};

/** How long a client may take for the handshake of TLS, milliseconds. */
const HANDSHAKE_MS = 10_000;

/** The servers that listen. Disposing ends them and their connections. */
export class WebServer implements AsyncDisposable {
  readonly #options: WebServerOptions;
  readonly #servers: { readonly server: Server | TlsServer; readonly address: ListenAddress }[] =
    [];
  readonly #connections = new ConnectionLimit(MOST_CONNECTIONS);

  private constructor(options: WebServerOptions) {
    this.#options = options;
  }

  /**
   * Listens on all addresses.
   *
   * @throws {AddressError} when one of them cannot be used; then it listens on none.
   */
  static async start(options: WebServerOptions): Promise<WebServer> {
    await using starting = new AsyncDisposableStack();
    const web = starting.use(new WebServer(options));
    for (const address of options.addresses) await web.#listen(address);
    starting.move();
    return web;
  }

  /** Where it listens: `http://HOST:PORT`, `https://...`, or `unix:PATH`. */
  get urls(): string[] {
    const scheme = this.#options.security.tls === null ? "http" : "https";
    return this.#servers.map(({ server, address }) => {
      const bound = server.address() as AddressInfo | string | null;
      if (bound === null || typeof bound === "string") return addressText(address);
      return `${scheme}://${addressText({ host: bound.address, port: bound.port })}`;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map(async ({ server, address }) => {
      const ended = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await ended;
      if ("path" in address) removeSocket(address.path);
    }));
  }

  async #listen(address: ListenAddress): Promise<void> {
    const { security } = this.#options;
    const { tls } = security;
    const server = tls === null
      ? createServer(LIMITS)
      : createTlsServer({ ...LIMITS, handshakeTimeout: HANDSHAKE_MS, ...tls });
    const turns = new Turns();
    const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse) => {
      // Sockets of systemd and other words for loopback have their address only when they are bound.
      const needsOwnHost = isLoopback(server.address()) && !security.knowsClients;
      turns.take(incoming.socket, () => this.#answer(incoming, outgoing, needsOwnHost));
    };
    server.on("request", onRequest);
    // No one is asked to send a body.
    server.on("checkContinue", onRequest);
    server.on("clientError", (_: Error, socket: Socket) => socket.destroy());
    server.prependListener("connection", (socket: Socket) => {
      this.#connections.admit(socket);
      security.refresh();
    });
    if (tls !== null) {
      // The context has all but whether clients are asked for a certificate.
      security.onTls((renewed) => {
        const { requestCert, rejectUnauthorized } = renewed;
        Object.assign(server, { requestCert, rejectUnauthorized });
        (server as TlsServer).setSecureContext(renewed);
      });
    }
    if ("path" in address) await makeRoom(address.path);
    await bind(server, address);
    this.#servers.push({ server, address });
  }

  async #answer(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    needsOwnHost: boolean,
  ): Promise<void> {
    const { handler, security, say } = this.#options;
    const { socket } = incoming;
    security.refresh();
    this.#connections.busy(socket);
    const refusal = async (request: IncomingMessage): Promise<Refusal | null> =>
      (needsOwnHost ? foreignHost(request.headers.host) : null) ??
        await security.refusal(request.headers.authorization);
    const { headers } = security;
    const onStream = () => this.#connections.idle(socket);
    try {
      await answer(incoming, outgoing, { handler, refusal, headers, onStream, say });
    } catch (error) {
      say(`Cannot answer a request: ${oneLine(error)}`, "error");
      outgoing.destroy();
    } finally {
      this.#connections.idle(socket);
    }
  }
}

async function bind(server: Server | TlsServer, address: ListenAddress): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.once("listening", resolve);
  try {
    if ("path" in address) server.listen({ path: address.path });
    else if ("fd" in address) server.listen({ fd: address.fd });
    else {server.listen({
        port: address.port,
        ...address.host === "" ? {} : { host: address.host },
      });}
    await promise;
  } catch (error) {
    throw new AddressError(`Cannot listen on ${addressText(address)}: ${reasonOf(error)}`);
  } finally {
    server.off("error", reject);
  }
  server.on("error", () => {});
}

/** Removes the socket of a process that has ended; one that is in use stays, and is refused. */
async function makeRoom(path: string): Promise<void> {
  const isSocket = lstatSync(path, { throwIfNoEntry: false })?.isSocket() ?? false;
  if (!isSocket) return;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const probe = connect({ path });
  probe.once("connect", () => resolve(true));
  // Only this means that no one listens: one that is busy refuses otherwise.
  probe.once("error", (error) => resolve(codeOf(error) !== "ECONNREFUSED"));
  const isUsed = await promise;
  probe.destroy();
  if (!isUsed) removeSocket(path);
}

function codeOf(error: Error): unknown {
  return "code" in error ? error.code : undefined;
}

function removeSocket(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // The server has removed it.
  }
}
