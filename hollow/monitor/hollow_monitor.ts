/**
 * The work of `deno task hollow-monitor`: watches one server and pushes every window to a Hollow dataset.
 *
 * @module
 */

import { type Level, oneLine, say as sayLine } from "../../system/command_line.ts";
import type { CaptureRecord } from "../../metrics/capture.ts";
import type { Window } from "../../metrics/document.ts";
import { DocumentBuilder } from "../../metrics/document_builder.ts";
import { mergedWindows } from "../../metrics/overview.ts";
import { chooseServer } from "../../discovery/servers.ts";
import { type Bpftrace, findBpftrace } from "../../probes/bpftrace.ts";
import { IN_A_CHILD } from "../../probes/prepare_in_child.ts";
import { watch } from "../../probes/watch.ts";
import { LONGEST_WATCH_MS } from "../../probes/watch_state.ts";
import { requireHost } from "../../probes/requirements.ts";
import type { Profile } from "../../probes/programs.ts";
import { Backoff } from "../../system/backoff.ts";
import type { Spool } from "../../system/push/spool.ts";
import { SpoolSender } from "../../system/push/spool_sender.ts";
import { onEndSignals } from "../../system/signals.ts";
import type { ProducerClient } from "../push/producer_client.ts";
import { Pusher } from "../push/pusher.ts";
import { serverName } from "../push/pushing_command.ts";
import { recordsOf } from "../push/records.ts";
import { openSpool, type SpooledWindow, spooledWindow } from "../push/spool.ts";
import { WallClock } from "./wall_clock.ts";

/** Options of {@linkcode hollowMonitor}. */
export interface HollowMonitorOptions {
  readonly client: ProducerClient;
  readonly server?: string;
  readonly profile: Profile;
  /** Length of a window, seconds. */
  readonly interval: number;
  /** The server's name in the dataset; default: host and kind. */
  readonly name?: string;
  /** The folder of waiting windows, given the server's name. */
  readonly spool: (name: string) => Promise<string>;
  readonly verbose: boolean;
}

/** Longest time between two readings of the kernel's maps, seconds. */
const LONGEST_READING = 5;

/** How long pushing the last windows may take after ^C, milliseconds. */
const LAST_PUSH_MS = 10_000;

/**
 * Watches and pushes until a signal comes.
 *
 * @returns the exit status: 0, when a signal ended it.
 * @throws {Error} when the first watch cannot start.
 */
export async function hollowMonitor(options: HollowMonitorOptions): Promise<number> {
  const { client, verbose } = options;
  requireHost();
  const { pid, ...facts } = await chooseServer(options.server, IN_A_CHILD.describe);
  const name = options.name ?? serverName(facts)!;
  const bpftrace = await findBpftrace();
  using spool = await openSpool(await options.spool(name), { say });
  if (spool.waiting > 0) say(`${spool.waiting} windows of an earlier run are waiting`);

  const [stop, giveUp] = [new AbortController(), new AbortController()];
  using _signals = onEndSignals(() => {
    if (stop.signal.aborted) giveUp.abort();
    stop.abort();
  });
  const pusher = new Pusher(client, {
    source: name,
    signal: giveUp.signal,
    say,
    retryForever: true,
  });
  const sender = new SpoolSender({
    ...{ spool, giveUp },
    send: async (waiting) => {
      const delivery = await pusher.deliver(waiting);
      const { window, records } = waiting;
      if (verbose && delivery.kind === "delivered") {
        say(`Pushed ${records.length} records of ${window}, ${spool.waiting - 1} windows wait`);
      }
      return delivery;
    },
  });
  say(`Pushing windows of ${options.interval} s as "${name}" to ${client.base}`);
  try {
    await watchOn({ ...options, bpftrace, name, spool, signal: stop.signal }, pid);
  } finally {
    await sender.end(LAST_PUSH_MS);
    if (spool.waiting > 0) say(`${spool.waiting} windows are waiting, the next start pushes them`);
  }
  return 0;
}

/** What a watch needs. */
interface Watching extends Pick<HollowMonitorOptions, "profile" | "interval" | "verbose"> {
  readonly bpftrace: Bpftrace;
  readonly name: string;
  readonly spool: Spool<SpooledWindow>;
  readonly signal: AbortSignal;
}

/** Watches the server, and starts again whenever a watch ends. */
async function watchOn(watching: Watching, first: number): Promise<void> {
  let pid = first;
  const backoff = new Backoff();
  for (let isFirst = true; !watching.signal.aborted; isFirst = false) {
    try {
      pid = await watchOnce(watching, pid, () => backoff.reset());
    } catch (error) {
      if (isFirst) throw error;
      say(`${oneLine(error)}; retrying`);
    }
    await backoff.pause(watching.signal);
  }
}

/** Remembers the process id of the server that was watched last. */
async function watchOnce(
  watching: Watching,
  first: number,
  onWindow: () => void,
): Promise<number> {
  const { spool, name, interval, signal } = watching;
  const readings = Math.ceil(interval / LONGEST_READING);
  const clock = new WallClock(say);
  const builder = new DocumentBuilder();
  /** The windows of the long one that has not ended. */
  const open: Window[] = [];
  const push = async () => {
    for (const window of mergedWindows(open.splice(0), 1)) {
      const adjusted = clock.adjusted(window);
      await spool.add(spooledWindow(adjusted.start, recordsOf(adjusted, name)));
    }
  };
  let pid = first;
  const records: AsyncGenerator<CaptureRecord> = watch({
    server: await IN_A_CHILD.describe(first),
    profile: watching.profile,
    bpftrace: watching.bpftrace,
    intervalMs: interval / readings * 1000,
    durationMs: LONGEST_WATCH_MS,
    restartGraceMs: Infinity,
    preparation: IN_A_CHILD,
    signal,
    say,
  });
  for await (const record of records) {
    if (record.type === "segment") pid = record.server.pid;
    const window = builder.next(record);
    if (window === null) continue;
    onWindow();
    // Nothing was watched between them.
    if (open.length > 0 && open.at(-1)!.end !== window.start) await push();
    open.push(window);
    if (open.length === readings) await push();
  }
  await push();
  return pid;
}

/** A line for people, with the time: this runs for months. */
function say(line: string, level?: Level): void {
  sayLine(`${new Date().toISOString()} ${line}`, level);
}
