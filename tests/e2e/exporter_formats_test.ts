/**
 * Every representation of the metrics, in real Prometheuses of two versions. Needs root, Kea, bpftrace, apt, and
 * Debian sid in the cache.
 */

import assert from "node:assert/strict";
import { keaStatistics } from "../../discovery/control_channel.ts";
import { FORMATS } from "../../export/prometheus/negotiation.ts";
import { run } from "../../system/run.ts";
import { type Lab, startLab } from "../../tools/lab/lab.ts";
import { type PerfdhcpReport, runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { ensurePrometheus, Prometheus } from "../../tools/lab/prometheus.ts";
import { histogramsOf } from "../../metrics/totals.ts";
import { runs, until } from "./run_script.ts";
import { WatchingExporter } from "./watching_exporter.ts";

/** How a Prometheus is asked to scrape, and what it makes of histograms. */
interface Representation {
  readonly what: string;
  readonly release: "host" | "sid";
  readonly features: readonly string[];
  readonly scrape?: Readonly<Record<string, unknown>>;
  readonly histograms: "classic" | "native";
  /** By how much a quantile may be beside the bucket of the document's. */
  readonly error: number;
}

/** The feature with which Prometheus puts a 0 before a new series, at the time when it began. */
const START_TIMES = "created-timestamp-zero-ingestion";

/** The bucket of a quantile is an eighth of a power of two wide; that of a classic histogram half of one. */
const REPRESENTATIONS: readonly Representation[] = [
  { what: "OpenMetrics", release: "host", features: [], histograms: "classic", error: 0.5 },
  {
    what: "native histograms",
    release: "host",
    features: ["native-histograms"],
    histograms: "native",
    error: 0.108,
  },
  {
    what: "text 0.0.4",
    release: "sid",
    features: [],
    scrape: { scrape_protocols: ["PrometheusText0.0.4"] },
    histograms: "classic",
    error: 0.5,
  },
  {
    what: "native histograms with start times",
    release: "sid",
    features: ["native-histograms", START_TIMES],
    histograms: "native",
    error: 0.108,
  },
  {
    what: "custom buckets",
    release: "sid",
    features: ["native-histograms"],
    scrape: {
      convert_classic_histograms_to_nhcb: true,
      scrape_protocols: ["OpenMetricsText1.0.0"],
      params: { buckets: ["8"] },
    },
    histograms: "native",
    error: 0.001,
  },
];

/** What scrapers ask for. */
const SCRAPES = [
  ["text 0.0.4", "/metrics", FORMATS.prometheus],
  ["OpenMetrics", "/metrics", FORMATS.openmetrics],
  ["OpenMetrics, 8 buckets per power of two", "/metrics?buckets=8", FORMATS.openmetrics],
  ["protobuf, native and classic", "/metrics", FORMATS.protobuf],
] as const;

const PROCESSING = "kea_ebpf_packet_processing_seconds";

/** A lab's name in the metrics, and what was sent to it so far. */
class Traffic {
  readonly server: string;
  readonly #lab: Lab;
  /** Packets sent, and answers by message and answer. */
  packets = 0;
  readonly answers: Record<string, number> = {};
  /** What the Keas that were restarted have counted. */
  #ofKea: Record<string, number> = {};

  constructor(lab: Lab) {
    this.server = `dhcp${lab.family}`;
    this.#lab = lab;
  }

  async send(exchanges: number): Promise<void> {
    const report: PerfdhcpReport = await runPerfdhcp(this.#lab, { rate: 50, exchanges });
    for (const [exchange, { sent, received }] of Object.entries(report)) {
      this.packets += sent;
      this.answers[exchange] = (this.answers[exchange] ?? 0) + received;
    }
  }

  async restart(): Promise<number> {
    this.#ofKea = await this.kea();
    const old = this.#lab.pid;
    Deno.kill(old, "SIGTERM");
    await until(async () => !await runs(old), "Kea ended");
    return await this.#lab.restart();
  }

  /** What Kea itself has counted, before its restart as well. */
  async kea(): Promise<Record<string, number>> {
    const now = await keaStatistics(this.#lab.controlSocket);
    return Object.fromEntries(
      Object.entries(now).map(([name, value]) => [name, value + (this.#ofKea[name] ?? 0)]),
    );
  }
}

/** The exchanges of a family: the request, its answer, and Kea's counter of the answer. */
const EXCHANGES: Readonly<Record<string, readonly (readonly [string, string, string, string])[]>> =
  {
    dhcp4: [
      ["DISCOVER-OFFER", "DHCPDISCOVER", "DHCPOFFER", "pkt4-offer-sent"],
      ["REQUEST-ACK", "DHCPREQUEST", "DHCPACK", "pkt4-ack-sent"],
    ],
    dhcp6: [
      ["SOLICIT-ADVERTISE", "SOLICIT", "ADVERTISE", "pkt6-advertise-sent"],
      ["REQUEST-REPLY", "REQUEST", "REPLY", "pkt6-reply-sent"],
    ],
  };

/** Waits until an expression has exactly one value, and that one. */
async function isExactly(
  prometheus: Prometheus,
  what: string,
  expression: string,
  expected: number,
): Promise<void> {
  let values: readonly number[] = [];
  await until(async () => {
    values = (await prometheus.query(expression)).map(({ value }) => value);
    return values.length === 1 && values[0] === expected;
  }, `${expression} is ${expected}, ${what}`).catch((error) => {
    throw new Error(`${error.message}: found ${values.join(", ") || "nothing"}`);
  });
}

/** The value of an expression; a scrape that a busy machine did not answer in time leaves none for a moment. */
async function valueOf(prometheus: Prometheus, expression: string): Promise<number> {
  let value: number | undefined;
  await until(
    async () => (value = (await prometheus.query(expression))[0]?.value) !== undefined,
    `${expression} has a value`,
  );
  return value!;
}

/** All counts of a server are perfdhcp's and Kea's. */
async function assertCounts(
  prometheus: Prometheus,
  { what, histograms }: Representation,
  traffic: Traffic,
): Promise<void> {
  const { server, packets, answers } = traffic;
  const kea = await traffic.kea();
  const is = (expression: string, expected: number) =>
    isExactly(prometheus, what, expression, expected);
  const family = server.slice(-1);
  assert.equal(kea[`pkt${family}-received`], packets);
  await is(`sum(kea_ebpf_packets_received_total{server="${server}"})`, packets);
  await is(`sum(kea_ebpf_packets_sent_total{server="${server}"})`, kea[`pkt${family}-sent`]!);
  for (const [exchange, message, answer, counter] of EXCHANGES[server]!) {
    const labels = `server="${server}",message="${message}",answer="${answer}"`;
    const expression = histograms === "classic"
      ? `${PROCESSING}_count{${labels}}`
      : `histogram_count(${PROCESSING}{${labels}})`;
    assert.equal(kea[counter], answers[exchange], counter);
    await is(expression, answers[exchange]!);
  }
}

/** Quantiles are those of the document, within the error of the representation. */
async function assertQuantiles(
  prometheus: Prometheus,
  { what, histograms, error }: Representation,
  exporter: WatchingExporter,
  server: string,
): Promise<void> {
  const document = await exporter.documentOf(server);
  for (const { labels, quantiles } of histogramsOf(document, "packet_processing_time")) {
    const name = histograms === "classic" ? `${PROCESSING}_bucket` : PROCESSING;
    const { message, answer } = labels;
    const selector = `${name}{server="${server}",message="${message}",answer="${answer}"}`;
    for (const { q, lower, upper } of quantiles.filter(({ q }) => q === 0.5 || q === 0.99)) {
      const ns = 1e9 * await valueOf(prometheus, `histogram_quantile(${q}, ${selector})`);
      assert.ok(
        ns >= lower * (1 - error) && ns <= upper * (1 + error),
        `${what}, p${100 * q} of ${labels["message"]}: ${ns} ns, ours is ${lower} to ${upper}`,
      );
    }
  }
}

/** What a counter had at its first sample, and how much it has grown since, resets included. */
async function grown(
  prometheus: Prometheus,
  selector: string,
): Promise<{ readonly first: number; readonly since: number }> {
  const [series] = await prometheus.samples(`${selector}[1h]`);
  const since = series!.values.reduce((sum, value, index, all) => {
    const before = index === 0 ? value : all[index - 1]!;
    return sum + (value < before ? value : value - before);
  }, 0);
  return { first: series!.values[0]!, since };
}

Deno.test("Prometheus 2.42 and 3.5 have the same exact counts in every representation, through restarts", async () => {
  await using stack = new AsyncDisposableStack();
  const labs = [stack.use(await startLab()), stack.use(await startLab({ family: 6 }))] as const;
  const [v4, v6] = labs.map((lab) => new Traffic(lab)) as [Traffic, Traffic];
  const chosen = new Set(labs.map(({ pid }) => pid));
  let exporter = await WatchingExporter.start({ chosen, profile: "standard" });
  stack.defer(() => exporter[Symbol.asyncDispose]());
  const { target, port } = exporter;
  const start = ({ features, release, scrape = {} }: Representation) =>
    Prometheus.start(target, features, { release, scrape });
  const all = await Promise.all(REPRESENTATIONS.map(async (representation) => ({
    representation,
    prometheus: stack.use(await start(representation)),
  })));
  const received = (server: string) => `kea_ebpf_packets_received_total{server="${server}"}`;
  /** Checks each Prometheus. */
  const each = async (
    check: (prometheus: Prometheus, representation: Representation) => Promise<void>,
  ) => {
    for (const { prometheus, representation } of all) await check(prometheus, representation);
  };
  const counts = () =>
    each(async (prometheus, representation) => {
      for (const traffic of [v4, v6]) await assertCounts(prometheus, representation, traffic);
    });
  const resets = (expected: number) =>
    each(async (prometheus, { what, histograms }) => {
      await isExactly(prometheus, what, `sum(resets(${received("dhcp4")}[1h]))`, expected);
      for (const [exchange, message, answer] of EXCHANGES["dhcp4"]!) {
        const labels = `{server="dhcp4",message="${message}",answer="${answer}"}`;
        // Of native histograms themselves, 2.42 counts no resets, and 3.5 counts one more at the 0 that it
        // puts before a series: that is a coarser histogram.
        const range = histograms === "classic"
          ? `${PROCESSING}_count${labels}[1h]`
          : `histogram_count(${PROCESSING}${labels})[10m:1s]`;
        await isExactly(prometheus, `${what} ${exchange}`, `resets(${range})`, expected);
      }
    });

  await exporter.isReady(2);
  await each((prometheus, { what }) =>
    isExactly(prometheus, what, "count(kea_ebpf_last_reading_timestamp_seconds)", 2)
  );
  await Promise.all([v4.send(101), v6.send(59)]);
  await counts();
  await each(async (prometheus, representation) => {
    for (const { server } of [v4, v6]) {
      await assertQuantiles(prometheus, representation, exporter, server);
    }
  });

  await each(async (prometheus, { what, release }) => {
    const series = await valueOf(prometheus, 'count({server="dhcp4"})');
    console.log(`${series} series of dhcp4: ${what}, Prometheus of ${release}`);
  });
  for (const [what, path, accept] of SCRAPES) {
    const { length } = await exporter.scraped(path, accept);
    console.log(`${length} bytes per scrape of two servers: ${what}`);
  }

  chosen.add(await v4.restart());
  await isExactly(
    all[0]!.prometheus,
    "the restarted Kea is watched",
    'kea_ebpf_server_restarts_total{server="dhcp4"}',
    1,
  );
  await exporter.isReady(2);
  await v4.send(53);
  await counts();
  await resets(0);

  const before = { ...v4.answers };
  const packets = v4.packets;
  await exporter[Symbol.asyncDispose]();
  exporter = await WatchingExporter.start({ chosen, profile: "standard", port });
  await exporter.isReady(2);
  // At once: no Prometheus need have scraped the new one yet.
  await v4.send(31);
  await each(async (prometheus, { what, histograms }) => {
    await isExactly(prometheus, what, `sum(${received("dhcp4")})`, v4.packets - packets);
    for (const [exchange, message, answer] of EXCHANGES["dhcp4"]!) {
      const selector = `{server="dhcp4",message="${message}",answer="${answer}"}`;
      const now = histograms === "classic"
        ? `${PROCESSING}_count${selector}`
        : `histogram_count(${PROCESSING}${selector})`;
      await isExactly(prometheus, what, now, v4.answers[exchange]! - before[exchange]!);
    }
  });
  await resets(1);
  await each(async (prometheus, { what }) => {
    const { first, since: seen } = await grown(prometheus, received("dhcp4"));
    assert.equal(first + seen, v4.packets, `${what}: packets of all samples`);
    assert.equal(first, 0, what);
    const increase = await valueOf(prometheus, `sum(increase(${received("dhcp4")}[1h]))`);
    assert.ok(increase >= seen, `${what}: increase() is ${increase} of ${seen}`);
  });

  // One that starts to scrape now knows by the start time that all of it is new, or does not.
  const late = all.find(({ representation }) => representation.features.includes(START_TIMES))!;
  await using newcomer = await start(late.representation);
  const since = v4.packets - packets;
  await isExactly(newcomer, "the newcomer", `sum(${received("dhcp4")})`, since);
  assert.deepEqual(await grown(newcomer, received("dhcp4")), { first: 0, since });

  const { promtool } = await ensurePrometheus();
  const { code, stdout, stderr } = await run([promtool, "check", "metrics"], {
    input: new TextDecoder().decode(await exporter.scraped()),
  });
  const complaint = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert.deepEqual([code, complaint], [0, ""]);
});
