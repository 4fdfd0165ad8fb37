/** What was changed in a real server is what `compare` finds. Needs root, Kea, PostgreSQL and Chromium. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import {
  type Comparison,
  parseComparison,
  type SeriesComparison,
} from "../../metrics/comparison/comparison.ts";
import { keaCounters } from "../../discovery/control_channel.ts";
import { CaptureFile } from "../../metrics/capture_file.ts";
import type { Profile } from "../../probes/programs.ts";
import { delayingHooks } from "../../tools/lab/delaying_hooks.ts";
import { bpftraceOf } from "../../tools/lab/kea_builds.ts";
import { type Lab, startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { watchSpans } from "../../tools/lab/watch_spans.ts";
import { type Look, lookAt } from "./browser.ts";
import { realTime } from "./explained.ts";
import { runScript, until } from "./run_script.ts";

/** How long each side is, and a window, milliseconds. */
const [SPAN_MS, WINDOW_MS] = [8000, 400];

const LOOKS: readonly Look[] = [
  { width: 1280, scheme: "light" },
  { width: 390, scheme: "dark" },
];

/** A capture of three spans, and how they are named on a command line. */
interface Recorded extends AsyncDisposable {
  readonly before: string;
  /** Something is changed. */
  readonly after: string;
  /** It is as before. */
  readonly again: string;
  readonly folder: string;
}

/**
 * Watches a lab under a load; something is changed, and changed back.
 *
 * @param rates as it is and changed, exchanges per second.
 */
async function recorded(
  lab: Lab,
  profile: Profile,
  [rate, later]: readonly [number, number],
  change: (isChanged: boolean) => Promise<unknown> = () => Promise.resolve(),
): Promise<Recorded> {
  // What else this machine does is another thing in each span.
  await realTime(lab);
  const folder = await Deno.makeTempDir({ prefix: "kea-compare-test-" });
  await using unfinished = new AsyncDisposableStack();
  unfinished.defer(() => Deno.remove(folder, { recursive: true }));
  const path = join(folder, "capture.ndjson");
  using file = CaptureFile.create(path);
  await using traffic = new Traffic(lab);
  let samples = 0;
  // On a busy machine readings come late.
  const span = async () => {
    const last = samples + SPAN_MS / WINDOW_MS;
    await until(() => samples >= last, "the span has its windows");
  };
  const sides = await watchSpans(lab, {
    profile,
    bpftrace: await bpftraceOf("2.2"),
    intervalMs: WINDOW_MS,
    see: (record) => {
      file.append(record);
      if (record.type === "sample") samples++;
    },
  }, [
    { name: "before", prepare: () => traffic.start(rate), work: span },
    ...[true, false].map((isChanged) => ({
      name: isChanged ? "after" : "again",
      prepare: async () => {
        await change(isChanged);
        if (later !== rate) await traffic.start(isChanged ? later : rate);
      },
      work: span,
    })),
  ]);
  const [before, after, again] = sides.map(({ from, to }) =>
    `${path}@${clock(from!)}-${clock(to!)}`
  );
  const kept = unfinished.move();
  return {
    before: before!,
    after: after!,
    again: again!,
    folder,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Traffic that goes on until it is disposed of. */
class Traffic implements AsyncDisposable {
  readonly #lab: Lab;
  #stop = new AbortController();
  #sending: Promise<unknown> = Promise.resolve();
  #starts = 0;

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  /** Sends so many exchanges per second, in place of what was sent, and waits until they arrive. */
  async start(rate: number): Promise<void> {
    await this[Symbol.asyncDispose]();
    this.#stop = new AbortController();
    this.#sending = runPerfdhcp(this.#lab, {
      rate,
      exchanges: 3600 * rate,
      clients: 5000,
      // Each start has clients of its own.
      base: `00:0c:0${this.#starts++}:00:00:00`,
      signal: this.#stop.signal,
    }).catch(() => {});
    const received = async () =>
      (await keaCounters(this.#lab.controlSocket, ["pkt4-received"]))["pkt4-received"]!;
    await until(async () => {
      const [before, start] = [await received(), performance.now()];
      await pause(1000);
      const perSecond = 1000 * (await received() - before) / (performance.now() - start);
      return perSecond > 0.8 * 2 * rate;
    }, `the server receives ${rate} exchanges per second`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#sending;
  }
}

const clock = (time: string) => time.slice(11, 23);

/** A change, compared with the span before it, and with the one after it. */
type Compared = readonly [Comparison, Comparison];

/** Compares the spans; before and after the change, the condition must hold. */
async function compared(
  { before, after, again }: Recorded,
  condition: string,
  ...options: readonly string[]
): Promise<Compared> {
  const args = [after, "--json"];
  const [first, second] = [
    await runScript("tools/compare.ts", [before, ...args, "--fail-on", condition, ...options]),
    await runScript("tools/compare.ts", [again, ...args]),
  ];
  assert.equal(first.code, 4, `${first.stderr}${figuresIn(first.stdout)}`);
  assert.ok(first.stderr.includes(`"${condition}" holds: `), first.stderr);
  assert.equal(second.code, 0, second.stderr);
  return [parseComparison(JSON.parse(first.stdout)), parseComparison(JSON.parse(second.stdout))];
}

/** The figures of a comparison, for a test that fails. */
function figuresIn(json: string): string {
  const { series, why } = parseComparison(JSON.parse(json));
  const figures = series.map((each) =>
    [
      nameOf(each),
      ...each.statistics.map(({ statistic, before, after, lower, upper, verdict }) =>
        `${statistic} ${before} ${after} (${lower} to ${upper}) ${verdict}`
      ),
    ].join(", ")
  );
  return [why, ...figures].join("\n");
}

/** What changed, in short: "database_query_time insert_lease4 slower". */
function changedIn({ series }: Comparison): string[] {
  return series.flatMap((each) => {
    const { time, rate } = each;
    const words = [time, rate].filter((word) => word !== "same" && word !== "not enough data");
    return words.filter((word) => word !== null).map((word) => `${nameOf(each)} ${word}`);
  });
}

const nameOf = ({ metric, labels }: SeriesComparison) =>
  [
    metric,
    labels["statement"] ?? labels["hook_point"] ?? labels["message"],
    labels["stage"] ?? labels["cause"],
  ].filter((part) => part !== undefined).join(" ");

/** What else differed from both spans, without what other programs of this machine do. */
function differencesIn(comparisons: Compared): string[] {
  const [found, again] = comparisons.map(({ differences }) => differences.map(({ what }) => what));
  return found!.filter((what) => again!.includes(what) && !what.startsWith("host "));
}

/** What contains the allocation of a message, and what its thread waits for. */
function containing(message: string): RegExp {
  const parts = [
    `packet_processing_time ${message}`,
    `packet_stage_time ${message} allocate`,
    `lease_allocation_time ${message}`,
    `packet_wait_time ${message} \\w+`,
  ];
  return new RegExp(`^(${parts.join("|")}) (slower|more)$`);
}

/**
 * The change is found, and whatever else is found contains it. What other programs of this machine do may differ from
 * one span to the next, but not with the change.
 */
function assertAlone(
  comparisons: Compared,
  expected: readonly string[],
  consequences: RegExp | null,
): void {
  const [found, again] = comparisons.map(changedIn);
  for (const each of expected) assert.ok(found!.includes(each), `${each}: ${found!.join("; ")}`);
  const others = found!.filter((each) =>
    again!.includes(each) && !expected.includes(each) && !consequences?.test(each)
  );
  assert.deepEqual(others, []);
}

Deno.test("a statement that takes 20 % longer is found, and only what waits for it", async () => {
  await using lab = await startLab({ backend: "postgresql", threads: 4 });
  const { sql } = lab.database!;
  const sleeping = (seconds: number) =>
    sql(
      `CREATE OR REPLACE FUNCTION slow() RETURNS trigger AS 'BEGIN PERFORM pg_sleep(${seconds}); ` +
        "RETURN NEW; END' LANGUAGE plpgsql",
    );
  await sleeping(0.2);
  await sql("CREATE TRIGGER slow BEFORE INSERT ON lease4 FOR EACH ROW EXECUTE FUNCTION slow()");
  await using spans = await recorded(
    lab,
    "standard",
    [8, 8],
    (isChanged) => sleeping(isChanged ? 0.24 : 0.2),
  );
  const both = await compared(spans, "database_query_time{statement=insert_lease4} slower");
  const [comparison] = both;
  assert.equal(comparison.verdict, "slower");
  assertAlone(
    both,
    ["database_query_time insert_lease4 slower"],
    containing("DHCPREQUEST"),
  );
  const insert = comparison.series.find(({ labels }) => labels["statement"] === "insert_lease4")!;
  const median = insert.statistics.find(({ statistic }) => statistic === "p50")!;
  assert.ok(median.lower! < 0.2 && median.upper! > 0.15, JSON.stringify(median));
});

Deno.test("a hook that takes 100 us longer is found, and only what contains it, and the report shows it", async () => {
  const flag = await Deno.makeTempFile({ prefix: "kea-compare-test-" });
  await Deno.remove(flag);
  const hooks = [{
    path: await delayingHooks(),
    parameters: { burn_us: { lease4_select: 100 }, while: flag },
  }];
  // With threads, packets wait for each other.
  await using lab = await startLab({ hooks, threads: 0 });
  try {
    await using spans = await recorded(
      lab,
      "deep",
      [50, 50],
      (isChanged) => isChanged ? Deno.writeTextFile(flag, "") : Deno.remove(flag),
    );
    const report = join(spans.folder, "report");
    const both = await compared(spans, "hook_callout_time slower", "-o", report);
    const [comparison] = both;
    assert.equal(comparison.verdict, "slower");
    assert.deepEqual(differencesIn(both), []);
    assertAlone(
      both,
      ["hook_callout_time lease4_select slower"],
      containing("(DHCPDISCOVER|DHCPREQUEST)"),
    );
    const pictures = Deno.env.get("KEA_SCREENSHOTS") ?? spans.folder;
    await Deno.mkdir(pictures, { recursive: true });
    const { seen, read: title } = await lookAt(
      join(report, "comparison.html"),
      LOOKS,
      ({ width, scheme }) => join(pictures, `comparison-${width}-${scheme}.png`),
      (page) => page.title(),
    );
    assert.equal(title, "Comparison \u2013 slower");
    for (const { complaints, faults, drawings } of seen) {
      assert.deepEqual({ complaints, faults }, { complaints: [], faults: [] });
      assert.ok(drawings >= 2, `${drawings} drawings`);
    }
  } finally {
    await Deno.remove(flag).catch(() => {});
  }
});

Deno.test("a doubled rate is found once, and times that do not depend on it are the same", async () => {
  const hooks = [{
    path: await delayingHooks(),
    parameters: { sleep: { lease4_select: 20 } },
  }];
  await using lab = await startLab({ hooks, threads: 4 });
  await using spans = await recorded(lab, "light", [20, 40]);
  const both = await compared(spans, "network_traffic rate>50%");
  assertAlone(both, ["network_traffic more"], null);
  assert.deepEqual(differencesIn(both), ["load"]);
  const [{ verdict, why }] = both;
  assert.ok(["same", "cannot say"].includes(verdict), why);
});
