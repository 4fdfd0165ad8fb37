/**
 * Runs the watch loop while work is done, so that tests and benchmarks know what happens meanwhile.
 *
 * @module
 */

import { describeServer } from "../../discovery/servers.ts";
import type { CaptureRecord } from "../../metrics/capture.ts";
import type { MetricsDocument } from "../../metrics/document.ts";
import { DocumentBuilder } from "../../metrics/document_builder.ts";
import { inThisProcess } from "../../probes/prepare.ts";
import { watch, type WatchOptions } from "../../probes/watch.ts";

/** How a server is watched; windows of a second, and no words, where nothing else is said. */
export interface Watching
  extends
    Omit<WatchOptions, "server" | "signal" | keyof typeof DEFAULTS>,
    Partial<Pick<WatchOptions, keyof typeof DEFAULTS>> {
  /** Sees each record of the capture, before the work begins with the first sample. */
  readonly see?: (record: CaptureRecord) => void;
}

const DEFAULTS = {
  intervalMs: 1000,
  durationMs: 3600_000,
  preparation: inThisProcess(),
  say: () => {},
};

/**
 * Watches a server from before some work begins until it has ended.
 *
 * @param server its process id.
 * @param work starts with the first sample; the watch ends with it.
 * @returns the document, and the result of the work.
 * @throws {Error} when nothing was watched, or when the work throws.
 */
export async function watchWhile<T>(
  { pid }: { readonly pid: number },
  { see, ...options }: Watching,
  work: () => Promise<T>,
): Promise<{ readonly document: MetricsDocument; readonly result: T }> {
  const stop = new AbortController();
  const windows = new DocumentBuilder();
  let working: Promise<T> | null = null;
  const server = await describeServer(pid);
  for await (const record of watch({ ...DEFAULTS, ...options, server, signal: stop.signal })) {
    windows.next(record);
    see?.(record);
    if (record.type !== "sample" || working !== null) continue;
    working = work().finally(() => stop.abort());
    // Its error is thrown when the watch has ended.
    working.catch(() => {});
  }
  if (working === null) throw new Error("Cannot compare, nothing was watched");
  return { document: windows.document(), result: await working };
}
