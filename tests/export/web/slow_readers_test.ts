import assert from "node:assert/strict";
import { WebSecurity } from "../../../export/web/web_security.ts";
import { WebServer } from "../../../export/web/web_server.ts";

const MOST_CONNECTIONS = 256;

Deno.test("WebServer has room for a scraper while clients read long answers slowly on all connections", async () => {
  const say = (line: string) => assert.fail(line);
  await using clients = new AsyncDisposableStack();
  const waiting = Promise.withResolvers<void>();
  let streams = 0;
  const endless = () =>
    new ReadableStream({
      start: () => void (++streams === MOST_CONNECTIONS && waiting.resolve()),
      pull: (controller) => controller.enqueue(new Uint8Array(65536)),
    });
  await using web = await WebServer.start({
    addresses: [{ host: "127.0.0.1", port: 0 }],
    handler: (request) => new Response(request.url.endsWith("/long") ? endless() : "metrics"),
    security: new WebSecurity(null, say),
    say,
  });
  const port = Number(web.urls[0]!.split(":").at(-1));
  const ask = async (path: string) => {
    const connection = await Deno.connect({ port });
    clients.defer(() => connection.close());
    const text = `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
    await connection.write(new TextEncoder().encode(text));
    return connection;
  };
  const readers = await Promise.all(Array.from({ length: MOST_CONNECTIONS }, () => ask("/long")));
  await waiting.promise;
  // Their answers have begun.
  await Promise.all(readers.map((reader) => reader.read(new Uint8Array(1))));
  const scraper = await ask("/metrics");
  const bytes = new Uint8Array(1000);
  const length = await scraper.read(bytes);
  assert.match(new TextDecoder().decode(bytes.subarray(0, length ?? 0)), /^HTTP\/1\.1 200 /);
});
