import assert from "node:assert/strict";
import { metricsRequests, SCOPE } from "../../../export/otlp/metrics_request.ts";
import { Resources } from "../../../export/otlp/resources.ts";
import {
  Accumulator,
  type ExposedSeries,
  isHistogram,
} from "../../../export/prometheus/accumulator.ts";
import { PREFIX, SOURCES } from "../../../export/prometheus/families.ts";
import { secondsOf } from "../../../export/prometheus/buckets.ts";
import { metricNameOf } from "../../../export/otlp/metric_name.ts";
import { ServerStatus } from "../../../export/watching/server_status.ts";
import { CAPTURES, recordsOf } from "../../metrics/fixtures/captures.ts";
import { attributesOf, decodedRequest, metricsOf } from "./decoded.ts";

const [STARTED, NOW] = [new Date("2026-01-02T03:04:05.678Z"), new Date("2026-01-02T03:05:00.001Z")];
const [STARTED_NS, NOW_NS] = ["1767323045678000000", "1767323100001000000"];

/** Two real servers, as the exporter has them; one of them has several of its kind beside it. */
async function watched(): Promise<Accumulator> {
  const accumulator = new Accumulator();
  for (const [kind, name] of [["v4", "dhcp4"], ["v6", "dhcp6@kea-2"]] as const) {
    const status = new ServerStatus(name, accumulator);
    for (const record of await recordsOf(kind)) status.next(record);
  }
  accumulator.set({ name: "of_itself_total", type: "counter", help: "Of the exporter." }, {}, 7n);
  return accumulator;
}

const accumulator = await watched();
const families = accumulator.families();

/** The name that Prometheus, and receivers that follow it, derive. */
function prometheusName(name: string, unit: string, isCounter: boolean): string {
  const ending = { s: "_seconds", By: "_bytes" }[unit] ?? "";
  return name.replaceAll(/[^A-Za-z0-9_:]/g, "_") + ending + (isCounter ? "_total" : "");
}

function decoded(histograms: "exponential" | "explicit") {
  const resources = new Resources("kea-1", { site: "berlin" });
  resources.update(families);
  const requests = metricsRequests(families, {
    ...{ histograms, started: STARTED, now: NOW },
    resourceOf: (server) => resources.of(server),
  });
  assert.equal(requests.length, 1);
  return metricsOf(decodedRequest(requests[0]!));
}

for (const histograms of ["exponential", "explicit"] as const) {
  Deno.test(`metricsRequests() has every series once and exactly, ${histograms}`, () => {
    const metrics = decoded(histograms);
    let points = 0;
    for (const { metric, data, resource } of metrics) {
      const isCounter = metric.sum !== undefined;
      const name = prometheusName(metric.name, metric.unit, isCounter);
      const found = families.find(({ family }) => PREFIX + family.name === name);
      assert.ok(found, `${metric.name} becomes ${name}, which /metrics does not have`);
      assert.equal(metric.description, found.family.help);
      const kind = { counter: "sum", gauge: "gauge", histogram: "histogram" }[found.family.type];
      const key = kind === "histogram" && histograms === "exponential"
        ? "exponential_histogram"
        : kind;
      assert.ok(key in metric, `${metric.name} is a ${key}`);
      if (kind !== "gauge") assert.equal(data.aggregation_temporality, 2);
      if (isCounter) assert.equal(data.is_monotonic, true);
      for (const point of data.data_points) {
        points++;
        const labels = attributesOf(point);
        const server = labels["server"];
        assert.equal(
          resource["service.instance.id"],
          server === undefined ? "kea-1" : `kea-1/${server}`,
        );
        const series: ExposedSeries | undefined = found.series.find((each) =>
          JSON.stringify(each.labels) === JSON.stringify(labels)
        );
        assert.ok(series, `${metric.name} ${JSON.stringify(labels)}`);
        assert.equal(point.time_unix_nano, NOW_NS);
        assert.equal(point.start_time_unix_nano, kind === "gauge" ? "0" : STARTED_NS);
        if (!isHistogram(series.value)) {
          const value = point.as_double ?? Number(point.as_int);
          assert.equal(value, Number(series.value));
          assert.equal("as_double" in point, metric.unit === "s");
          continue;
        }
        assert.equal(point.count, String(series.value.count));
        assert.equal(point.sum, Number(secondsOf(series.value.sum)));
        const counts = [
          ...point.bucket_counts ?? point.positive.bucket_counts,
          point.zero_count ?? "0",
        ];
        assert.equal(counts.reduce((sum, count) => sum + BigInt(count), 0n), series.value.count);
        if (histograms === "explicit") {
          const bounds: number = series.value.bounds?.length ?? 193;
          assert.equal(point.explicit_bounds.length, bounds);
          assert.equal(point.bucket_counts.length, bounds + 1);
        } else {
          assert.equal(point.scale, 4);
        }
      }
    }
    assert.equal(points, families.reduce((sum, { series }) => sum + series.length, 0));
  });
}

for (const histograms of ["exponential", "explicit"] as const) {
  Deno.test(`metricsRequests() has exemplars with their attributes and no trace, ${histograms}`, () => {
    const family = SOURCES.find(({ name }) => name === "packet_processing_seconds")!;
    const slow = new Accumulator();
    const exemplar = { xid: "00000001", client: "00:0c:01:02:03:04", packet_stage: "allocate" };
    const labels = { server: "dhcp4", message: "DHCPDISCOVER", answer: "DHCPOFFER" };
    slow.addExemplar(family, labels, { labels: exemplar, value: 1_500_000, time: STARTED });
    const [bytes] = metricsRequests(slow.families(), {
      ...{ histograms, started: STARTED, now: NOW },
      resourceOf: () => ({}),
    });
    const [metric] = metricsOf(decodedRequest(bytes!));
    const [found, ...others] = metric!.data.data_points[0]!.exemplars;
    assert.deepEqual(attributesOf({ attributes: found!.filtered_attributes }), exemplar);
    assert.deepEqual([found!.as_double, found!.time_unix_nano], [0.0015, STARTED_NS]);
    assert.deepEqual([found!.trace_id.length, found!.span_id.length, others], [0, 0, []]);
  });
}

Deno.test("metricsRequests() has the packets of the capture", () => {
  const received = decoded("explicit").find(({ metric, resource }) =>
    metric.name === "kea.ebpf.packets_received" && resource["service.name"] === "kea-dhcp4"
  );
  assert.equal(received!.metric.unit, "{packet}");
  const { exchanges } = CAPTURES.v4;
  assert.equal(received!.data.data_points[0]!.as_int, String(2 * exchanges + 3 + 7 + 2));
});

Deno.test("metricsRequests() has one resource for each server, and one for the exporter", () => {
  const resources = decoded("exponential").map(({ resource }) => JSON.stringify(resource));
  const of = (service: string, instance: string, version: object) =>
    JSON.stringify({
      "service.name": service,
      "service.instance.id": instance,
      "host.name": "kea-1",
      ...version,
      site: "berlin",
    });
  assert.deepEqual(
    new Set(resources),
    new Set([
      of("kea-dhcp4", "kea-1/dhcp4", { "service.version": "2.2.0" }),
      of("kea-dhcp6", "kea-1/dhcp6@kea-2", { "service.version": "2.6.3" }),
      of("kea-ebpf-exporter", "kea-1", {}),
    ]),
  );
});

Deno.test("Resources keeps the version of a server that has stopped, and the user's attributes win", () => {
  const resources = new Resources("kea-1", { "service.name": "dhcp", "host.name": "other" });
  resources.update(families);
  resources.update([]);
  assert.deepEqual(resources.of("dhcp4"), {
    "service.name": "dhcp",
    "service.instance.id": "kea-1/dhcp4",
    "host.name": "other",
    "service.version": "2.2.0",
  });
});

Deno.test("metricNameOf() gives names from which receivers derive those of /metrics, for every family", () => {
  for (const source of SOURCES) {
    const { name, unit } = metricNameOf(source);
    const isCounter = source.type === "counter";
    assert.equal(prometheusName(name, unit, isCounter), PREFIX + source.name);
    assert.match(name, /^kea\.ebpf\.[a-z_]+$/);
    assert.match(unit, /^(|s|By|\{[a-z]+\})$/);
  }
  assert.deepEqual(metricNameOf(SOURCES[0]!), { name: "kea.ebpf.packet_processing", unit: "s" });
});

Deno.test("metricsRequests() puts servers into several requests where one would be too large", () => {
  const many = new Accumulator(10_000);
  const family = { name: "large_total", type: "counter", help: "x" } as const;
  for (let server = 0; server < 7; server++) {
    for (let index = 0; index < 200; index++) {
      const labels = { server: `dhcp4@${server}`, text: `${index}`.padEnd(5000, "x") };
      many.set(family, labels, 1n);
    }
  }
  const requests = metricsRequests(many.families(), {
    ...{ histograms: "explicit", started: STARTED, now: NOW },
    resourceOf: () => ({}),
  });
  const sizes = requests.map((bytes) =>
    metricsOf(decodedRequest(bytes)).map(({ data }) => data.data_points.length)
  );
  assert.deepEqual(sizes, [[200, 200, 200, 200], [200, 200, 200]]);
  assert.ok(requests.every(({ length }) => length <= 4 * 2 ** 20));
  assert.deepEqual(
    metricsRequests([], {
      ...{ histograms: "explicit", started: STARTED, now: NOW },
      resourceOf: () => ({}),
    }),
    [],
  );
});

Deno.test("metricsRequests() names its scope", () => {
  const [bytes] = metricsRequests(families, {
    ...{ histograms: "explicit", started: STARTED, now: NOW },
    resourceOf: () => ({}),
  });
  const scopes = decodedRequest(bytes!).resource_metrics.map((each) =>
    each.scope_metrics[0]!.scope.name
  );
  assert.deepEqual(new Set(scopes), new Set([SCOPE]));
});
