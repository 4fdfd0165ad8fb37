/**
 * hollow-monitor and to-hollow against a real Kea, a real producer and a stock consumer, while things
 * break. Needs root, Kea, bpftrace, Java and Maven.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { mulberry32 } from "../../system/mulberry32.ts";
import { keaCounters } from "../../discovery/control_channel.ts";
import { recordsOf } from "../../hollow/push/records.ts";
import type { HollowRecord } from "../../hollow/push/records.ts";
import { ProducerClient } from "../../hollow/push/producer_client.ts";
import { type Lab, startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { readCapture } from "../../metrics/capture.ts";
import { documentOf } from "../../metrics/document_builder.ts";
import { consumeOnce } from "./hollow_consumer.ts";
import { type Producer, startProducer } from "../../tools/lab/producer.ts";
import { inOrder } from "./record_order.ts";
import {
  finished,
  follow,
  type Followed,
  must,
  runScript,
  startScript,
  until,
} from "./run_script.ts";
import { pathOf } from "../metrics/fixtures/captures.ts";

const MONITOR = "hollow/ebpf_hollow_monitor.ts";
const PUSH = "hollow/ebpf_to_hollow.ts";
const TOKEN = "s3cret-t0ken-of-the-test";
const CAPTURE = pathOf("v4");

/**
 * Seconds that the run with faults lasts. `KEA_HOLLOW_FAULTS_SECONDS=300` is the long form, and
 * `KEA_HOLLOW_SEED` another order of faults.
 */
const SECONDS = Number(Deno.env.get("KEA_HOLLOW_FAULTS_SECONDS") ?? "45");

/** Seconds of a window, and for which the network is cut. */
const [INTERVAL, CUT] = [2, Math.min(30, SECONDS / 4)];

/** How far times of windows and of the test may be apart on a busy machine, milliseconds. */
const SLACK = 3000;

/** A network namespace with an address that this machine can reach, until the cable is cut. */
async function startNetwork() {
  const id = crypto.randomUUID();
  const name = `kea-hollow-${id.slice(0, 6)}`;
  const net = `10.78.${Number(`0x${id.slice(6, 8)}`)}`;
  const [near, far] = [`${name.slice(4)}n`, "far"].map((device) => device.slice(0, 15));
  await must("ip", "netns", "add", name);
  await must("ip", "link", "add", near!, "type", "veth", "peer", "name", far!, "netns", name);
  await must("ip", "address", "add", `${net}.1/30`, "dev", near!);
  await must("ip", "link", "set", near!, "up");
  await must("ip", "-n", name, "address", "add", `${net}.2/30`, "dev", far!);
  await must("ip", "-n", name, "link", "set", far!, "up");
  await must("ip", "-n", name, "link", "set", "lo", "up");
  return {
    name,
    address: `${net}.2`,
    cut: () => must("ip", "-n", name, "link", "set", far!, "down"),
    restore: () => must("ip", "-n", name, "link", "set", far!, "up"),
    [Symbol.asyncDispose]: async () => {
      await must("ip", "netns", "delete", name);
    },
  };
}

/** Everything in a folder, as one text. */
async function contentOf(folder: string): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    // A file may be gone by now.
    text += isDirectory
      ? await contentOf(path)
      : decoder.decode(await Deno.readFile(path).catch(() => new Uint8Array()));
  }
  return text;
}

const commandLines = () => must("ps", "-eo", "pid,args");

/** A URL where no process listens. */
function unusedUrl(): string {
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  return `http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}/api`;
}

/** Whether windows wait in a spool. */
function isWaiting(spool: string): boolean {
  return Array.from(Deno.readDirSync(spool)).some(({ name }) => /\.window/.test(name));
}

/** A hollow-monitor under way, and when it began to watch, milliseconds. */
interface Run extends Followed {
  readonly attached: Promise<number>;
}

function startMonitor(args: readonly string[]): Run {
  const followed = follow(startScript(MONITOR, args, { env: { HOLLOW_TOKEN: "" } }));
  const attached = followed.says(/ Watching pid /).then(() => Date.now());
  // Not every test waits for it.
  attached.catch(() => {});
  return { ...followed, attached };
}

/** Kea's own count of its offers at some times. */
class OffersOverTime {
  readonly #counts: { readonly before: number; readonly after: number; readonly offers: number }[] =
    [];

  /** Counts again and again until a signal. */
  async count({ controlSocket }: Lab, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const before = Date.now();
      const { "pkt4-offer-sent": offers } = await keaCounters(controlSocket, ["pkt4-offer-sent"]);
      this.#counts.push({ before, after: Date.now(), offers: offers! });
      await pause(200);
    }
  }

  /** How many at least, and at most, were sent from one time to another, which may be a little off. */
  between(start: number, end: number): { readonly least: number; readonly most: number } {
    const at = (time: number) => ({
      least: this.#counts.findLast(({ after }) => after <= time - SLACK / 3)?.offers ?? 0,
      most: this.#counts.find(({ before }) => before >= time + SLACK / 3)?.offers ?? Infinity,
    });
    const [from, to] = [at(start), at(end)];
    return { least: to.least - from.most, most: to.most - from.least };
  }
}

/** Windows of a dataset in their order, with the answered discovers of each. */
function windowsOf(records: readonly HollowRecord[]) {
  const windows = new Map<number, { start: number; end: number; discovers: number }>();
  for (const { windowStart, windowEnd, metric, labels, count } of records) {
    const window = windows.get(windowStart) ?? { start: windowStart, end: windowEnd, discovers: 0 };
    assert.equal(window.end, windowEnd);
    if (metric === "packet_processing_time" && labels["message"] === "DHCPDISCOVER") {
      window.discovers += count!;
    }
    windows.set(windowStart, window);
  }
  return [...windows.values()].toSorted((a, b) => a.start - b.start);
}

Deno.test("every window reaches the consumer exactly once, whatever is killed or cut", async () => {
  const seed = Number(Deno.env.get("KEA_HOLLOW_SEED") ?? "11");
  const random = mulberry32(seed);
  const between = (least: number, most: number) => least + random() * (most - least);
  const spool = await Deno.makeTempDir({ prefix: "kea-hollow-test-" });
  const data = await Deno.makeTempDir({ prefix: "kea-hollow-test-" });
  const tokenFile = await Deno.makeTempFile({ prefix: "kea-hollow-test-" });
  await Deno.writeTextFile(tokenFile, `${TOKEN}\n`);
  await using network = await startNetwork();
  await using lab = await startLab();
  // To the end: the waits for a producer that was away are long, and chance says how long.
  const over = new AbortController();
  const load = { rate: 50, exchanges: 50 * (SECONDS + 600), clients: 200, signal: over.signal };
  const traffic = runPerfdhcp(lab, load).catch(() => {});
  const offers = new OffersOverTime();
  const counting = offers.count(lab, over.signal);
  const logs: string[] = [];
  let seen = "";
  const start = async (port: number) =>
    await startProducer({
      data,
      port,
      netns: network.name,
      args: ["--listen", network.address],
      env: { HOLLOW_TOKEN: TOKEN },
    });
  let producer: Producer = await start(0);
  const { base } = producer;
  const monitor = () =>
    startMonitor([
      ...["-p", base, "-d", "kea", "-i", String(INTERVAL), "-v", "--server", String(lab.pid)],
      ...["--name", "kea-1", "--spool", spool, "--token-file", tokenFile, "--allow-plain-http"],
    ]);
  /** When no monitor watched, milliseconds. */
  const away: { from: number; to: number }[] = [];
  try {
    const begun = Date.now();
    let watching = monitor();
    const first = await watching.attached;

    const killProducer = async () => {
      await producer.kill("SIGKILL");
      logs.push(producer.log());
      await pause(between(500, SECONDS * 100));
      // What waits now, and who runs, must not show the token.
      seen += await contentOf(spool) + await commandLines();
      producer = await start(Number(new URL(base).port));
    };
    const killMonitor = async () => {
      watching.child.kill("SIGKILL");
      const from = Date.now();
      await watching.end;
      logs.push(watching.log());
      await pause(between(0, 3000));
      watching = monitor();
      away.push({ from, to: await watching.attached });
    };
    const cutNetwork = async () => {
      await network.cut();
      await pause(CUT * 1000);
      seen += await contentOf(spool) + await commandLines();
      await network.restore();
    };
    const faults = [cutNetwork];
    for (let time = 0; time < SECONDS; time += 60) faults.push(killProducer, killMonitor);
    faults.sort(() => random() - 0.5);
    const each = (SECONDS - CUT) * 1000 / faults.length;
    const all = faults.map(async (fault, index) => {
      await pause(each * (index + random()));
      await fault();
    });
    await Promise.all([...all, pause(SECONDS * 1000)]);

    // What it says of a producer that is away must not depend on when that was.
    const isPushed = () => until(() => !isWaiting(spool), "nothing waits any more");
    await isPushed();
    const before = watching.log().length;
    await producer.kill("SIGKILL");
    logs.push(producer.log());
    await watching.says(/Cannot push: /, before);
    producer = await start(Number(new URL(base).port));
    await watching.says(/The producer accepts batches again/, before);

    const client = new ProducerClient({
      url: base,
      dataset: "kea",
      token: () => TOKEN,
      allowPlainHttp: true,
    });
    await isPushed();
    const stopped = Date.now();
    watching.child.kill("SIGINT");
    assert.equal((await watching.end).code, 0, watching.log());
    logs.push(watching.log(), producer.log());

    const { records } = await consumeOnce(join(data, "kea"));
    assert.equal(records.length, (await client.state())!.records);
    const windows = windowsOf(records);
    const gaps = [];
    // A monitor that is killed before its first window was full leaves none.
    if (windows[0]!.start - first >= SLACK) gaps.push({ from: first, to: windows[0]!.start });
    for (const [index, { start, end, discovers }] of windows.entries()) {
      const next = windows[index + 1];
      const { least, most } = offers.between(start, end);
      assert.ok(
        discovers >= least && discovers <= most,
        `${discovers} discovers from ${start} to ${end}, Kea has ${least} to ${most}, seed ${seed}`,
      );
      if (next === undefined || next.start === end) continue;
      assert.ok(next.start > end, `windows overlap at ${end}, seed ${seed}`);
      gaps.push({ from: end, to: next.start });
    }
    assert.ok(windows[0]!.start - first > -SLACK);
    assert.ok(stopped - windows.at(-1)!.end < SLACK);
    for (const gap of gaps) {
      const why = away.find(({ from, to }) =>
        gap.from <= from && gap.to >= from && gap.to <= to + SLACK
      );
      assert.ok(why !== undefined, `no reason for ${gap.from} to ${gap.to}, seed ${seed}`);
      // The window that was open is lost, no more.
      assert.ok(why.from - gap.from <= INTERVAL * 1000 + SLACK, `seed ${seed}`);
    }
    assert.ok(gaps.length <= away.length);
    // The windows before a kill were on disk or with the producer.
    const length = windows.reduce((sum, { start, end }) => sum + end - start, 0) / 1000;
    console.log(
      `${windows.length} windows, each once, ${length.toFixed(0)} of ${
        ((stopped - begun) / 1000).toFixed(0)
      } s; ${gaps.length} gaps for ${away.length} kills of the monitor; seed ${seed}`,
    );

    const everything = [...logs, seen, await contentOf(spool), await contentOf(data)].join("\n");
    assert.ok(everything.includes("kea-1"), "there is something to look through");
    assert.ok(!everything.includes(TOKEN), "the token shows");
  } finally {
    await producer[Symbol.asyncDispose]();
    over.abort();
    await Promise.all([traffic, counting]);
    for (const path of [spool, data, tokenFile]) await Deno.remove(path, { recursive: true });
  }
});

Deno.test("hollow-monitor refuses a spool that another uses, and a producer it may not send a token", async () => {
  await using lab = await startLab();
  const spool = await Deno.makeTempDir({ prefix: "kea-hollow-test-" });
  try {
    const args = ["-p", unusedUrl(), "--server", String(lab.pid), "--spool", spool];
    const first = startMonitor(args);
    await first.attached;
    const second = await runScript(MONITOR, args);
    assert.equal(second.code, 1);
    assert.match(second.stderr, /^error: Cannot use the spool .*, another hollow-monitor does/m);
    first.child.kill("SIGINT");
    assert.equal((await first.end).code, 0);
    assert.match(first.log(), /[1-9] windows are waiting, the next start pushes them/);

    const plain = await runScript(MONITOR, ["-p", "http://10.9.9.9/api"], {
      env: { HOLLOW_TOKEN: TOKEN },
    });
    assert.equal(plain.code, 1);
    assert.match(plain.stderr, /^error: Cannot send a token to 10\.9\.9\.9 over plain HTTP/m);
  } finally {
    await Deno.remove(spool, { recursive: true });
  }
});

Deno.test("to-hollow pushes a capture and its document to the same records, and twice changes nothing", async () => {
  await using producer = await startProducer();
  const document = await documentOf(readCapture([await Deno.readFile(CAPTURE)]));
  const file = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(file, JSON.stringify(document));
    const name = `${document.server.host}/dhcp4`;
    const expected = inOrder(document.windows.flatMap((window) => recordsOf(window, name)));
    for (const input of [CAPTURE, file, CAPTURE]) {
      const { code, stderr } = await runScript(PUSH, [input, "-p", producer.base]);
      assert.equal(code, 0, stderr);
      assert.match(stderr, new RegExp(`^Pushed ${expected.length} records, up to 20`));
      const { records } = await consumeOnce(join(producer.data, "kea"));
      assert.deepEqual(inOrder(records), expected);
    }
    const dry = await runScript(PUSH, [file, "--dry-run"]);
    assert.deepEqual(
      inOrder(dry.stdout.trim().split("\n").map((line) => JSON.parse(line))),
      expected,
    );
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("to-hollow says in one line what is wrong", async () => {
  await using producer = await startProducer({ env: { HOLLOW_TOKEN: TOKEN } });
  const folder = await Deno.makeTempDir({ prefix: "kea-hollow-test-" });
  try {
    const foreign = join(folder, "foreign.json");
    await Deno.writeTextFile(foreign, "@a: 5\n");
    const cases: [string[], RegExp, Record<string, string>?][] = [
      [[CAPTURE, "-p", producer.base], /Cannot push to .*: 401: .*give the right token/],
      [
        [CAPTURE, "-p", producer.base, "--token-file", join(folder, "none")],
        /Cannot read the token/,
      ],
      [[CAPTURE, "-p", `${producer.base}/x`], /Cannot push to .*: 401/],
      [[CAPTURE, "-p", producer.base, "-d", "../x"], /Cannot use the dataset name/],
      [[foreign, "-p", producer.base], /neither a capture nor JSON/, { HOLLOW_TOKEN: TOKEN }],
      [[CAPTURE, "-p", unusedUrl()], /Cannot push to .*Connection refused/],
    ];
    for (const [args, message, env] of cases) {
      const { code, stdout, stderr } = await runScript(PUSH, args, { env: env ?? {} });
      assert.equal(code, 1, stderr);
      assert.equal(stdout, "");
      assert.match(stderr.trim().split("\n").at(-1)!, message);
      assert.match(stderr.trim().split("\n").at(-1)!, /^error: /);
    }
    const nowhere = await runScript(PUSH, [CAPTURE]);
    assert.equal(nowhere.code, 2);
    assert.match(nowhere.stderr, /^error: give the producer with -p URL$/m);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a token of -t is warned of, and wiped from the process title", async () => {
  const arrived = Promise.withResolvers<string | null>();
  const done = Promise.withResolvers<void>();
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      arrived.resolve(request.headers.get("authorization"));
      await done.promise;
      return Response.json({ detail: `No ${TOKEN}` }, { status: 403 });
    },
  );
  const url = `http://127.0.0.1:${server.addr.port}/api`;
  const child = startScript(PUSH, [CAPTURE, "-p", url, "-t", TOKEN]);
  const end = finished(child);
  assert.equal(await arrived.promise, `Bearer ${TOKEN}`);
  const title = await Deno.readTextFile(`/proc/${child.pid}/cmdline`);
  assert.match(title, /-t\0\*{24}\0/);
  assert.ok(!(await commandLines()).includes(TOKEN));
  done.resolve();
  const { code, stderr } = await end;
  assert.equal(code, 1);
  assert.match(stderr, /^warning: -t shows the token to all users/);
  assert.match(stderr, /error: Cannot push to .*: 403: No \[token\]: this token may not do that/);
  assert.ok(!stderr.includes(TOKEN));
});
