import assert from "node:assert/strict";
import { join } from "node:path";
import { keaCommand, keaStatistics } from "../../discovery/control_channel.ts";
import { DiscoveryError } from "../../discovery/discovery_error.ts";

/** Something that answers at a socket, as a root's own process sees it. */
async function withSocket(
  answer: (connection: Deno.Conn) => Promise<void>,
  use: (socket: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  // As long as Kea's may be: with /proc/PID/root before it no address takes it.
  const path = join(folder, "s".repeat(106 - folder.length));
  assert.equal(path.length, 107);
  const listener = Deno.listen({ transport: "unix", path });
  const serving = (async () => {
    for await (const connection of listener) {
      try {
        await answer(connection);
      } catch {
        // The client has heard enough.
      } finally {
        connection.close();
      }
    }
  })();
  try {
    await use(`/proc/${Deno.pid}/root${path}`);
  } finally {
    listener.close();
    await serving;
    await Deno.remove(folder, { recursive: true });
  }
}

const saying = (text: string) => async (connection: Deno.Conn) => {
  await connection.read(new Uint8Array(1000));
  await connection.write(new TextEncoder().encode(text));
};

const refusal = (work: Promise<unknown>, message: RegExp) =>
  assert.rejects(work, (error) => {
    assert.ok(error instanceof DiscoveryError, String(error));
    assert.match(error.message, message);
    return true;
  });

Deno.test("keaCommand() asks at a socket whose path is as long as Kea's may be", async () => {
  await withSocket(
    saying('{"result": 0, "text": "3.0.4", "arguments": {"pkt4-received": [[7, "now"]]}}'),
    async (socket) => {
      assert.deepEqual(await keaCommand(socket, "version-get"), { "pkt4-received": [[7, "now"]] });
      assert.deepEqual(await keaStatistics(socket), { "pkt4-received": 7 });
    },
  );
});

const STRANGE = [
  ["null", /not Kea's/],
  ['{"result": 0, "arguments": ', /not Kea's/],
  ['{"text": 5}', /not Kea's/],
  ['{"result": 1, "text": "no"}', /^Kea refused "version-get": no$/],
  ["", /not Kea's/],
] as const;

for (const [text, message] of STRANGE) {
  Deno.test(`keaCommand() refuses ${text || "silence"} in one line`, async () => {
    await withSocket(saying(text), (socket) => refusal(keaCommand(socket, "version-get"), message));
  });
}

Deno.test("keaStatistics() refuses statistics that are none", async () => {
  await withSocket(
    saying('{"result": 0, "arguments": {"pkt4-received": null}}'),
    (socket) => refusal(keaStatistics(socket), /^Cannot read Kea's statistics/),
  );
});

Deno.test("keaCommand() takes no more than 16 MiB of an answer without end", async () => {
  let sent = 0;
  const endless = async (connection: Deno.Conn) => {
    for (const piece = new Uint8Array(2 ** 20);;) sent += await connection.write(piece);
  };
  await withSocket(
    endless,
    (socket) => refusal(keaCommand(socket, "version-get"), /16777216 bytes/),
  );
  assert.ok(sent < 40 * 2 ** 20, String(sent));
});

Deno.test("keaCommand() follows no link out of its process's root, and asks nothing but sockets", async () => {
  await refusal(keaCommand(`/proc/${Deno.pid}/root/proc/self/exe`, "x"), /its links lead nowhere/);
  await refusal(keaCommand(`/proc/${Deno.pid}/root/etc/passwd`, "x"), /Connection refused/);
  await refusal(keaCommand(`/proc/${2 ** 30}/root/x`, "x"), /there is no such file/);
});
