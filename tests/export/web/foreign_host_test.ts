import assert from "node:assert/strict";
import { foreignHost } from "../../../export/web/foreign_host.ts";

Deno.test("foreignHost() refuses the names of strangers, and nothing that a scraper sends", () => {
  const own = Deno.hostname();
  for (
    const host of [
      ...[
        undefined,
        "localhost",
        "localhost:10047",
        "a.localhost:1",
        "127.0.0.1:10047",
        "10.0.0.1",
      ],
      ...["[::1]:10047", "[::1]", own, `${own.toUpperCase()}:10047`],
    ]
  ) {
    assert.equal(foreignHost(host), null, host);
  }
  for (
    const host of [
      ...["evil.example", "evil.example:10047", "localhost.evil.example", "", "1.2.3"],
      `${own}.evil.example:10047`,
    ]
  ) {
    assert.equal(foreignHost(host)?.status, 421, host);
  }
});
