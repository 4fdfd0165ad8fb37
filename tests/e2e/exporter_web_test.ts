/** The exporter's web server with curl and a real Prometheus. Needs openssl, curl and apt. */

import assert from "node:assert/strict";
import bcrypt from "bcryptjs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Accumulator } from "../../export/prometheus/accumulator.ts";
import type { Handler } from "../../export/web/handler.ts";
import { routed, routesOf } from "../../export/web/routes.ts";
import { startWeb } from "../../export/web/start_web.ts";
import { documentOf } from "../../metrics/document_builder.ts";
import { Prometheus } from "../../tools/lab/prometheus.ts";
import { recordsOf } from "../metrics/fixtures/captures.ts";
import { pythonProcess } from "../system/python_process.ts";
import { type Certificates, certificates } from "./certificates.ts";
import { curl } from "./curl.ts";
import { until } from "./run_script.ts";

const accumulator = new Accumulator();
accumulator.add("dhcp4", { series: (await documentOf(await recordsOf("v4"))).totals });
const routes = routed(
  routesOf({ accumulator, path: "/metrics", bucketsPerOctave: 2, isReady: () => true }),
);

/** A server with a web configuration. */
async function serve(
  options: { readonly config?: string; readonly handler?: Handler; readonly address?: string } = {},
) {
  const said: string[] = [];
  const web = await startWeb(
    {
      addresses: [options.address ?? "127.0.0.1:0"],
      isSocketActivated: false,
      configFile: options.config ?? null,
    },
    options.handler ?? routes,
    (line) => said.push(line),
  );
  const [url] = web.urls;
  return { url: url!, said, [Symbol.asyncDispose]: () => web[Symbol.asyncDispose]() };
}

/** Writes a web configuration beside the certificates. */
async function configuration(certificates: Certificates, yaml: string): Promise<string> {
  const path = certificates.path("web.yml");
  // Renamed, as an editor does it.
  await Deno.writeTextFile(`${path}.new`, yaml);
  await Deno.rename(`${path}.new`, path);
  return path;
}

const TLS = "tls_server_config: {cert_file: server.pem, key_file: server.key";
const CLIENTS = "client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem";

/** Whether a Prometheus gets the metrics. */
async function scrapes(url: string, how: Readonly<Record<string, unknown>>): Promise<boolean> {
  const { host, protocol } = new URL(url);
  await using prometheus = await Prometheus.start(host, [], {
    scrape: { scheme: protocol.replace(":", ""), ...how },
  });
  let up: number | undefined;
  await until(async () => {
    up = (await prometheus.query("up"))[0]?.value;
    return up !== undefined;
  }, "Prometheus has scraped");
  return up === 1;
}

Deno.test("each path has its answer, and each is as short as it should be", async () => {
  await using server = await serve();
  const get = (path: string, ...args: string[]) => curl(...args, `${server.url}${path}`);
  const metrics = await get("/metrics");
  assert.equal(metrics.status, 200);
  assert.match(metrics.body, /^kea_ebpf_packets_received_total\{server="dhcp4",socket="raw"\} /m);
  assert.equal(metrics.headers.get("x-content-type-options"), "nosniff");
  assert.equal(metrics.headers.get("access-control-allow-origin"), null);
  const head = await get("/metrics", "-I");
  assert.deepEqual([head.status, head.body], [200, ""]);
  assert.equal(head.headers.get("content-length"), metrics.headers.get("content-length"));
  const packed = await get("/metrics", "--compressed");
  assert.equal(packed.body, metrics.body);
  assert.ok(Number(packed.headers.get("content-length")) * 4 < metrics.body.length);
  assert.equal((await get("/metrics?buckets=3")).status, 400);
  assert.equal((await get("/-/healthy")).status, 200);
  assert.match((await get("/none")).body, /\/metrics/);
  for (const path of ["/none", "/metrics/", "//metrics", "/..%2fmetrics", "/a".repeat(1000)]) {
    assert.equal((await get(path, "--path-as-is")).status, 404, path);
  }
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"]) {
    const { status, headers } = await get("/metrics", "-X", method);
    assert.deepEqual([status, headers.get("allow")], [405, "GET, HEAD"], method);
  }
  assert.equal((await get("/metrics", "-X", "GET", "-d", "a=b")).status, 413);
  const targets = [
    ["http://user:secret@evil.example/metrics", 200],
    ["http://evil.example?buckets=1", 404],
    ["*", 400],
    ["javascript:alert(1)", 0],
    ["evil.example/metrics", 0],
  ] as const;
  for (const [target, status] of targets) {
    assert.equal((await get("", "--request-target", target)).status, status, target);
  }
  assert.equal((await get("/metrics", "-H", "Host: evil.example")).status, 421);
  const long = await get(`/metrics?${"a".repeat(20_000)}`);
  assert.ok(long.status !== 200);
  const many = await get("/metrics", "-H", `X-Long: ${"a".repeat(60_000)}`);
  assert.ok(many.status !== 200);
  assert.equal((await get("/metrics")).status, 200);
});

/** Sends the beginning of a request, or nothing, and waits until the connection is closed. */
const SLOW = "import socket, sys; s = socket.create_connection(('127.0.0.1', sys.argv[1])); " +
  "s.send(sys.argv[2].encode()); print('closed', s.recv(100) == b'', flush=True); sys.stdin.read()";

Deno.test("200 scrapes at once are answered, and slow clients are closed", async () => {
  await using server = await serve();
  const { port } = new URL(server.url);
  const beginnings = ["", "GET /metrics HTTP/1.1\r\nHost: localhost\r\n"];
  const slow = beginnings.map((text) => pythonProcess(SLOW, [port, text]));
  const bodies = await Promise.all(Array.from({ length: 200 }, async () => {
    const response = await fetch(`${server.url}/metrics`);
    assert.equal(response.status, 200);
    return await response.text();
  }));
  assert.equal(new Set(bodies).size, 1);
  // It is ready when its connection is closed.
  for (const each of slow) await (await each)[Symbol.asyncDispose]();
});

Deno.test("TLS: the right certificate, a new one without a restart, and no broken one", async () => {
  await using pem = await certificates();
  const config = await configuration(pem, `${TLS}, min_version: TLS13}`);
  await using server = await serve({ config });
  const get = (...args: string[]) => curl(...args, `${server.url}/metrics`);
  const trust = ["--cacert", pem.path("ca.pem")];
  assert.equal((await get(...trust)).status, 200);
  assert.equal((await get()).status, 0, "an authority that curl does not know");
  assert.equal((await get(...trust, "--tls-max", "1.2")).status, 0);
  const ca_file = pem.path("ca.pem");
  assert.ok(await scrapes(server.url, { tls_config: { ca_file } }));
  assert.ok(!await scrapes(server.url, {}));

  await configuration(pem, `${TLS}, nonsense: 1}`);
  assert.equal((await get(...trust)).status, 200);
  assert.match(server.said.at(-1)!, /nonsense is not supported; the one before stays in use$/);
  await configuration(pem, "");
  assert.equal((await get(...trust)).status, 200);
  assert.match(server.said.at(-1)!, /TLS goes on or off with a restart only; the one before/);
  await Deno.copyFile(pem.path("stranger.pem"), pem.path("server.pem"));
  await configuration(pem, `${TLS}}`);
  assert.equal((await get(...trust)).status, 200, "a certificate without its key is not used");
  assert.match(server.said.at(-1)!, /; the one before stays in use$/);
  await Deno.copyFile(pem.path("stranger.key"), pem.path("server.key"));
  await until(async () => (await get(...trust)).status === 0, "the stranger's is used");
  assert.equal((await get("-k", "--tls-max", "1.2")).status, 200);
  await pem.make("server");
  await until(async () => (await get(...trust)).status === 200, "ours is used again");
});

Deno.test("basic auth: the right password, wrong ones, and a change without a restart", async () => {
  await using pem = await certificates();
  const users = async (password: string) =>
    `basic_auth_users: {prom: ${(await bcrypt.hash(password, 6)).replace("$2b", "$2y")}}`;
  await using server = await serve({ config: await configuration(pem, await users("s:e c")) });
  const get = (path: string, ...args: string[]) => curl(...args, `${server.url}${path}`);
  assert.equal((await get("/metrics", "-u", "prom:s:e c")).status, 200);
  assert.equal((await get("/metrics", "-u", "prom:s:e c", "-H", "Host: evil")).status, 200);
  for (const path of ["/metrics", "/-/healthy", "/none"]) {
    for (const user of [[], ["-u", "prom:"], ["-u", "other:s:e c"], ["-u", "prom:s:e c "]]) {
      const { status, headers, body } = await get(path, ...user);
      assert.equal(status, 401, `${path} ${user}`);
      assert.match(headers.get("www-authenticate")!, /^Basic realm=/);
      assert.doesNotMatch(body, /kea/);
    }
  }
  assert.ok(await scrapes(server.url, { basic_auth: { username: "prom", password: "s:e c" } }));
  assert.ok(!await scrapes(server.url, { basic_auth: { username: "prom", password: "x" } }));
  await configuration(pem, await users("other"));
  assert.equal((await get("/metrics", "-u", "prom:s:e c")).status, 401);
  assert.equal((await get("/metrics", "-u", "prom:other")).status, 200);
  assert.match(server.said.at(-1)!, /^The web configuration or a certificate has changed/);
});

Deno.test("client certificates: the right one, a stranger's, and none", async () => {
  await using pem = await certificates();
  await using server = await serve({ config: await configuration(pem, `${TLS}}`) });
  const get = (...args: string[]) =>
    curl("--cacert", pem.path("ca.pem"), ...args, `${server.url}/metrics`);
  assert.equal((await get()).status, 200);
  // From now on clients need one.
  await configuration(pem, `${TLS}, ${CLIENTS}}`);
  await until(async () => (await get()).status === 0, "clients are asked for certificates");
  const as = (
    name: string,
  ) => ["--cert", pem.path(`${name}.pem`), "--key", pem.path(`${name}.key`)];
  assert.equal((await get(...as("client"))).status, 200);
  assert.equal((await get(...as("stranger"))).status, 0);
  assert.equal((await get()).status, 0);
  const [ca_file, cert_file, key_file] = ["ca.pem", "client.pem", "client.key"].map(pem.path);
  assert.ok(await scrapes(server.url, { tls_config: { ca_file, cert_file, key_file } }));
  assert.ok(!await scrapes(server.url, { tls_config: { ca_file } }));
  // Another authority: yesterday's clients do not get in any more.
  await configuration(pem, `${TLS}, ${CLIENTS.replace("ca.pem", "stranger.pem")}}`);
  await until(
    async () => (await get(...as("stranger"))).status === 200,
    "the new authority counts",
  );
  assert.equal((await get(...as("client"))).status, 0);
});

Deno.test("a Unix socket: one that was left behind is replaced, one in use is not", async () => {
  const folder = await Deno.makeTempDir({ prefix: "kea-web-test-" });
  try {
    const path = join(folder, "exporter.sock");
    const get = () => curl("--unix-socket", path, "http://localhost/metrics");
    // As a process leaves it that was killed.
    const left = new Deno.Command("python3", {
      args: ["-c", "import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])", path],
    });
    assert.ok((await left.output()).success);
    {
      await using server = await serve({ address: `unix:${path}` });
      assert.equal(server.url, `unix:${path}`);
      assert.equal((await get()).status, 200);
      await assert.rejects(serve({ address: `unix:${path}` }), {
        name: "AddressError",
        message: /^Cannot listen on unix:[^\n]+in use[^\n]*$/,
      });
      assert.equal((await get()).status, 200);
    }
    assert.deepEqual([...Deno.readDirSync(folder)], []);
    await Deno.writeTextFile(path, "a file of the user");
    await assert.rejects(serve({ address: `unix:${path}` }), { name: "AddressError" });
    assert.equal(await Deno.readTextFile(path), "a file of the user");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Asks for a stream, and reads nothing of it. */
const DOES_NOT_READ =
  "import socket, sys; s = socket.create_connection(('127.0.0.1', sys.argv[1])); " +
  "s.send(b'GET / HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n'); print('sent', flush=True); sys.stdin.read()";

Deno.test("a stream ends when its client goes, and is not produced for one that does not read", async () => {
  let [produced, cancelled] = [0, 0];
  const piece = new Uint8Array(65_536);
  const handler: Handler = () =>
    new Response(
      new ReadableStream<Uint8Array>({
        pull: (controller) => {
          produced += piece.length;
          controller.enqueue(piece);
        },
        cancel: () => void cancelled++,
      }),
      { headers: { "content-type": "text/event-stream" } },
    );
  await using server = await serve({ handler });
  {
    await using _client = await pythonProcess(DOES_NOT_READ, [new URL(server.url).port]);
    await until(() => produced > 0, "the stream has begun");
    let before = -1;
    await until(async () => {
      before = produced;
      await pause(500);
      return produced === before;
    }, "nothing more is produced");
    assert.ok(produced < 32 * 2 ** 20, `${produced} bytes`);
    assert.equal(cancelled, 0);
  }
  await until(() => cancelled === 1, "the stream is cancelled");
  assert.equal((await curl("-I", `${server.url}/`)).status, 200);
  await until(() => cancelled === 2, "a HEAD needs no stream");
});
