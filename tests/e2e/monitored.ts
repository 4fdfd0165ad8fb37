/** A monitor that runs beside a test's traffic. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { type CaptureRecord, readCapture } from "../../metrics/capture.ts";
import { type MetricsDocument, parseDocument } from "../../metrics/document.ts";
import { follow, type Followed, startScript, until } from "./run_script.ts";

const MONITOR = "tools/kea_monitor_complete.ts";

/** Longer than any test: a monitor is stopped when a test has seen enough. */
const DURATION = ["--duration", "1800"];

/** What a monitor that ended well has left. */
export interface Left {
  readonly document: MetricsDocument;
  /** What it said. */
  readonly stderr: string;
}

/** A monitor under way; disposing kills it and removes its folder. */
export interface Monitored extends Followed, AsyncDisposable {
  readonly folder: string;
  /** The records of its capture so far. */
  records(): Promise<CaptureRecord[]>;
  /** Waits for its end, which must be a good one. */
  left(): Promise<Left>;
  /** Ends it by ^C, or by another signal. */
  stop(signal?: Deno.Signal): Promise<Left>;
}

/**
 * Starts a monitor in a new folder and waits until its first sample is written.
 *
 * @param args without `--duration` it goes on until it is stopped.
 */
export async function startMonitor(
  pid: number,
  args: readonly string[] = [],
  { report = false, env = {} }: { report?: boolean; env?: Record<string, string> } = {},
): Promise<Monitored> {
  const folder = await Deno.makeTempDir({ prefix: "kea-monitor-test-" });
  const followed = follow(startScript(MONITOR, [
    ...["--server", String(pid), "-o", folder, ...report ? [] : ["--no-visualization"]],
    ...[...DURATION, ...args],
  ], { env }));
  const { child, end } = followed;
  let isOver = false;
  end.then(() => isOver = true);
  const capture = join(folder, "capture.ndjson");
  const left = async () => {
    const { code, stderr } = await end;
    assert.equal(code, 0, stderr);
    const text = await Deno.readTextFile(join(folder, "metrics.json"));
    return { document: parseDocument(JSON.parse(text)), stderr };
  };
  const hasSample = async () =>
    (await Deno.readTextFile(capture).catch(() => "")).includes('"sample"');
  await until(async () => isOver || await hasSample(), "the monitor has its first sample");
  return {
    ...followed,
    folder,
    records: async () => await Array.fromAsync(readCapture((await Deno.open(capture)).readable)),
    left,
    stop: (signal = "SIGINT") => {
      child.kill(signal);
      return left();
    },
    [Symbol.asyncDispose]: async () => {
      if (!isOver) child.kill("SIGKILL");
      await end;
      await Deno.remove(folder, { recursive: true });
    },
  };
}
