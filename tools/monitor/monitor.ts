/**
 * The work of `deno task monitor`: watches one server, writes its files and a summary.
 *
 * @module
 */

import { setTimeout as pause } from "node:timers/promises";
import { join } from "node:path";
import {
  ensureOutputFolder,
  makeOwnOutput,
  oneLine,
  print,
  say,
  sayStyled,
} from "../../system/command_line.ts";
import { type CaptureRecord, readCapture, type Traffic } from "../../metrics/capture.ts";
import type { MetricsDocument } from "../../metrics/document.ts";
import { CaptureFile } from "../../metrics/capture_file.ts";
import { documentText } from "../../metrics/document_text.ts";
import { Overview } from "../../metrics/overview.ts";
import { DocumentBuilder } from "../../metrics/document_builder.ts";
import { chooseServer } from "../../discovery/servers.ts";
import type { Server } from "../../discovery/types.ts";
import { printableJson, printableLines } from "../../system/printable.ts";
import { replaceFile } from "../../system/replace_file.ts";
import { onEndSignals } from "../../system/signals.ts";
import { findBpftrace } from "../../probes/bpftrace.ts";
import { learnThreshold } from "../../probes/slow_threshold.ts";
import { type SlowOptions, watch } from "../../probes/watch.ts";
import { inThisProcess, planFor } from "../../probes/prepare.ts";
import { OverheadMeter } from "../../probes/overhead_meter.ts";
import { requireHost } from "../../probes/requirements.ts";
import { countingOf, type CountingOptions } from "../../probes/packet_counting.ts";
import type { Profile } from "../../probes/programs.ts";
import { summary } from "../../viz/summary.ts";
import { windowLine } from "../../viz/window_line.ts";
import { writeReport } from "../../viz/report/write_report.ts";
import { LiveTerminal } from "./live_terminal.ts";
import { trafficHint } from "../traffic/traffic_hint.ts";
import { serverRecordOf } from "../../probes/plan_record.ts";
import { planText } from "./plan_text.ts";

/** Options of `deno task monitor`; times in seconds. */
export interface MonitorOptions extends Omit<CountingOptions, "redacts"> {
  readonly server?: string;
  readonly profile: Profile;
  readonly duration: number;
  /** The expected duration, if something else ends the run. */
  readonly expected?: number;
  readonly interval: number;
  /** Packets that take longer are listed, milliseconds; `auto` measures the threshold. */
  readonly slow?: number | "auto";
  /** Whether clients, relays and transactions are hashed. */
  readonly redact?: boolean;
  /** Folder for the files; default: a new one in the user's folder. */
  readonly output?: string;
  readonly json: boolean;
  readonly plan: boolean;
  readonly strict: boolean;
  /** Whether to write charts and report at the end. */
  readonly visualization: boolean;
  /** Whether to show how to send traffic from another machine. */
  readonly hint: boolean;
  /** Called at the end: what was sent, for the ledger. */
  readonly traffic?: () => Promise<Pick<Traffic, "client" | "statistics">>;
  /** Called once, when every probe is attached and the first sample is taken. */
  readonly onReady?: () => void;
  /** Ends the watch like ^C. */
  readonly signal?: AbortSignal;
}

/**
 * Watches a server and writes `capture.ndjson`, `metrics.json`, the charts and `report.html`.
 *
 * Everything for people goes to standard error: a live view on a terminal, otherwise one line per window,
 * then the summary.
 *
 * @returns the exit status.
 */
export async function monitor(options: MonitorOptions): Promise<number> {
  requireHost();
  let server = await chooseServer(options.server);
  if (options.plan) {
    const made = await planFor(server, options.profile, countingOf(options));
    const text = options.json
      ? printableJson(JSON.stringify(made, null, 2))
      : printableLines(planText(made));
    print(`${text}\n`);
    return 0;
  }
  const bpftrace = await findBpftrace();
  // The files contain data of clients, so only this user may read them.
  Deno.umask(0o077);
  const folder = options.output === undefined
    ? await makeOwnOutput(defaultName(server))
    : await makeFolder(options.output);
  using capture = CaptureFile.create(join(folder, CAPTURE_FILE));
  const stop = new AbortController();
  options.signal?.addEventListener("abort", () => stop.abort(), { once: true });
  if (!OverheadMeter.isPossible()) say("The kernel does not report the time of BPF programs");

  if (options.hint) { for (const line of await trafficHint(server)) say(line); }
  let live: LiveTerminal | null = null;
  const show = (line: string) => live === null ? say(line) : live.note(line);
  using _signals = stoppedBySignals(stop, show);
  const redacts = options.redact ?? false;
  let slow: { readonly slow?: SlowOptions } = {};
  if (options.slow === "auto") {
    const learned = await learnThreshold({
      ...{ server, bpftrace },
      preparation: inThisProcess(),
      signal: stop.signal,
      say: show,
    });
    server = learned.server;
    slow = { slow: { thresholdNs: learned.thresholdNs, redacts } };
  } else if (options.slow !== undefined) {
    slow = { slow: { thresholdNs: Math.round(options.slow * 1e6), redacts } };
  }
  const records = watch({
    ...slow,
    ...{ top: options.top, by: options.by, redacts },
    server,
    profile: options.profile,
    bpftrace,
    intervalMs: Math.round(options.interval * 1000),
    durationMs: options.duration * 1000,
    preparation: inThisProcess(),
    signal: stop.signal,
    say: show,
  });
  let document: MetricsDocument;
  {
    const { version, family, pid, setup } = serverRecordOf(server);
    const facts = {
      ...{ version, family, pid, profile: options.profile },
      ...setup === undefined ? {} : { setup },
    };
    using terminal = LiveTerminal.open(
      {
        ...facts,
        ...slow.slow === undefined ? {} : { slowNs: slow.slow.thresholdNs },
        durationSeconds: options.expected ?? options.duration,
      },
      () => stop.abort(),
    );
    live = terminal;
    document = await write(records, capture, live, options);
    live = null;
  }
  // Not by their names: the folder may belong to another user.
  const metrics = () => documentText(readCapture(capture.pieces()));
  await replaceFile(join(folder, METRICS_FILE), metrics());
  const colour = Deno.stderr.isTerminal() && !Deno.noColor;
  sayStyled(`\n${summary(document, { colour })}`.trimEnd());
  say(`Files: ${folder}`);
  const isDrawn = !options.visualization || await draw(document, folder);
  if (options.json) { for await (const piece of metrics()) print(piece); }
  // The process may end with the first of these.
  await Promise.race([records.next(), pause(DETACH_LIMIT_MS, undefined, { ref: false })]);
  if (!isDrawn) return 1;
  return options.strict && document.capture.verdict === "PARTIAL" ? 3 : 0;
}

/** Writes the report; a failure does not lose the measurement. */
async function draw(document: MetricsDocument, folder: string): Promise<boolean> {
  try {
    const [report] = await writeReport(document, folder);
    say(`Report: ${report}`);
    return true;
  } catch (error) {
    say(
      `error: Cannot make the report (${oneLine(error)}): ` +
        `deno task viz ${join(folder, CAPTURE_FILE)} -o ${folder}`,
    );
    return false;
  }
}

/** Longest wait, after the summary, for the kernel to detach the remaining probes, milliseconds. */
const DETACH_LIMIT_MS = 2000;

const [CAPTURE_FILE, METRICS_FILE] = ["capture.ndjson", "metrics.json"];

/**
 * Writes records as they arrive, and shows each window.
 *
 * @returns the document, with its windows merged to the number that charts can show.
 */
async function write(
  records: AsyncGenerator<CaptureRecord>,
  capture: CaptureFile,
  live: LiveTerminal | null,
  { duration, expected = duration, onReady, traffic }: MonitorOptions,
): Promise<MetricsDocument> {
  const overview = new Overview();
  const builder = new DocumentBuilder();
  let ready = false;
  try {
    for (let next = await records.next(); !next.done; next = await records.next()) {
      let record = next.value;
      if (record.type === "end" && traffic !== undefined) {
        const elapsed_ns = builder.elapsedSeconds * 1e9;
        const sent = { type: "traffic" as const, elapsed_ns, ...await traffic() };
        capture.append(sent);
        builder.next(sent);
        const contradiction = builder.contradiction(record.elapsed_ns);
        if (contradiction !== null) {
          record = { ...record, verdict: "PARTIAL", reasons: [...record.reasons, contradiction] };
        }
      }
      capture.append(record);
      const window = builder.next(record);
      if (record.type === "slow") live?.slow(builder.slowPacket(record));
      if (window !== null) {
        const { elapsedSeconds } = builder;
        overview.add(window);
        if (live === null) say(windowLine(window, elapsedSeconds, expected));
        else live.window(window, { elapsedSeconds, cost: builder.cost() });
      }
      if (!ready && record.type === "sample") {
        ready = true;
        onReady?.();
      }
      // After it, only the last probes are detached.
      if (record.type === "end") break;
    }
  } catch (error) {
    // A capture that cannot be written ends the watch.
    await records.return(undefined);
    throw error;
  }
  return { ...builder.document(), windows: overview.windows() };
}

/** The folder's name: kea-monitor-dhcp4-20260101T120000Z. */
function defaultName({ family }: Server): string {
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "");
  return `kea-monitor-dhcp${family}-${time}`;
}

async function makeFolder(named: string): Promise<string> {
  const folder = await ensureOutputFolder(named);
  const there = await Deno.lstat(join(folder, CAPTURE_FILE)).then(() => true, () => false);
  if (!there) return folder;
  throw new Error(
    `Cannot write to "${folder}", it already has a capture: give another folder with -o`,
  );
}

/** SIGINT, SIGTERM and SIGHUP stop the watch; further signals change nothing. */
function stoppedBySignals(stop: AbortController, show: (line: string) => void): Disposable {
  return onEndSignals(() => {
    if (stop.signal.aborted) return;
    stop.abort();
    show("Stopping");
  });
}
