/**
 * The work of `deno task monitor`: one server watched, one folder of files, one summary.
 *
 * @module
 */

import { join } from "node:path";
import { createCapture } from "../metrics/capture_file.ts";
import { type MetricsDocument } from "../metrics/document.ts";
import { WindowBuilder } from "../metrics/windows.ts";
import { replaceFile } from "../metrics/replace_file.ts";
import { chooseServer } from "../discovery/servers.ts";
import type { Server } from "../discovery/types.ts";
import { findBpftrace } from "../probes/bpftrace.ts";
import { watch } from "../probes/monitoring_loop.ts";
import { planFor } from "../probes/prepare.ts";
import { BpfStatistics } from "../probes/price.ts";
import { requireHost } from "../probes/requirements.ts";
import type { Profile } from "../probes/sources.ts";
import { summary } from "../viz/summary.ts";
import { planText } from "./plan_text.ts";

/** Options of `deno task monitor`; times in seconds. */
export interface MonitorOptions {
  readonly server?: string;
  readonly profile: Profile;
  readonly duration: number;
  readonly interval: number;
  /** Folder for the files; a new one in the person's folder without it. */
  readonly output?: string;
  readonly json: boolean;
  readonly plan: boolean;
  readonly strict: boolean;
}

/**
 * Watches a server and writes `capture.ndjson` and `metrics.json`.
 *
 * Everything for people goes to standard error: what happens, a line a window, the summary.
 *
 * @returns the exit status.
 */
export async function monitor(options: MonitorOptions): Promise<number> {
  await requireHost();
  const server = await chooseServer(options.server);
  if (options.plan) {
    const made = await planFor(server, options.profile);
    console.log(options.json ? JSON.stringify(made, null, 2) : planText(made));
    return 0;
  }
  const bpftrace = await findBpftrace();
  const folder = await makeFolder(options.output ?? defaultFolder(server));
  using capture = await createCapture(join(folder, "capture.ndjson"));
  await using statistics = await BpfStatistics.enable();
  if (statistics === null) say("The kernel does not tell the time of BPF programs");
  const stop = new AbortController();
  using _ = stoppedBySignals(stop);

  const windows = new WindowBuilder();
  for await (
    const record of watch({
      server,
      profile: options.profile,
      bpftrace,
      intervalMs: options.interval * 1000,
      durationMs: options.duration * 1000,
      signal: stop.signal,
      say,
    })
  ) {
    capture.append(record);
    const window = windows.next(record);
    if (window !== null) say(windowLine(window, options.duration));
  }
  const document = windows.document();
  await replaceFile(join(folder, "metrics.json"), JSON.stringify(document));
  await finish(document, folder, options);
  return options.strict && document.capture.verdict === "PARTIAL" ? 3 : 0;
}
