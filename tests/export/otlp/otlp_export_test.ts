/** What becomes of requests whatever a receiver answers; real sockets on this machine. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { OtlpExport } from "../../../export/otlp/otlp_export.ts";
import { otlpSettings } from "../../../export/otlp/settings.ts";
import { Accumulator } from "../../../export/prometheus/accumulator.ts";
import { decodedRequest, encoded, metricsOf } from "./decoded.ts";
import { until } from "../../e2e/run_script.ts";
import { seriesOf } from "../exposed.ts";

const SECRET = "s3cret-t0ken";
const EXCHANGES = { name: "exchanges_total", type: "counter", help: "For tests." } as const;

/** A request as it came: the count in it, and the bodies' digest by its text. */
interface Came {
  readonly count: number;
  readonly headers: Headers;
  readonly path: string;
  /** The exporter's own counters. */
  readonly own: Readonly<Record<string, number>>;
}

type Answer = (request: Request) => Response | Promise<Response>;

const accepted: Answer = () =>
  new Response(encoded("ExportMetricsServiceResponse", {}), {
    headers: { "content-type": "application/x-protobuf" },
  });
const partly = (rejected_data_points: number, error_message: string): Answer => () =>
  new Response(
    encoded("ExportMetricsServiceResponse", {
      partial_success: { rejected_data_points, error_message },
    }),
    { headers: { "content-type": "application/x-protobuf" } },
  );
const status =
  (code: number, message: string, headers: Record<string, string> = {}): Answer => () =>
    new Response(encoded("Status", { code: 3, message }), {
      status: code,
      headers: { "content-type": "application/x-protobuf", ...headers },
    });

/** A receiver that gives these answers in turn, the last again and again. */
function receiver(answers: readonly Answer[], port = 0) {
  const came: Came[] = [];
  const server = Deno.serve(
    { port, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      const { headers } = request;
      const stream = headers.get("content-encoding") === "gzip"
        ? request.body!.pipeThrough(new DecompressionStream("gzip"))
        : request.body!;
      const metrics = metricsOf(decodedRequest(await new Response(stream).bytes()));
      const numbers = metrics.map(({ metric: { name }, data }) =>
        [name.replace("kea.ebpf.", ""), Number(data.data_points[0]!.as_int)] as const
      );
      const { exchanges, ...own } = Object.fromEntries(numbers);
      came.push({ count: exchanges!, headers, path: new URL(request.url).pathname, own });
      return await answers[Math.min(came.length, answers.length) - 1]!(request);
    },
  );
  return { came, server, url: `http://127.0.0.1:${server.addr.port}` };
}

/** Runs a test with a state folder of its own. */
async function withState(test: (state: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "kea-otlp-test-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** An exporter of one counter, which sends only when it ends, unless an interval is given. */
async function start(
  state: string,
  url: string,
  environment: Record<string, string> = {},
  intervalSeconds = 3600,
) {
  const accumulator = new Accumulator();
  const said: string[] = [];
  const settings = otlpSettings({ url, intervalSeconds }, {
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${SECRET}`,
    ...environment,
  })!;
  const say = (line: string) => said.push(line);
  const otlp = await OtlpExport.start({ settings, accumulator, say, state });
  const count = (value: number) => accumulator.set(EXCHANGES, { server: "dhcp4" }, BigInt(value));
  const own = (name: string) => Number(seriesOf(accumulator, name)[0]!.value);
  return { otlp, count, said, own };
}

const namesIn = (folder: string): string[] =>
  [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? namesIn(join(folder, name)).map((inner) => `${name}/${inner}`) : [name]
  ).sort();

Deno.test("OtlpExport sends the last values when it ends, with headers, compressed", async () => {
  await withState(async (state) => {
    for (const compression of ["gzip", "none"]) {
      const { came, server, url } = receiver([accepted]);
      await using _ = server;
      const { otlp, count, said } = await start(state, url, {
        OTEL_EXPORTER_OTLP_COMPRESSION: compression,
      });
      count(101);
      await otlp.end();
      assert.deepEqual(came.map(({ count }) => count), [101]);
      const [{ headers, path }] = came as [Came];
      assert.equal(path, "/v1/metrics");
      assert.equal(headers.get("authorization"), `Bearer ${SECRET}`);
      assert.equal(headers.get("content-type"), "application/x-protobuf");
      assert.equal(headers.get("content-encoding"), compression === "gzip" ? "gzip" : null);
      assert.deepEqual(said, [
        `Sending OTLP with exponential histograms to ${url}/v1/metrics every 3600 s`,
      ]);
    }
    // One folder for each endpoint, with nothing but its lock.
    assert.ok(
      namesIn(state).every((name) => /^otlp\/[0-9a-f]{16}\/lock$/.test(name)),
      "all was sent",
    );
  });
});

for (const code of [429, 502, 503, 504]) {
  Deno.test(`OtlpExport sends again after ${code}, and says so once`, async () => {
    await withState(async (state) => {
      const busy = status(code, `busy, ${SECRET}`, { "retry-after": "0" });
      const { came, server, url } = receiver([busy, busy, accepted]);
      await using _ = server;
      const { otlp, count, said, own } = await start(state, url, {}, 0.5);
      count(53);
      await until(() => own("otlp_requests_accepted_total") > 0, "one is accepted");
      await otlp.end();
      assert.deepEqual(new Set(came.map(({ count }) => count)), new Set([53]));
      assert.ok(came.length >= 3);
      assert.equal(own("otlp_requests_waiting"), 0);
      assert.deepEqual(said.slice(1), [
        `Cannot send OTLP: ${code}: busy, [header]; retrying`,
        "The OTLP receiver accepts requests again",
      ]);
    });
  });
}

Deno.test("OtlpExport waits as long as Retry-After says", async () => {
  await withState(async (state) => {
    const { came, server, url } = receiver([status(429, "", { "retry-after": "2" }), accepted]);
    await using _ = server;
    const { otlp, count } = await start(state, url);
    count(1);
    const before = performance.now();
    await otlp.end();
    assert.equal(came.length, 2);
    assert.ok(performance.now() - before >= 2000);
  });
});

for (
  const [code, why] of [
    [400, "400: bad: "],
    [401, "401: bad: give the right OTEL_EXPORTER_OTLP_HEADERS: "],
    [404, "404: bad: there is no such address, check the URL: "],
    [413, "413: bad: the receiver's limit of a request is too small: "],
    [500, "500: bad: "],
    [307, "307: bad: it redirects, give the URL that it redirects to: "],
  ] as const
) {
  Deno.test(`OtlpExport sends nothing again after ${code}: quarantine, said once`, async () => {
    await withState(async (state) => {
      const { came, server, url } = receiver([
        ...Array(3).fill(status(code, "bad", { location: "http://127.0.0.1:1/" })),
        accepted,
      ]);
      await using _ = server;
      const { otlp, count, said, own } = await start(state, url, {}, 0.5);
      count(31);
      await until(() => own("otlp_requests_accepted_total") > 0, "one is accepted");
      await otlp.end();
      assert.equal(own("otlp_requests_refused_total"), 3);
      assert.deepEqual(came.at(-1)!.count, 31);
      assert.equal(said.length, 2, said.join("\n"));
      assert.ok(said[1]!.startsWith(`A request was quarantined: ${why}`), said[1]);
      const kept = namesIn(state).filter((name) => /\/quarantine\/\d+\.request$/.test(name));
      assert.equal(kept.length, 3);
    });
  });
}

Deno.test("OtlpExport sends what was moved back from quarantine", async () => {
  await withState(async (state) => {
    const { came, server, url } = receiver([status(401, "who are you"), accepted]);
    await using _ = server;
    const first = await start(state, url);
    first.count(101);
    await first.otlp.end();
    assert.equal(first.own("otlp_requests_refused_total"), 1);
    for (const name of namesIn(state).filter((name) => name.endsWith(".request"))) {
      await Deno.rename(join(state, name), join(state, name.replace("quarantine/", "")));
    }
    const second = await start(state, url);
    second.count(53);
    await second.otlp.end();
    assert.deepEqual(came.map(({ count }) => count), [101, 101, 53]);
  });
});

Deno.test("OtlpExport reports what a receiver rejects or warns of", async () => {
  await withState(async (state) => {
    const { came, server, url } = receiver([
      partly(0, "slow down"),
      partly(5, "too old"),
      partly(6, "too old"),
      accepted,
    ]);
    await using _ = server;
    const { otlp, count, said, own } = await start(state, url, {}, 0.5);
    count(1);
    await until(() => came.length >= 4, "four came");
    await otlp.end();
    assert.deepEqual([own("otlp_points_rejected_total"), own("otlp_requests_refused_total")], [
      11,
      0,
    ]);
    assert.deepEqual(said.slice(1), [
      "The OTLP receiver accepts a request and says slow down",
      "The OTLP receiver accepts a request and rejects data points: too old",
    ]);
    assert.equal(came.at(-1)!.own["otlp_points_rejected"], 11);
  });
});

Deno.test("OtlpExport does not take another server's page for an answer, but an empty one", async () => {
  await withState(async (state) => {
    const page: Answer = () => new Response("<html>", { headers: { "content-type": "text/html" } });
    const { came, server, url } = receiver([page, () => new Response(null, { status: 204 })]);
    await using _ = server;
    const { otlp, count, said, own } = await start(state, url, {}, 0.5);
    count(1);
    await until(() => came.length >= 2, "two came");
    await otlp.end();
    assert.equal(own("otlp_requests_refused_total"), 1);
    assert.match(said[1]!, /200: the answer is not from an OTLP receiver: check the URL/);
  });
});

Deno.test("OtlpExport keeps all values while no receiver is there, also through a restart, in their order", async () => {
  await withState(async (state) => {
    const { port } = (() => {
      using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
      return listener.addr;
    })();
    const url = `http://127.0.0.1:${port}`;
    const first = await start(state, url, {}, 0.5);
    first.count(7);
    await until(() => first.own("otlp_requests_waiting") >= 2, "two wait");
    first.count(101);
    await first.otlp.end();
    assert.match(first.said[1]!, /^Cannot send OTLP: .*Connection refused; retrying$/);
    assert.match(first.said.at(-1)!, /^\d+ OTLP requests are waiting, the next start sends them$/);
    assert.ok(namesIn(state).filter((name) => name.endsWith(".request")).length >= 3);

    const second = await start(state, url);
    await assert.rejects(start(state, url), /another exporter does: stop it/);
    assert.match(second.said[0]!, /^\d+ OTLP requests of an earlier run are waiting$/);
    const { came, server } = receiver([accepted], port);
    await using _ = server;
    second.count(53);
    await until(() => second.own("otlp_requests_waiting") === 0, "all of the first run came");
    await second.otlp.end();
    const counts = came.map(({ count }) => count);
    assert.deepEqual(counts, counts.toSorted((a, b) => order(a) - order(b)));
    assert.deepEqual([counts[0], counts.at(-2), counts.at(-1)], [7, 101, 53]);
    assert.equal(namesIn(state).filter((name) => name.endsWith(".request")).length, 0);
  });
});

/** When a count of that test was made. */
const order = (count: number) => [7, 101, 53].indexOf(count);
