/**
 * The exporter as a service of systemd: when it has started, what it does, and that it works.
 *
 * @module
 */

import { say } from "../../system/command_line.ts";
import type { ServiceManager, ServiceState } from "../../system/notify.ts";
import type { ServiceStatus } from "./service_status.ts";

/** What is reported. */
export interface ServiceOptions {
  /** Null if no manager asked for reports. */
  readonly manager: ServiceManager | null;
  readonly status: ServiceStatus;
  /** How many servers run. */
  readonly servers: () => number;
  /** Its abort is the start of the end. */
  readonly signal: AbortSignal;
}

/** How often the state is reported at most, milliseconds. */
const PERIOD_MS = 5000;

/** The same until the start is over. */
const STARTING_MS = 500;

/** How much time is asked for while it starts or ends, and how long in all, milliseconds. */
const [EXTENSION_MS, LONGEST_EXTENSION_MS] = [30_000, 300_000];

/**
 * The longest time without a record of a server that is attached anew, milliseconds: it is described twice and its
 * program prepared, 120 s each at most, and attached, 300 s. One server that makes this slow must not end the watch of
 * all others.
 */
const LONGEST_SILENCE_MS = 660_000;

/**
 * Reports until disposed.
 *
 * The start is over when each server that runs has been read once; at once if there is none, because the
 * service then waits for one. The watchdog is served only while readings come of every server: a watch that is
 * stuck for longer than attaching may take makes systemd restart the service.
 */
export function reportService({ manager, status, servers, signal }: ServiceOptions): Disposable {
  if (manager === null) return { [Symbol.dispose]: () => {} };
  const { watchdogMs } = manager;
  const period = Math.min(PERIOD_MS, (watchdogMs ?? Infinity) / 3);
  const limitMs = watchdogMs === null ? Infinity : Math.max(2 * watchdogMs, LONGEST_SILENCE_MS);
  const started = performance.now();
  let [isReady, isStuck, reported] = [false, false, ""];
  let timer: ReturnType<typeof setTimeout> | undefined;

  const turn = () => {
    const count = servers();
    const text = status.text(count);
    const isNowReady = isReady || status.isSettled(count);
    const silent = status.silent(limitMs);
    if (silent !== null && !isStuck) {
      say(`No reading of ${silent} came: the service manager has to restart this`, "error");
    }
    isStuck = silent !== null;
    const state: ServiceState = {
      ...(text === reported ? {} : { STATUS: text }),
      ...(isNowReady && !isReady ? { READY: 1 } : {}),
      ...(isNowReady || !mayExtend(started) ? {} : { EXTEND_TIMEOUT_USEC: 1000 * EXTENSION_MS }),
      ...(isStuck || watchdogMs === null ? {} : { WATCHDOG: 1 }),
    };
    if (Object.keys(state).length > 0 && manager.report(state)) {
      [isReady, reported] = [isNowReady, text];
    }
    timer = setTimeout(turn, isReady ? period : Math.min(period, STARTING_MS));
  };

  const onAbort = () => {
    clearTimeout(timer);
    manager.report({
      STOPPING: 1,
      STATUS: "Detaching the probes",
      EXTEND_TIMEOUT_USEC: 1000 * EXTENSION_MS,
    });
  };
  signal.addEventListener("abort", onAbort, { once: true });
  // The first look at the host comes in this turn of the event loop.
  timer = setTimeout(turn, 0);
  return {
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    },
  };
}

function mayExtend(started: number): boolean {
  return performance.now() - started < LONGEST_EXTENSION_MS;
}
