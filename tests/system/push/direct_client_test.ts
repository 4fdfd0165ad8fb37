import assert from "node:assert/strict";
import { isOfThisHost } from "../../../system/push/direct_client.ts";

Deno.test("isOfThisHost() knows this machine's names and addresses, as URLs write them", () => {
  const hostOf = (url: string) => new URL(url).hostname;
  const addresses = Deno.networkInterfaces().map(({ address }) =>
    address.includes(":") ? `[${address}]` : address
  );
  for (
    const host of [
      ...[
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "127.0.0.1",
        "127.9.9.9",
        "127.1",
        "2130706433",
      ],
      ...["0.0.0.0", "[::1]", "[::]", "[0:0::1]", "[::ffff:127.0.0.1]", Deno.hostname()],
      ...addresses,
    ]
  ) assert.ok(isOfThisHost(hostOf(`http://${host}:8980/api`)), host);
  for (const host of ["192.0.2.1", "[2001:db8::1]", "127.0.0.1.example", "localhost.example"]) {
    assert.ok(!isOfThisHost(hostOf(`http://${host}/api`)), host);
  }
});
