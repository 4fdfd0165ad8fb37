import assert from "node:assert/strict";
import { WebSecurity } from "../../../export/web/web_security.ts";
import { WebServer } from "../../../export/web/web_server.ts";

/** Sends requests in one piece, each with its number as the path; returns what comes until the connection ends. */
async function answersTo(count: number): Promise<{ asked: number; text: string }> {
  let asked = 0;
  const working: Promise<void>[] = [];
  const say = (line: string) => assert.fail(line);
  await using web = await WebServer.start({
    addresses: [{ host: "127.0.0.1", port: 0 }],
    handler: async (request) => {
      asked++;
      const work = new Promise<void>((resolve) => setTimeout(resolve, 5));
      working.push(work);
      await work;
      return new Response(`answer ${new URL(request.url).pathname}\n`);
    },
    security: new WebSecurity(null, say),
    say,
  });
  using connection = await Deno.connect({ port: Number(web.urls[0]!.split(":").at(-1)) });
  const requests = Array.from({ length: count }, (_, at) => {
    const last = at === count - 1 ? "Connection: close\r\n" : "";
    return `GET /${at} HTTP/1.1\r\nHost: localhost\r\n${last}\r\n`;
  });
  await connection.write(new TextEncoder().encode(requests.join("")));
  let text = "";
  const decoder = new TextDecoder();
  const bytes = new Uint8Array(65536);
  for (;;) {
    // A connection that was ended with unread requests is reset.
    const length = await connection.read(bytes).catch(() => null);
    if (length === null) break;
    text += decoder.decode(bytes.subarray(0, length));
  }
  await Promise.all(working);
  return { asked, text };
}

Deno.test("WebServer answers two requests of a connection one after the other", async () => {
  const { asked, text } = await answersTo(2);
  assert.equal(asked, 2);
  assert.deepEqual(text.match(/answer .*/g), ["answer /0", "answer /1"]);
});

Deno.test("WebServer ends a connection that sends many requests at once", async () => {
  const { asked, text } = await answersTo(500);
  assert.ok(asked <= 2, `${asked}`);
  assert.doesNotMatch(text, /answer \/[2-9]/);
});
