/**
 * Reports to the service manager, systemd: see sd_notify(3).
 *
 * @module
 */

import { sendDatagram } from "./libc.ts";
import { printable } from "./printable.ts";

/** What a service reports; the names are systemd's. */
export interface ServiceState {
  /** It has started. */
  readonly READY?: 1;
  /** It is about to end. */
  readonly STOPPING?: 1;
  /** It works. */
  readonly WATCHDOG?: 1;
  /** A line for people, in `systemctl status`. */
  readonly STATUS?: string;
  /** It needs this much longer to start or to stop, microseconds from now. */
  readonly EXTEND_TIMEOUT_USEC?: number;
}

/** The service manager that started this process. */
export class ServiceManager {
  readonly #socket: string;
  /** A service that reports nothing for so long is killed, milliseconds; null if it may. */
  readonly watchdogMs: number | null;

  /**
   * @param socket its path; `@` at the start stands for an abstract name.
   * @param watchdogMs see {@linkcode ServiceManager.watchdogMs}.
   */
  constructor(socket: string, watchdogMs: number | null) {
    this.#socket = socket;
    this.watchdogMs = watchdogMs;
  }

  /** The manager that the environment names; null when this process is not a service of type `notify`. */
  static fromEnvironment(variables: Pick<Deno.Env, "get"> = Deno.env): ServiceManager | null {
    const socket = variables.get("NOTIFY_SOCKET") ?? "";
    if (!/^[/@]./.test(socket)) return null;
    // Of another process, if a wrapper did not replace itself with this one.
    const isOurs = [undefined, String(Deno.pid)].includes(variables.get("WATCHDOG_PID"));
    const microseconds = Number(variables.get("WATCHDOG_USEC"));
    const hasWatchdog = isOurs && microseconds > 0;
    return new ServiceManager(socket, hasWatchdog ? microseconds / 1000 : null);
  }

  /** Reports, without waiting. @returns whether the manager got it. */
  report(state: ServiceState): boolean {
    const lines = Object.entries(state).map(([name, value]) =>
      `${name}=${printable(String(value))}\n`
    );
    return sendDatagram(this.#socket, lines.join(""));
  }
}
