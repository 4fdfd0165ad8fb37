/**
 * The work of `deno task exporter`.
 *
 * @module
 */

import { findBpftrace } from "../../probes/bpftrace.ts";
import type { Profile } from "../../probes/programs.ts";
import { requireHost } from "../../probes/requirements.ts";
import { say } from "../../system/command_line.ts";
import { ServiceManager } from "../../system/notify.ts";
import { onEndSignals } from "../../system/signals.ts";
import { reportService } from "../service/service.ts";
import { ServiceStatus } from "../service/service_status.ts";
import { OtlpExport } from "../otlp/otlp_export.ts";
import type { OtlpSettings } from "../otlp/settings.ts";
import { LivePage } from "../page/live_page.ts";
import { RecentMessages } from "../page/recent_messages.ts";
import { Accumulator } from "../prometheus/accumulator.ts";
import type { Handler } from "../web/handler.ts";
import { routed, routesOf } from "../web/routes.ts";
import { exposeOwnCost } from "./own_cost.ts";
import { Fleet } from "./fleet.ts";
import { History } from "./history.ts";

/** Options of {@linkcode runExporter}. */
export interface ExporterOptions {
  /** Process ids, `dhcp4`, `dhcp6`; all servers without any. */
  readonly chosen: readonly string[];
  readonly profile: Profile;
  readonly intervalMs: number;
  /** Host and port. */
  readonly address: string;
  readonly path: string;
  /** The most label sets of a family on one server. */
  readonly limit: number;
  /** Where OTLP is sent; nowhere for null. */
  readonly otlp: OtlpSettings | null;
}

/** The address where it listens cannot be used. */
export class AddressError extends Error {
  override name = "AddressError";
}

/**
 * Watches and serves until a signal comes.
 *
 * @returns the exit status.
 */
export async function runExporter(options: ExporterOptions): Promise<number> {
  const { chosen, profile, intervalMs, limit, path } = options;
  requireHost();
  const stop = new AbortController();
  using _signals = onEndSignals(() => stop.abort());
  const accumulator = new Accumulator(limit);
  using _cost = exposeOwnCost(accumulator);
  const bpftrace = await findBpftrace();
  const status = new ServiceStatus();
  const history = new History();
  const messages = new RecentMessages();
  const fleet = new Fleet({
    ...{ profile, bpftrace, intervalMs, accumulator },
    say: (line) => {
      messages.add(line);
      say(line);
    },
    isChosen: ({ pid, family }) =>
      chosen.length === 0 || chosen.includes(String(pid)) || chosen.includes(`dhcp${family}`),
    observers: [status, history],
    signal: stop.signal,
  });
  await using page = new LivePage({ history, messages, watching: () => fleet.size });
  const routes = routesOf({ accumulator, path, bucketsPerOctave: 2, isReady: () => fleet.isReady });
  const server = listen(options.address, routed(new Map([...page.routes, ...routes])));
  say(`Listening on http://${server.addr.hostname}:${server.addr.port}${path}`);
  const otlp = options.otlp && await OtlpExport.start({ settings: options.otlp, accumulator, say });
  const running = fleet.run();
  using _service = reportService({
    ...{ manager: ServiceManager.fromEnvironment(), status, signal: stop.signal },
    servers: () => fleet.size,
  });
  await running;
  // Its viewers would hold the server.
  await page[Symbol.asyncDispose]();
  await otlp?.end();
  await server.shutdown();
  return 0;
}

function listen(
  address: string,
  handler: Handler,
): Deno.HttpServer<Deno.NetAddr> {
  const [, hostname, port] = /^\[?([^\]]*?)\]?:(\d{1,5})$/.exec(address) ?? [];
  if (port === undefined || Number(port) > 65_535) {
    throw new AddressError(`Cannot listen on "${address}": expected host:port`);
  }
  try {
    return Deno.serve(
      { hostname: hostname || "0.0.0.0", port: Number(port), onListen: () => {} },
      handler,
    );
  } catch (error) {
    throw new AddressError(`Cannot listen on ${address}, ${(error as Error).message}`);
  }
}
