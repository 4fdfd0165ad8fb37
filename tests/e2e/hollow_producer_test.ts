/** The producer as its clients and its consumers see it. Needs Java and Maven; root for full disks. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { inBatches, recordsOf } from "../../hollow/push/records.ts";
import { maven, SHORT_LIVED } from "../../hollow/producer/ensure_producer.ts";
import { ProducerClient } from "../../hollow/push/producer_client.ts";
import { readCapture } from "../../metrics/capture.ts";
import { documentOf } from "../../metrics/document_builder.ts";
import { batchWith, counterAt } from "../hollow/push/hollow_records.ts";
import { consumeOnce, followDataset } from "./hollow_consumer.ts";
import { startProducer } from "../../tools/lab/producer.ts";
import { inOrder } from "./record_order.ts";
import { must, ROOT, runScript, until } from "./run_script.ts";
import { pathOf } from "../metrics/fixtures/captures.ts";

const CHECKS = "hollow/test_hollow_integration.ts";
const CAPTURE = pathOf("v4");

const clientOf = (url: string, dataset = "kea") =>
  new ProducerClient({ url, dataset, token: () => null, allowPlainHttp: false });

/** Asks as any program could, with any path. */
async function ask(port: number, request: string, body = ""): Promise<string> {
  using connection = await Deno.connect({ port });
  const text = `${request} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n` +
    `content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`;
  await connection.write(new TextEncoder().encode(text));
  return await new Response(connection.readable).text();
}

const portOf = (base: string) => Number(new URL(base).port);

Deno.test("the producer's own Java tests pass: rejected cycles, crashes, retention, hostile requests", async () => {
  const folder = await Deno.makeTempDir({ prefix: "kea-hollow-test-" });
  try {
    await maven(["test", `-Dbuild.folder=${folder}`, `-DargLine=${SHORT_LIVED.join(" ")}`]);
    for (const [name, least] of [["DatasetTest", 10], ["ApiTest", 5]] as const) {
      const report = await Deno.readTextFile(
        join(folder, "surefire-reports", `TEST-kea.hollow.${name}.xml`),
      );
      const [, tests] = /<testsuite [^>]*?\btests="(\d+)" errors="0" skipped="0" failures="0"/
        .exec(report)!;
      assert.ok(Number(tests) >= least, `${tests} tests of ${name} ran`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

for (const isSecret of [false, true]) {
  Deno.test(`test-hollow ends green against a producer ${isSecret ? "with" : "without"} a token`, async () => {
    const env: Record<string, string> = isSecret ? { HOLLOW_TOKEN: "s3cret" } : {};
    await using producer = await startProducer({ env });
    const { code, stdout } = await runScript(CHECKS, ["-p", producer.base, "--json"], { env });
    const report = JSON.parse(stdout);
    assert.deepEqual([code, report.passed], [0, true], stdout);
    const verdicts = Object.fromEntries(
      report.checks.map(({ check, ok }: { check: string; ok: boolean | null }) => [check, ok]),
    );
    assert.equal(verdicts["wrong token"], isSecret ? true : null);
    assert.equal(Object.keys(verdicts).length, 9);
    const state = await consumeOnce(join(producer.data, "kea-test"));
    assert.deepEqual(state.records, []);
  });
}

Deno.test("test-hollow ends red against what is no producer, and says why", async () => {
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    () => Response.json({ status: "ok" }),
  );
  const url = `http://127.0.0.1:${server.addr.port}/api`;
  const { code, stdout } = await runScript(CHECKS, ["-p", url]);
  assert.equal(code, 1);
  assert.match(stdout, /^ok {3}health/m);
  assert.match(stdout, /^FAIL acceptance: .*not (from )?our producer/m);
  assert.match(stdout, /^FAIL read-back: Cannot understand the answer/m);
});

Deno.test("a stock consumer reads the same values as the document, on snapshot and after 50 deltas", async () => {
  const { windows } = await documentOf(readCapture([await Deno.readFile(CAPTURE)]));
  const server = "kea-1/dhcp4";
  await using producer = await startProducer();
  const client = clientOf(producer.base);
  const folder = join(producer.data, "kea");
  const expected = windows.flatMap((window) => recordsOf(window, server));
  const [first, ...rest] = expected.map((record) => [record]);
  assert.ok(rest.length >= 50 && expected.some(({ kind }) => kind === "histogram"));

  await client.push(batchWith(1, first!));
  await using follower = await followDataset(folder);
  await until(() => follower.states().length === 1, "it reads the snapshot");
  // One batch each, so one delta each, and the last with all that is left.
  for (const [index, records] of rest.slice(0, 50).entries()) {
    const outcome = await client.push(batchWith(index + 2, records));
    assert.equal(outcome.kind, "accepted");
  }
  const outcome = await client.push(batchWith(100, rest.slice(50).flat()));
  assert.equal(outcome.kind, "accepted");
  const { version } = (await client.state())!;
  const isRead = () => follower.states().at(-1)?.version === version;
  await until(isRead, "it reads the last delta");
  const followed = follower.states().at(-1)!;
  assert.equal(followed.update, "delta");
  assert.deepEqual(inOrder(followed.records), inOrder(expected));
  const afresh = await consumeOnce(folder);
  assert.equal(afresh.version, version);
  assert.deepEqual(inOrder(afresh.records), inOrder(expected));
});

Deno.test("a consumer that follows reads 50 deltas one after the other", async () => {
  await using producer = await startProducer();
  const client = clientOf(producer.base);
  await client.push(batchWith(1, [counterAt(1000)]));
  await using follower = await followDataset(join(producer.data, "kea"));
  await until(() => follower.states().length === 1, "it reads the snapshot");
  const versions: string[] = [];
  for (let number = 2; number <= 51; number++) {
    assert.equal(
      (await client.push(batchWith(number, [counterAt(number * 1000, number)]))).kind,
      "accepted",
    );
    versions.push((await client.state())!.version);
  }
  const isRead = () => follower.states().at(-1)?.version === versions.at(-1);
  await until(isRead, "it reads the last delta");
  const [snapshot, ...deltas] = follower.states();
  assert.equal(snapshot!.update, "snapshot");
  assert.deepEqual([...new Set(deltas.map(({ update }) => update))], ["delta"]);
  assert.deepEqual(deltas.map(({ version }) => version), versions);
  assert.deepEqual(
    deltas.map(({ records }) => records.length),
    versions.map((_, index) => index + 2),
  );
});

Deno.test("the producer keeps what it has taken when it is killed at any moment", async () => {
  const data = await Deno.makeTempDir({ prefix: "kea-hollow-test-" });
  try {
    let taken = 0;
    let [first, port] = [true, 0];
    for (let round = 0; round < 6; round++) {
      await using producer = await startProducer({ data, port });
      port = portOf(producer.base);
      const client = clientOf(producer.base);
      if (!first) {
        const windows = (await client.state())!.windows["kea-1/dhcp4"];
        // What was being taken when it died may be there or not.
        assert.ok(windows === taken || windows === taken + 1, `${windows} of ${taken}`);
        const { records } = await consumeOnce(join(data, "kea"));
        assert.equal(records.length, windows);
        taken = windows;
      }
      first = false;
      let dying: ReturnType<typeof setTimeout> | undefined;
      for (let pushed = 1;; pushed++) {
        // In the midst of one of the next, however fast they go.
        if (pushed === 5) dying = setTimeout(() => producer.kill("SIGKILL"), 13 * round);
        const number = taken + 1;
        const outcome = await client.push(batchWith(number, [counterAt(number * 1000, number)]));
        if (outcome.kind !== "accepted") break;
        taken = number;
      }
      clearTimeout(dying);
    }
    assert.ok(taken > 20, `${taken} batches were taken`);
  } finally {
    await Deno.remove(data, { recursive: true });
  }
});

Deno.test("the producer refuses a second one on its folder, and says so", async () => {
  await using producer = await startProducer();
  await assert.rejects(
    startProducer({ data: producer.data }),
    /error: Cannot use .*, another producer does: stop it or give another --data/,
  );
  assert.ok(await clientOf(producer.base).health());
});

Deno.test("the producer says in one line what it cannot use", async () => {
  await using producer = await startProducer();
  const port = portOf(producer.base);
  await assert.rejects(startProducer({ port }), (error: Error) => {
    assert.match(
      error.message,
      /error: Cannot listen on 127\.0\.0\.1 port \d+ \(Address already in use\): give another/,
    );
    return true;
  });
  const file = await Deno.makeTempFile();
  try {
    await assert.rejects(
      startProducer({ data: join(file, "data") }),
      /error: Cannot write to .*: give another --data\n$/,
    );
    const empty = { args: ["--token-file", file] };
    await assert.rejects(startProducer(empty), /error: Cannot use .*: it is empty/);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("the producer does not listen to others without a token", async () => {
  await assert.rejects(
    startProducer({ args: ["--listen", "0.0.0.0"] }),
    /error: Cannot listen on 0\.0\.0\.0 without a token, anyone could write/,
  );
});

Deno.test("the producer refuses names of datasets that leave its folder", async () => {
  await using producer = await startProducer();
  const port = portOf(producer.base);
  const body = JSON.stringify(batchWith(1, [counterAt(1000)]));
  for (
    const name of ["..", "../x", "..%2Fx", "%2e%2e", "a%00b", "a%2Fb", "", "x".repeat(65), "%zz"]
  ) {
    const answer = await ask(port, `POST /api/datasets/${name}/records`, body);
    assert.match(answer, /^HTTP\/1\.1 (400|404|422) /, `${name}: ${answer}`);
  }
  assert.deepEqual(Array.from(Deno.readDirSync(producer.data), ({ name }) => name), [".lock"]);
});

Deno.test("the producer answers a body of 100 MB with 413, and goes on", async () => {
  await using producer = await startProducer({ env: { JAVA_TOOL_OPTIONS: "-Xmx128m" } });
  const response = await fetch(`${producer.base}/datasets/kea/records`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: new Uint8Array(100_000_000).fill(32),
  });
  assert.equal(response.status, 413);
  assert.equal((await response.json()).title, "Body too large");
  assert.equal(
    (await clientOf(producer.base).push(batchWith(1, [counterAt(1000)]))).kind,
    "accepted",
  );
});

Deno.test("the producer with a full disk refuses a batch, keeps its state, and goes on when there is room", async () => {
  const data = await Deno.makeTempDir({ prefix: "kea-hollow-test-" });
  await must("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", data);
  try {
    await using producer = await startProducer({ data });
    const client = clientOf(producer.base);
    assert.equal((await client.push(batchWith(1, [counterAt(1000)]))).kind, "accepted");
    const before = await client.state();
    await using filler = await Deno.open(join(data, "filler"), { write: true, create: true });
    await assert.rejects(async () => {
      for (;;) await filler.write(new Uint8Array(65_536));
    });
    const outcome = await client.push(batchWith(2, [counterAt(2000)]));
    assert.deepEqual(outcome, {
      kind: "retry",
      why: "503: The batch could not be published; the previous version stays announced",
      afterMs: 5000,
    });
    assert.deepEqual(await client.state(), before);
    assert.equal((await consumeOnce(join(data, "kea"))).records.length, 1);
    await filler.truncate(0);
    assert.equal((await client.push(batchWith(2, [counterAt(2000)]))).kind, "accepted");
    assert.equal((await consumeOnce(join(data, "kea"))).records.length, 2);
  } finally {
    await must("umount", "--lazy", data);
    await Deno.remove(data);
  }
});

Deno.test("the producer takes batches of many clients at once", async () => {
  await using producer = await startProducer();
  const servers = Array.from({ length: 12 }, (_, index) => `kea-${index}/dhcp4`);
  await Promise.all(servers.map(async (server) => {
    const client = clientOf(producer.base);
    for (let number = 1; number <= 5; number++) {
      const records = [counterAt(number * 1000, number, server)];
      const outcome = await client.push({ ...batchWith(number, records), source: server });
      assert.equal(outcome.kind, "accepted");
    }
  }));
  const { records, windows } = (await clientOf(producer.base).state())!;
  assert.equal(records, 60);
  assert.deepEqual(windows, Object.fromEntries(servers.map((server) => [server, 5])));
});

Deno.test("hollow-producer prints its URL first, ends with its parent and by signals", async () => {
  const data = await Deno.makeTempDir({ prefix: "kea-hollow-test-" });
  try {
    for (const [signal, code] of [["SIGTERM", 143], ["SIGINT", 130], ["SIGKILL", 137]] as const) {
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--quiet", "hollow/hollow_producer.ts", "--port", "0", "--data", data],
        cwd: ROOT,
        stdin: "null",
        stdout: "piped",
        stderr: "null",
      }).spawn();
      const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      while (!text.includes("\n")) text += (await reader.read()).value;
      const base = text.split("\n")[0]!;
      assert.match(base, /^http:\/\/127\.0\.0\.1:\d+\/api$/);
      assert.ok(await clientOf(base).health());
      child.kill(signal);
      assert.equal((await child.status).code, code);
      const isGone = () => clientOf(base).health().then(() => false, () => true);
      await until(isGone, "the producer is gone");
      await reader.cancel();
    }
  } finally {
    await Deno.remove(data, { recursive: true });
  }
});

Deno.test("the producer takes batches as large as inBatches() makes them", async () => {
  await using producer = await startProducer();
  const client = clientOf(producer.base);
  const records = Array.from(
    { length: 12_000 },
    (_, index) => counterAt(1000 + Math.floor(index / 60), 1, `kea-${index % 60}`),
  );
  let number = 0;
  for await (const batch of inBatches(records)) {
    assert.equal((await client.push(batchWith(++number, batch))).kind, "accepted");
  }
  assert.equal(number, 3);
  assert.equal((await client.state())!.records, 12_000);
});
