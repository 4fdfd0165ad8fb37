/**
 * The work of `deno task exporter`.
 *
 * @module
 */

import { findBpftrace } from "../../probes/bpftrace.ts";
import type { CountingOptions } from "../../probes/packet_counting.ts";
import type { Profile } from "../../probes/programs.ts";
import { requireHost } from "../../probes/requirements.ts";
import { say } from "../../system/command_line.ts";
import { ServiceManager } from "../../system/notify.ts";
import { onEndSignals } from "../../system/signals.ts";
import { reportService } from "../service/report_service.ts";
import { ServiceStatus } from "../service/service_status.ts";
import { OtlpExport } from "../otlp/otlp_export.ts";
import type { OtlpSettings } from "../otlp/settings.ts";
import { LivePage } from "../page/live_page.ts";
import { RecentMessages } from "../page/recent_messages.ts";
import { Accumulator } from "../prometheus/accumulator.ts";
import { SlowExemplars } from "../prometheus/slow_exemplars.ts";
import { Textfile } from "../prometheus/textfile.ts";
import { routed, routesOf } from "../web/routes.ts";
import { startWeb, type WebOptions } from "../web/start_web.ts";
import { isChosen, isNamed } from "./chosen_servers.ts";
import { exposeOwnCost } from "./own_cost.ts";
import { Fleet } from "./fleet.ts";
import { History } from "../history/history.ts";
import { type SlowSettings, SlowThresholds } from "./slow_thresholds.ts";

/** Options of {@linkcode runExporter}. */
export interface ExporterOptions {
  /** Process ids, units, `dhcp4`, `dhcp6`; all servers without any. */
  readonly chosen: readonly string[];
  readonly profile: Profile;
  readonly intervalMs: number;
  /** What is counted beyond the profile. */
  readonly counting: CountingOptions;
  readonly web: WebOptions;
  /** Where the metrics are. */
  readonly path: string;
  /** The most label sets of a family on one server. */
  readonly limit: number;
  /** Which packets are listed as slow; none for null. */
  readonly slow: SlowSettings | null;
  /** Whether slow packets are exemplars of the processing time. */
  readonly hasExemplars: boolean;
  /** The file for the textfile collector of node_exporter; none for null. */
  readonly textfile: string | null;
  /** Where OTLP is sent; nowhere for null. */
  readonly otlp: OtlpSettings | null;
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
  const bpftrace = await findBpftrace();
  const status = new ServiceStatus();
  const history = new History();
  const messages = new RecentMessages();
  await using textfile = options.textfile === null
    ? null
    : new Textfile({ path: options.textfile, accumulator, say });
  const fleet = new Fleet({
    ...{ profile, bpftrace, intervalMs, accumulator, counting: options.counting },
    say: (line, level) => {
      messages.add(line);
      say(line, level);
    },
    isChosen: (kea) => isChosen(kea, chosen),
    isNamed: (kea) => isNamed(kea, chosen),
    observers: [
      ...[status, history],
      ...options.hasExemplars ? [new SlowExemplars(accumulator)] : [],
      ...textfile === null ? [] : [textfile],
    ],
    ...options.slow === null ? {} : { slow: new SlowThresholds(options.slow) },
    signal: stop.signal,
  });
  await using page = new LivePage({ history, messages, watching: () => fleet.size });
  using _cost = exposeOwnCost(accumulator, () => page.drawingBytes);
  const routes = routesOf({ accumulator, path, bucketsPerOctave: 2, isReady: () => fleet.isReady });
  await using _web = await startWeb(options.web, routed(new Map([...page.routes, ...routes])), say);
  const otlp = options.otlp && await OtlpExport.start({ settings: options.otlp, accumulator, say });
  const running = fleet.run();
  using _service = reportService({
    ...{ manager: ServiceManager.fromEnvironment(), status, signal: stop.signal },
    servers: () => fleet.size,
  });
  await running;
  await otlp?.end();
  return 0;
}
