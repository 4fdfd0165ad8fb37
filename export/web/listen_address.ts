/**
 * Where the exporter listens.
 *
 * @module
 */

import type { AddressInfo } from "node:net";
import { resolveUserPath } from "../../system/command_line.ts";

/** A TCP address, a Unix socket, or a socket that systemd opened. */
export type ListenAddress =
  | { readonly host: string; readonly port: number }
  | { readonly path: string }
  | { readonly fd: number };

/** An address where it should listen cannot be used. */
export class AddressError extends Error {
  override name = "AddressError";
}

/**
 * Reads an address: `HOST:PORT`, `[HOST]:PORT`, `:PORT` for all addresses, or `unix:PATH`.
 *
 * @throws {AddressError} for any other.
 */
export function listenAddress(text: string): ListenAddress {
  const path = /^unix:(.+)$/s.exec(text)?.[1];
  if (path !== undefined) return { path: resolveUserPath(path) };
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65_535) {
    throw new AddressError(`Cannot listen on "${text}": expected HOST:PORT or unix:PATH`);
  }
  return { host: bracketed ?? plain ?? "", port: Number(port) };
}

/** The first socket that systemd hands over, sd_listen_fds(3). */
const FIRST_FD = 3;

/**
 * The sockets that systemd opened for this process. They are removed from the environment, so that no child
 * takes them for its own.
 *
 * @param isRequired whether there must be one.
 * @throws {AddressError} when there is none, and one is required.
 */
export function systemdSockets(isRequired: boolean): ListenAddress[] {
  const pid = Deno.env.get("LISTEN_PID");
  const count = Number(Deno.env.get("LISTEN_FDS"));
  for (const name of ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]) Deno.env.delete(name);
  if (pid !== String(Deno.pid) || !Number.isInteger(count) || count < 1) {
    if (!isRequired) return [];
    const found = pid === undefined ? "no LISTEN_PID" : `LISTEN_PID ${pid}, this is ${Deno.pid}`;
    throw new AddressError(
      `Cannot find a socket of systemd (${found}): start it from a socket unit`,
    );
  }
  return Array.from({ length: count }, (_, at) => ({ fd: FIRST_FD + at }));
}

/** An address, for people. */
export function addressText(address: ListenAddress): string {
  if ("path" in address) return `unix:${address.path}`;
  if ("fd" in address) return `descriptor ${address.fd}`;
  const { host, port } = address;
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Whether only this host reaches an address where a server listens, as it says when it is bound. */
export function isLoopback(bound: AddressInfo | string | null): boolean {
  return typeof bound === "object" && bound !== null &&
    /^(::ffff:)?127(\.\d{1,3}){3}$|^::1$/i.test(bound.address);
}
