import assert from "node:assert/strict";
import fc from "fast-check";
import type { Sample } from "../../metrics/capture.ts";
import { NO_NAMES, rowOf } from "../../metrics/counted_maps.ts";
import type { HistogramSeries, Series } from "../../metrics/document.ts";
import { bucketOf } from "../../metrics/histogram.ts";
import { DocumentBuilder, documentOf, METRICS } from "../../metrics/document_builder.ts";
import { END, HEADER, processWith, sampleAt, SERVER } from "./capture_records.ts";

type Labels = Readonly<Record<string, string>>;

function find(series: readonly Series[], metric: string, labels: Labels, unit?: string) {
  return series.find((each) =>
    each.metric === metric && (unit === undefined || each.unit === unit) &&
    Object.entries(labels).every(([name, value]) => each.labels[name] === value)
  );
}

/** A counter's value; undefined where there is none. */
function counter(series: readonly Series[], metric: string, labels: Labels, unit?: string) {
  const found = find(
    series.filter(({ kind }) => kind === "counter"),
    metric,
    labels,
    unit,
  );
  return found?.kind === "counter" ? Number(found.value) : undefined;
}

function histogram(series: readonly Series[], metric: string, labels: Labels): HistogramSeries {
  const found = find(series, metric, labels);
  assert.ok(found?.kind === "histogram", `${metric} is there`);
  return found;
}

/** The document of samples one second apart, the first of them the baseline. */
const documentOfMaps = (...maps: readonly Sample["maps"][]) =>
  documentOf([HEADER, ...maps.map((each, index) => sampleAt(index, each)), END]);

Deno.test("documentOf() turns samples into windows, and adds them up", async () => {
  const { windows, totals, capture, server } = await documentOfMaps(
    {},
    { "@processing": [[1, 2, 104, 3, 150_000]] },
    { "@processing": [[3, 5, 112, 1, 100_000]] },
    { "@processing": [[1, 2, 104, 2, 100_000]] },
  );
  const offers = { message: "DHCPDISCOVER", answer: "DHCPOFFER" };
  const counts = windows.map(({ series }) => {
    const found = find(series, "packet_processing_time", offers);
    return found?.kind === "histogram" ? [found.count, found.sum] : null;
  });
  assert.deepEqual(counts, [[3, 150_000], null, [2, 100_000]]);
  const total = histogram(totals, "packet_processing_time", offers);
  assert.deepEqual([total.count, total.sum, total.unit, total.family], [5, 250_000, "ns", 4]);
  assert.deepEqual(total.buckets, [{ lower: 32_768, upper: 36_864, count: 5 }]);
  assert.deepEqual(windows.map(({ start, end }) => [start.slice(17), end.slice(17)]), [
    ["00.000Z", "01.000Z"],
    ["01.000Z", "02.000Z"],
    ["02.000Z", "03.000Z"],
  ]);
  assert.deepEqual([capture.duration_seconds, capture.verdict, server], [3, "COMPLETE", SERVER]);
});

Deno.test("rowOf() splits differences that wrapped at 2^64 exactly", () => {
  const reading = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  const count = fc.integer({ min: 1, max: 2 ** 20 - 1 });
  const sum = fc.integer({ min: 0, max: 2 ** 43 });
  fc.assert(fc.property(reading, count, sum, (before, count, sum) => {
    const after = BigInt.asIntN(64, before + (BigInt(count) << 44n) + BigInt(sum));
    const row = rowOf("@lease_file_write", "100", after - BigInt.asIntN(64, before));
    assert.deepEqual(row, [100, count, sum]);
  }));
});

Deno.test("rowOf() gives numbers and texts as what they are, and nothing for what counted nothing", () => {
  assert.deepEqual(rowOf("@log", "3,DHCP4_A,B", 10n), [3, "DHCP4_A,B", 10]);
  assert.deepEqual(rowOf("@statistics", "4711", 1n), ["4711", 1]);
  assert.deepEqual(rowOf("@postgresql_failed", "insert_lease4,-1", 2n), ["insert_lease4", -1, 2]);
  assert.deepEqual(rowOf("@allocation_unfinished", "", 6n), [6]);
  assert.equal(rowOf("@allocation_unfinished", "", 0n), null);
});

Deno.test("documentOf() has exact extremes where events came one at a time, otherwise bounds", async () => {
  const alone = await documentOfMaps(
    {},
    { "@lease_file_write": [[100, 1, 25_000], [110, 1, 60_000]] },
  );
  const one = histogram(alone.totals, "database_query_time", {});
  assert.deepEqual([one.exact, one.min, one.max], [true, 25_000, 60_000]);
  const together = await documentOfMaps({}, {
    "@lease_file_write": [[100, 2, 50_000]],
  });
  const two = histogram(together.totals, "database_query_time", {});
  assert.deepEqual([two.exact, two.min, two.max], [false, 24_576, 26_624]);
});

Deno.test("documentOf() gives each map its series", async () => {
  const { totals } = await documentOfMaps({}, {
    "@received": [[1, 1, 2, 600], [2, 8, 1, 300]],
    "@sent": [[1, 2, 2, 640]],
    "@unmatched": [[5, 4]],
    "@not_dhcp": [[1, 5]],
    "@allocation": [[1, 100, 2, 50_000], [0, 100, 1, 25_000]],
    "@allocation_unfinished": [[6]],
    "@before": [[1, 100, 2, 50_000]],
    "@after": [[1, 100, 2, 50_000]],
    "@lease_file_write_failed": [[7]],
    "@lease_manager": [[1, 90, 8, 80_000], [9, 90, 1, 10_000]],
    "@exceptions": [["N3isc3FooE", 9], ["constructor", 1]],
    "@log": [[3, "DHCP4_A,B", 10]],
    "@statistics": [["pkt4-receive-drop", 11]],
    "@slot": [[1, 12]],
  });
  const traffic = (direction: string, socket: string, unit: string) =>
    counter(totals, "network_traffic", { direction, socket }, unit);
  assert.deepEqual([traffic("received", "raw", "packets"), traffic("received", "raw", "bytes")], [
    2,
    600,
  ]);
  assert.deepEqual([traffic("received", "udp", "packets"), traffic("sent", "raw", "bytes")], [
    1,
    640,
  ]);
  const errors = (labels: Labels) => counter(totals, "error_rate", labels, "events");
  assert.equal(errors({ kind: "unmatched_answer", id: "DHCPACK" }), 4);
  assert.equal(errors({ kind: "not_dhcp", id: "raw" }), 5);
  assert.equal(errors({ kind: "allocation_unfinished" }), 6);
  assert.equal(errors({ kind: "lease_file_write_failed" }), 7);
  assert.equal(errors({ kind: "exception", id: "N3isc3FooE" }), 9);
  assert.equal(errors({ kind: "exception", id: "constructor" }), 1);
  assert.equal(errors({ kind: "log", severity: "WARN", id: "DHCP4_A,B" }), 10);
  assert.equal(errors({ kind: "statistic", id: "pkt4-receive-drop" }), 11);
  const count = (metric: string, labels: Labels) => histogram(totals, metric, labels).count;
  assert.equal(count("lease_allocation_time", { message: "DHCPDISCOVER" }), 2);
  assert.equal(count("lease_allocation_time", { message: "unknown" }), 1);
  assert.equal(count("database_query_time", { backend: "memfile", statement: "addLease4" }), 8);
  assert.equal(count("database_query_time", { statement: "operation-9" }), 1);
  assert.deepEqual(
    totals.filter(({ metric }) => metric === "packet_stage_time").map(({ labels }) => labels),
    ["allocate", "before", "after"].map((stage) => ({ message: "DHCPDISCOVER", stage })),
  );
});

Deno.test("documentOf() names an exception as the sample does, and a message without a name by number", async () => {
  const { totals } = await documentOf([
    HEADER,
    sampleAt(0, {}),
    sampleAt(1, {
      "@exceptions": [["N3isc3FooE", 1]],
      "@received": [[1, 200, 1, 300]],
    }, {
      names: { ...NO_NAMES, exceptions: { N3isc3FooE: "isc::Foo" } },
      requests: { unanswered: { 200: 1 }, late: {}, pending: { 200: 0 } },
    }),
    END,
  ]);
  assert.equal(counter(totals, "error_rate", { kind: "exception", id: "isc::Foo" }), 1);
  assert.equal(counter(totals, "error_rate", { kind: "unanswered", id: "type-200" }), 1);
});

Deno.test("documentOf() counts what became of requests, and the ledger adds up", async () => {
  const requests = (unanswered: number, late: number, pending: number) => ({
    requests: {
      unanswered: { 1: unanswered },
      late: { 1: late },
      pending: { 1: pending },
    },
  });
  const { windows, totals, ledger } = await documentOf([
    HEADER,
    sampleAt(0, {}, requests(0, 0, 0)),
    sampleAt(1, { "@received": [[1, 1, 10, 3000]] }, requests(0, 0, 3)),
    sampleAt(7, {}, requests(2, 0, 1)),
    sampleAt(8, { "@processing": [[1, 2, 100, 8, 200_000]] }, requests(0, 1, 1)),
    END,
  ]);
  const error = (series: readonly Series[], kind: string) =>
    counter(series, "error_rate", { kind, id: "DHCPDISCOVER" });
  assert.deepEqual(windows.map(({ series }) => error(series, "unanswered")), [0, 2, 0]);
  assert.deepEqual([error(totals, "unanswered"), error(totals, "late")], [2, 1]);
  assert.equal(totals.filter(({ labels }) => labels["kind"] === "unanswered").length, 1);
  const pending = find(totals, "pending_requests", { message: "DHCPDISCOVER" });
  assert.deepEqual(pending?.kind === "gauge" && [pending.value, pending.max], [1, 3]);
  // One of the eight answers was late: 10 = 8 + (2 - 1) + 1.
  assert.deepEqual([ledger!.refused, ledger!.pending], [{ unanswered: 1 }, 1]);
});

Deno.test("documentOf() begins anew after a restart of the server and goes on adding", async () => {
  const writes = (count: number) => ({
    "@lease_file_write": [[100, count, 25_000 * count]],
  });
  const inSegment1 = { segment: 1 };
  const { windows, totals, capture } = await documentOf([
    HEADER,
    sampleAt(0, {}, { process: processWith([5, 1]) }),
    sampleAt(1, writes(3), { process: processWith([6, 1]) }),
    { type: "note", elapsed_ns: 1.5e9, reason: "The server restarted: pid 1000, then 1001" },
    {
      type: "segment",
      segment: 1,
      elapsed_ns: 2e9,
      server: { ...SERVER, pid: 1001 },
      plan: { ...HEADER.plan, operations: ["addLease4"] },
      reason: "The server restarted: pid 1000, then 1001",
    },
    sampleAt(3, {}, { ...inSegment1, process: processWith([0.1, 0.1]) }),
    sampleAt(4, { ...writes(2), "@lease_manager": [[0, 90, 1, 10_000]] }, {
      ...inSegment1,
      process: processWith([0.2, 0.1]),
    }),
    END,
  ]);
  assert.deepEqual(windows.map(({ start, end }) => `${start.slice(17, 19)}-${end.slice(17, 19)}`), [
    "00-01",
    "03-04",
  ]);
  assert.equal(
    histogram(totals, "database_query_time", { statement: "lease_file_write" }).count,
    5,
  );
  assert.equal(histogram(totals, "database_query_time", { statement: "addLease4" }).count, 1);
  assert.ok(
    Math.abs(counter(totals, "cpu_usage", { thread: "all", mode: "user" }, "seconds")! - 1.1) <
      1e-9,
  );
  assert.deepEqual([capture.verdict, capture.reasons], [
    "PARTIAL",
    ["The server restarted: pid 1000, then 1001"],
  ]);
});

Deno.test("documentOf() counts kernel drops from the first reading on, new sockets from their beginning", async () => {
  const drops = (...sockets: readonly (readonly [id: string, drops: number])[]) => ({
    sockets: sockets.map(([id, drops]) => ({ socket: "raw" as const, id, drops, queued_bytes: 0 })),
  });
  const { windows, totals } = await documentOf([
    HEADER,
    sampleAt(0, {}, drops(["a", 100])),
    sampleAt(1, {}, drops(["a", 100])),
    sampleAt(2, {}, drops(["a", 103], ["b", 2])),
    sampleAt(3, {}, drops(["b", 2])),
    sampleAt(4, {}, drops(["a", 104], ["b", 2])),
    END,
  ]);
  const dropped = (series: readonly Series[]) =>
    counter(series, "error_rate", { kind: "kernel_drop", id: "raw" });
  assert.deepEqual(windows.map(({ series }) => dropped(series)), [0, 5, 0, 1]);
  assert.equal(dropped(totals), 6);
});

Deno.test("documentOf() gives CPU by thread and mode, memory and page faults", async () => {
  const process = (user: number, system: number, throttled: number) => ({
    process: { ...processWith([user, system], [user * 2, 0]), throttled_seconds: throttled },
  });
  const { totals } = await documentOf([
    HEADER,
    sampleAt(0, {}, process(1, 1, 0)),
    sampleAt(1, {}, process(1.5, 1.25, 0.5)),
    sampleAt(3, {}, process(1.5, 1.25, 0.5)),
    END,
  ]);
  const ratio = find(totals, "cpu_usage", { thread: "main", mode: "user" }, "ratio");
  assert.ok(ratio?.kind === "gauge");
  // Half of a core for one second of three.
  assert.deepEqual([ratio.value, ratio.min, ratio.max], [0, 0, 0.5]);
  assert.ok(Math.abs(ratio.mean - 0.5 / 3) < 1e-12);
  const spent = (thread: string, mode: string) =>
    counter(totals, "cpu_usage", { thread, mode }, "seconds");
  assert.deepEqual([spent("thread-1", "user"), spent("all", "user"), spent("all", "system")], [
    1,
    1.5,
    0.25,
  ]);
  assert.equal(spent("all", "throttled"), 0.5);
  const rss = find(totals, "memory_usage", { kind: "rss" }, "bytes");
  assert.equal(rss?.kind === "gauge" ? rss.value : null, 4096);
  assert.equal(counter(totals, "memory_usage", { kind: "minor" }, "faults"), 0);
});

Deno.test("documentOf() has the monitoring overhead, per received packet", async () => {
  const cost = (bpf: number, hits: number, cpu: number) => ({
    cost: { bpf_seconds: bpf, hits, monitor_cpu_seconds: cpu, monitor_memory_bytes: 1000 },
  });
  const packets = { "@received": [[1, 1, 1000, 300_000]] };
  const records = (maps: Sample["maps"]) => [
    HEADER,
    sampleAt(0, {}, cost(1, 100, 2)),
    sampleAt(2, maps, cost(1.01, 5100, 2.5)),
    END,
  ];
  const { capture } = await documentOf(records(packets));
  assert.ok(Math.abs(capture.cost!.bpf_us_per_packet! - 10) < 1e-6);
  assert.deepEqual([capture.cost!.hits_per_packet, capture.cost!.monitor_cpu_ratio], [5, 0.25]);
  assert.equal((await documentOf(records({}))).capture.cost!.bpf_us_per_packet, null);
  assert.equal((await documentOfMaps({}, {})).capture.cost, null);
});

Deno.test("documentOf() ignores windows of unknown overhead in the overhead per packet", async () => {
  const cost = { bpf_seconds: 0, hits: 0, monitor_cpu_seconds: 0, monitor_memory_bytes: 0 };
  const { capture } = await documentOf([
    HEADER,
    sampleAt(0, {}, { cost }),
    sampleAt(1, { "@received": [[1, 1, 10, 3000]] }, { cost: { ...cost, hits: 50 } }),
    sampleAt(2, { "@received": [[1, 1, 90, 27_000]] }),
    END,
  ]);
  assert.deepEqual([capture.cost!.hits, capture.cost!.hits_per_packet], [50, 5]);
});

Deno.test("documentOf() has every one of the seven metrics, or says why not", async () => {
  const end = {
    ...END,
    not_available: [{ metric: "lease_allocation_time", why: "no proven call site" }],
  };
  const { totals, capture } = await documentOf([HEADER, sampleAt(0, {}), sampleAt(1, {}), end]);
  assert.deepEqual(totals, []);
  assert.deepEqual(
    capture.not_available.map(({ metric }) => metric).toSorted(),
    METRICS.toSorted(),
  );
  assert.deepEqual(capture.not_available[0], {
    metric: "lease_allocation_time",
    why: "no proven call site",
  });
});

Deno.test("DocumentBuilder.next() gives each window when its sample comes", () => {
  const builder = new DocumentBuilder();
  assert.equal(builder.next(HEADER), null);
  assert.equal(builder.next(sampleAt(1, {})), null);
  const window = builder.next(sampleAt(2, { "@received": [[1, 1, 1, 300]] }));
  assert.equal(
    counter(window!.series, "network_traffic", { direction: "received" }, "packets"),
    1,
  );
  assert.equal(builder.elapsedSeconds, 1);
  assert.deepEqual(builder.document(), builder.document());
});

Deno.test("DocumentBuilder refuses records without a header", () => {
  assert.throws(() => new DocumentBuilder().next(sampleAt(1, {})), /without its header/);
  assert.throws(() => new DocumentBuilder().document(), /without its header/);
});

Deno.test("callouts have the names that their sample gives their numbers", async () => {
  const names = {
    exceptions: {},
    callouts: [{ hook_point: "pkt4_send", library: "libdhcp_ha.so", callout: "pkt4_send" }],
    hook_points: { 20: "pkt4_send" },
  };
  const { totals } = await documentOf([
    HEADER,
    sampleAt(0, {}),
    sampleAt(1, {
      "@callouts": [[0, 100, 2, 80_000], [7, 100, 1, 40_000]],
      "@callout_steps": [[0, 3, 2]],
      "@parked_time": [[20, 160, 2, 8_000_000]],
    }, { names }),
    END,
  ]);
  const known = { hook_point: "pkt4_send", library: "libdhcp_ha.so", callout: "pkt4_send" };
  assert.equal(histogram(totals, "hook_callout_time", known).count, 2);
  assert.equal(histogram(totals, "hook_callout_time", { library: "unknown" }).count, 1);
  assert.equal(counter(totals, "hook_next_step", { ...known, next_step: "park" }), 2);
  assert.equal(histogram(totals, "packet_parked_time", { hook_point: "pkt4_send" }).count, 2);
});

Deno.test("SQL statements have their times, rows and failures", async () => {
  const { totals } = await documentOfMaps({}, {
    "@postgresql": [["get_lease4_addr", 120, 3, 900_000]],
    "@postgresql_rows": [["get_lease4_addr", 2]],
    "@postgresql_failed": [["get_lease4_addr", 7, 1], ["insert_lease4", -1, 1]],
    "@mariadb": [["insert_lease4", 120, 1, 300_000]],
  });
  const of = (backend: string, statement: string) => ({ backend, statement });
  assert.equal(
    histogram(totals, "database_query_time", of("postgresql", "get_lease4_addr")).count,
    3,
  );
  assert.equal(histogram(totals, "database_query_time", of("mariadb", "insert_lease4")).count, 1);
  assert.equal(counter(totals, "database_rows", of("postgresql", "get_lease4_addr")), 2);
  for (const id of ["get_lease4_addr: FATAL_ERROR", "insert_lease4: no result"]) {
    assert.equal(counter(totals, "error_rate", { kind: "database", id: `postgresql ${id}` }), 1);
  }
});

Deno.test("the stage of the allocation is counted once, whichever program has it", async () => {
  const allocation = { "@allocation": [[1, 110, 1, 100_000]] };
  const stage = { "@stage": [[1, 4, 110, 1, 100_000], [1, 1, 90, 1, 9000]] };
  const plan = { ...HEADER.plan, stages: "fine" as const };
  const fine = await documentOf([
    { ...HEADER, plan },
    sampleAt(0, {}),
    sampleAt(1, { ...allocation, ...stage }),
    END,
  ]);
  const coarse = await documentOfMaps({}, allocation);
  for (const { totals } of [fine, coarse]) {
    assert.equal(histogram(totals, "packet_stage_time", { stage: "allocate" }).count, 1);
    assert.equal(histogram(totals, "lease_allocation_time", {}).count, 1);
  }
  assert.equal(histogram(fine.totals, "packet_stage_time", { stage: "queue" }).count, 1);
});

Deno.test("documentOf() is PARTIAL where a capture has a map that is not known", async () => {
  const { capture } = await documentOf([
    HEADER,
    sampleAt(1, {}),
    sampleAt(2, { "@of_a_later_version": [[1, 5]] }),
    sampleAt(3, { "@of_a_later_version": [[1, 6], [2, 1]] }),
    END,
  ]);
  assert.equal(capture.verdict, "PARTIAL");
  assert.deepEqual(capture.reasons, [
    "The capture has @of_a_later_version, a map that this version does not know",
  ]);
});

Deno.test("documentOf() has small whole numbers of seconds exactly, and what clients repeat", async () => {
  const { totals } = await documentOfMaps(
    {},
    {
      "@client_waiting": [[1, 0, 97, 0], [1, 7, 2, 14], [1, bucketOf(15), 1, 15]],
      "@retransmissions": [[1, 3]],
    },
  );
  const { unit, count, sum, min, max, exact, quantiles } = histogram(
    totals,
    "client_waiting_time",
    { message: "DHCPDISCOVER" },
  );
  assert.deepEqual([unit, count, sum, min, max, exact], ["s", 100, 29, 0, 15, true]);
  assert.deepEqual(quantiles.map(({ q, value }) => [q, value]), [
    ...[[0.5, 0], [0.9, 0], [0.95, 0], [0.99, 7], [0.999, 15]],
  ]);
  assert.equal(counter(totals, "retransmissions", { message: "DHCPDISCOVER" }, "packets"), 3);
});

Deno.test("documentOf() has the packets that are parked now, where the end of parking is known", async () => {
  const names = {
    ...NO_NAMES,
    callouts: [{ hook_point: "leases4_committed", library: "libdhcp_ha.so", callout: "c" }],
    hook_points: { 7: "leases4_committed" },
  };
  const maps: Sample["maps"][] = [
    {},
    { "@callout_steps": [[0, 3, 5], [0, 1, 2]], "@parked_time": [[7, 100, 2, 300_000]] },
    { "@parked_time": [[7, 100, 1, 150_000], [7, 104, 1, 200_000]] },
    // More than were parked: one from before the first sample.
    { "@parked_time": [[7, 100, 2, 300_000]] },
  ];
  const site = {
    ...{ id: "callouts.done", file: "/x", address: "0x1", symbol: null },
    ...{ class: "emulated" as const, price_us: 3 },
  };
  const parked = async (sites: typeof site[]) => {
    const header = { ...HEADER, plan: { ...HEADER.plan, sites } };
    const samples = maps.map((each, index) => ({ ...sampleAt(index, each), names }));
    const { windows } = await documentOf([header, ...samples, END]);
    return windows.map(({ series }) => {
      const found = find(series, "parked_packets", { hook_point: "leases4_committed" });
      return found?.kind === "gauge" ? found.value : null;
    });
  };
  assert.deepEqual(await parked([site]), [3, 1, 0]);
  assert.deepEqual(await parked([]), [null, null, null]);
});

Deno.test("documentOf() distinguishes requests to the partner from those from it", async () => {
  const { totals } = await documentOfMaps({}, {
    "@partner_time": [[1, 1, 100, 3, 450_000], [2, 2, 100, 1, 150_000], [2, 0, 100, 1, 150_000]],
  });
  const counts = [["sent", "lease_update"], ["received", "heartbeat"], ["received", "other"]]
    .map(([direction, command]) =>
      histogram(totals, "partner_request_time", { direction: direction!, command: command! }).count
    );
  assert.deepEqual(counts, [3, 1, 1]);
});
