/** A monitor that runs beside a test's traffic. */

import { join } from "node:path";
import { parseDocument } from "../../metrics/document.ts";
import type { MetricsDocument, Series } from "../../metrics/document.ts";
import { type Finished, finished, startScript, until } from "./run_script.ts";

const MONITOR = "tools/kea_monitor_complete.ts";

/** A monitor under way. */
export interface Monitored {
  readonly child: Deno.ChildProcess;
  readonly folder: string;
  /** Waits for its end. */
  readonly end: () => Promise<Finished>;
}

/** Starts a monitor in a new folder and waits until its first sample is written. */
export async function startMonitor(pid: number, args: readonly string[]): Promise<Monitored> {
  const folder = await Deno.makeTempDir({ prefix: "kea-monitor-test-" });
  const child = startScript(MONITOR, ["--server", String(pid), "-o", folder, ...args]);
  const end = finished(child);
  const capture = join(folder, "capture.ndjson");
  let over = false;
  end.then(() => over = true);
  await until(
    async () => over || (await Deno.readTextFile(capture).catch(() => "")).includes('"sample"'),
    30,
    "the monitor has its first sample",
  );
  return { child, folder, end: () => end };
}

/** The document that a monitor left; its folder is removed. */
export async function documentIn({ folder }: Monitored): Promise<MetricsDocument> {
  const text = await Deno.readTextFile(join(folder, "metrics.json"));
  await Deno.remove(folder, { recursive: true });
  return parseDocument(JSON.parse(text));
}

/** The count or value of one series of the totals; 0 when it is not there. */
export function total(
  document: MetricsDocument,
  metric: string,
  labels: Readonly<Record<string, string>>,
  unit?: string,
): number {
  const found = document.totals.filter((series) =>
    series.metric === metric && (unit === undefined || series.unit === unit) &&
    Object.entries(labels).every(([name, value]) => series.labels[name] === value)
  );
  return found.reduce((sum, series) => sum + amount(series), 0);
}

function amount(series: Series): number {
  return series.kind === "histogram" ? series.count : Number(series.value);
}
