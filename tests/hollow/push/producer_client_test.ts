/** What becomes of a batch whatever a server answers; real sockets on this machine. */

import assert from "node:assert/strict";
import { ProducerClient, UrlError } from "../../../hollow/push/producer_client.ts";
import { batchWith, counterAt } from "./hollow_records.ts";
import { pathOf } from "../../metrics/fixtures/captures.ts";

const TOKEN = "s3cret-t0ken";
const BATCH = batchWith(1, [counterAt(0)]);
const OK = { version: "20260101000000000", accepted: 1, late: 0, expired: 0, duplicate: false };

const clientOf = (url: string, timeoutMs = 5000) =>
  new ProducerClient({ url, dataset: "kea", token: () => TOKEN, allowPlainHttp: false, timeoutMs });

/** Pushes a batch to a server that answers in this way. */
async function outcomeOf(handler: (request: Request) => Response | Promise<Response>) {
  const options = { port: 0, hostname: "127.0.0.1", onListen: () => {} };
  await using server = Deno.serve(options, async (request) => {
    await request.arrayBuffer();
    return await handler(request);
  });
  return await clientOf(`http://127.0.0.1:${server.addr.port}/api`).push(BATCH);
}

/** Pushes a batch to a server that answers with these bytes. */
async function outcomeOfBytes(answer: (connection: Deno.Conn) => Promise<void>, timeoutMs = 5000) {
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const answering = (async () => {
    using connection = await listener.accept();
    await connection.read(new Uint8Array(65_536));
    await answer(connection).catch(() => {});
  })();
  const { port } = listener.addr as Deno.NetAddr;
  const outcome = await clientOf(`http://127.0.0.1:${port}/api`, timeoutMs).push(BATCH);
  await answering;
  return outcome;
}

const write = (connection: Deno.Conn, text: string) =>
  connection.write(new TextEncoder().encode(text));

Deno.test("push() sends a batch with the token, and returns that it was accepted", async () => {
  const outcome = await outcomeOf((request) => {
    assert.equal(new URL(request.url).pathname, "/api/datasets/kea/records");
    assert.equal(request.headers.get("authorization"), `Bearer ${TOKEN}`);
    assert.equal(request.headers.get("content-type"), "application/json");
    return Response.json({ ...OK, late: 1, expired: 2 });
  });
  assert.deepEqual(outcome, { kind: "accepted", expired: 3, duplicate: false });
});

for (
  const [status, kind] of [
    [400, "refused"],
    [401, "misconfigured"],
    [403, "misconfigured"],
    [404, "misconfigured"],
    [405, "misconfigured"],
    [408, "retry"],
    [413, "too large"],
    [415, "misconfigured"],
    [422, "refused"],
    [429, "retry"],
    [500, "retry"],
    [503, "retry"],
    [507, "retry"],
  ] as const
) {
  Deno.test(`push() takes ${status} for "${kind}", with what the producer says`, async () => {
    const outcome = await outcomeOf(() =>
      Response.json({ title: "No", status, detail: `because \u001b[31m${TOKEN}` }, { status })
    );
    assert.equal(outcome.kind, kind);
    const why = "why" in outcome ? outcome.why : "";
    assert.match(why, new RegExp(`^${status}: because  ?\\[31m\\[token\\]`));
  });
}

Deno.test("push() returns the number of the last batch after 409", async () => {
  const answer = { title: "Stale batch", status: 409, lastSequence: 41 };
  const outcome = await outcomeOf(() => Response.json(answer, { status: 409 }));
  assert.deepEqual(outcome, { kind: "stale", lastSequence: 41 });
});

Deno.test("push() follows no redirect, so the token stays with its producer", async () => {
  let visits = 0;
  const options = { port: 0, hostname: "127.0.0.1", onListen: () => {} };
  await using elsewhere = Deno.serve(options, () => {
    visits++;
    return Response.json(OK);
  });
  const target = `http://127.0.0.1:${elsewhere.addr.port}/api`;
  for (const status of [301, 302, 303, 307, 308]) {
    const outcome = await outcomeOf(() =>
      new Response(null, { status, headers: { location: target } })
    );
    assert.deepEqual(outcome, {
      kind: "misconfigured",
      why: `${status}: it redirects to ${target}, give that URL with -p`,
    });
  }
  assert.equal(visits, 0);
});

Deno.test("push() honours Retry-After in seconds and as a date, up to an hour", async () => {
  const waits = await Promise.all(
    ["7", new Date(Date.now() + 9000).toUTCString(), "999999", "soon"].map(async (after) => {
      const outcome = await outcomeOf(() =>
        new Response("", { status: 503, headers: { "retry-after": after } })
      );
      return outcome.kind === "retry" ? outcome.afterMs : undefined;
    }),
  );
  assert.equal(waits[0], 7000);
  assert.ok(waits[1]! > 5000 && waits[1]! <= 9000, String(waits[1]));
  assert.deepEqual(waits.slice(2), [3_600_000, null]);
});

Deno.test("push() does not take another server's 200 for a producer's", async () => {
  for (
    const body of ["<html>Welcome</html>", "", "{}", "null", JSON.stringify({ ...OK, accepted: 7 })]
  ) {
    const outcome = await outcomeOf(() => new Response(body));
    assert.deepEqual(outcome, {
      kind: "misconfigured",
      why: "the answer is not from our producer: check the URL",
    });
  }
});

Deno.test("push() gives up an answer without an end", async () => {
  const outcome = await outcomeOf(() =>
    new Response(
      new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(65_536).fill(32)),
      }),
    )
  );
  assert.deepEqual(outcome, { kind: "retry", why: "its answer does not end", afterMs: null });
});

Deno.test("push() gives up an answer that drips, or never comes", async () => {
  const drips = await outcomeOfBytes(async (connection) => {
    await write(connection, "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
    for (;;) {
      await write(connection, " ");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }, 500);
  assert.deepEqual(drips, { kind: "retry", why: "no answer in time", afterMs: null });
  const silence = await outcomeOfBytes(
    () => new Promise((resolve) => setTimeout(resolve, 700)),
    500,
  );
  assert.deepEqual(silence, { kind: "retry", why: "no answer in time", afterMs: null });
});

Deno.test("push() tries later when the connection is cut", async () => {
  const before = await outcomeOfBytes(() => Promise.resolve());
  const amid = await outcomeOfBytes(async (connection) => {
    await write(connection, 'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"version"');
  });
  assert.deepEqual([before.kind, amid.kind], ["retry", "retry"]);
});

Deno.test("push() asks for a retry when no producer listens, and says so", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const outcome = await clientOf(`http://127.0.0.1:${port}/api`).push(BATCH);
  assert.deepEqual(outcome, {
    kind: "retry",
    why: "tcp connect error: Connection refused",
    afterMs: null,
  });
});

Deno.test("push() tries later when TLS fails, and says what to do about a certificate", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const [key, cert] = [`${folder}/key.pem`, `${folder}/cert.pem`];
    const { success } = await new Deno.Command("openssl", {
      args: [
        ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
        ...["-keyout", key, "-out", cert, "-days", "1", "-subj", "/CN=localhost"],
      ],
      stderr: "null",
    }).output();
    assert.ok(success);
    await using server = Deno.serve({
      port: 0,
      hostname: "127.0.0.1",
      key: await Deno.readTextFile(key),
      cert: await Deno.readTextFile(cert),
      onListen: () => {},
    }, () => Response.json(OK));
    const outcome = await clientOf(`https://127.0.0.1:${server.addr.port}/api`).push(BATCH);
    assert.equal(outcome.kind, "retry");
    assert.match(JSON.stringify(outcome), /certificate.*DENO_CERT=FILE names a certificate/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("ProducerClient refuses URLs and datasets that it cannot use", () => {
  const urls = {
    "kea": /one like http:/,
    "ftp://host/api": /one like http:/,
    "http://user:pass@host/api": /one without user, password/,
    "http://host/api?x=1": /one without/,
    "http://10.0.0.1/api": /over plain HTTP.*--allow-plain-http/,
  };
  for (const [url, message] of Object.entries(urls)) {
    assert.throws(() => clientOf(url), (error) => {
      assert.ok(error instanceof UrlError);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /pass@|s3cret/);
      return true;
    });
  }
  for (const dataset of ["../x", "", "a/b", "a b", "x".repeat(65), "%2e%2e"]) {
    const options = { url: "http://127.0.0.1/api", token: () => null, allowPlainHttp: false };
    assert.throws(() => new ProducerClient({ ...options, dataset }), /letters, digits/);
  }
});

Deno.test("ProducerClient sends a token over plain HTTP to this machine, or with allowPlainHttp", () => {
  for (const url of ["http://127.0.0.1:1/api", "http://[::1]/api", "http://localhost/api/"]) {
    assert.doesNotMatch(clientOf(url).base, /\/$/);
  }
  const options = { url: "http://10.0.0.1/", dataset: "kea", token: () => TOKEN };
  assert.equal(new ProducerClient({ ...options, allowPlainHttp: true }).base, "http://10.0.0.1");
  const tokenless = { ...options, token: () => null, allowPlainHttp: false };
  assert.equal(new ProducerClient(tokenless).base, "http://10.0.0.1");
});

Deno.test("to-hollow goes through no proxy to a producer of this host", async () => {
  const options = { port: 0, hostname: "127.0.0.1", onListen: () => {} };
  let proxied = 0;
  await using proxy = Deno.serve(options, () => {
    proxied++;
    return new Response("", { status: 502 });
  });
  const records: number[] = [];
  await using producer = Deno.serve(options, async (request) => {
    records.push((await request.json()).records.length);
    return Response.json({ ...OK, accepted: records.at(-1) });
  });
  const through = `http://127.0.0.1:${proxy.addr.port}`;
  // Deno itself asks for its newest version otherwise.
  const env: Record<string, string> = { DENO_NO_UPDATE_CHECK: "1", HOLLOW_TOKEN: TOKEN };
  for (const name of ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]) env[name] = through;
  for (const host of ["127.0.0.1", "localhost"]) {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--quiet", "hollow/ebpf_to_hollow.ts"],
        pathOf("v4"),
        ...["-p", `http://${host}:${producer.addr.port}/api`],
      ],
      env,
      cwd: new URL("../../..", import.meta.url),
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
  }
  assert.deepEqual([records.length > 1, proxied], [true, 0]);
});
