/**
 * Runs the watch loop while work is done, so that tests and benchmarks know what happens meanwhile.
 *
 * @module
 */

import { describeServer } from "../../discovery/servers.ts";
import type { MetricsDocument } from "../../metrics/document.ts";
import { WindowBuilder } from "../../metrics/windows.ts";
import { watch, type WatchOptions } from "../../probes/monitoring_loop.ts";

/**
 * Watches a server from before some work begins until it has ended.
 *
 * @param server its process id.
 * @param options `durationMs` is the longest time, in milliseconds.
 * @param work starts with the first sample; the watch ends with it.
 * @returns the document, and the result of the work.
 * @throws {Error} when nothing was watched, or when the work throws.
 */
export async function watchWhile<T>(
  { pid }: { readonly pid: number },
  options: Omit<WatchOptions, "server" | "signal">,
  work: () => Promise<T>,
): Promise<{ readonly document: MetricsDocument; readonly result: T }> {
  const stop = new AbortController();
  const windows = new WindowBuilder();
  let working: Promise<T> | null = null;
  const server = await describeServer(pid);
  for await (const record of watch({ ...options, server, signal: stop.signal })) {
    windows.next(record);
    if (record.type === "sample") working ??= work().finally(() => stop.abort());
  }
  if (working === null) throw new Error("Cannot compare, nothing was watched");
  return { document: windows.document(), result: await working };
}
