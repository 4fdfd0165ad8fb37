import assert from "node:assert/strict";
import { join } from "node:path";
import type { CheckResult, Facts } from "../../../tools/troubleshoot/check.ts";
import { LEASE_CHECKS } from "../../../tools/troubleshoot/lease_checks.ts";
import { server } from "../../probes/server_and_sites.ts";

const TIME = "2026-11-24 15:19:11.123456";

/** What a check says of a DHCPv6 server with these counters, as JSON. */
async function verdict(check: string, counters: Record<string, string>): Promise<CheckResult> {
  const folder = await Deno.makeTempDir({ prefix: "kea-lease-checks-test-" });
  const controlSocket = join(folder, "control");
  const listener = Deno.listen({ transport: "unix", path: controlSocket });
  const answering = (async () => {
    using connection = await listener.accept();
    const request = new Uint8Array(1024);
    const length = await connection.read(request) ?? 0;
    const { command, arguments: requested } = JSON.parse(
      new TextDecoder().decode(request.subarray(0, length)),
    );
    const found = Object.entries(counters)
      .filter(([name]) => command === "statistic-get-all" || name === requested.name)
      // Beyond 53 bits a number would not survive here.
      .map(([name, value]) => `"${name}": [[${value}, "${TIME}"]]`);
    const answer = `{"result": 0, "arguments": {${found.join()}}}`;
    await connection.write(new TextEncoder().encode(answer));
  })();
  try {
    const facts: Facts = {
      selector: undefined,
      probeFrom: null,
      canLook: true,
      server: server({ family: 6, sockets: ["udp"] }),
      configuration: null,
      whyNoConfiguration: "",
      interfaces: null,
      controlSocket,
    };
    const found = await LEASE_CHECKS.find(({ name }) => name === check)!.look(facts);
    await answering;
    return found;
  } finally {
    listener.close();
    await Deno.remove(folder, { recursive: true });
  }
}

const pool = (subnet: number, total: string, assigned: number) => ({
  [`subnet[${subnet}].total-nas`]: total,
  [`subnet[${subnet}].assigned-nas`]: String(assigned),
  [`subnet[${subnet}].declined-addresses`]: "0",
});

Deno.test("pools finds no fault with a DHCPv6 pool that 64 bits cannot count", async () => {
  // -1 is what Kea 2.2.0 says of a /64; later ones the number itself.
  for (const total of ["-1", "18446744073709551616"]) {
    assert.deepEqual(await verdict("pools", { ...pool(1, total, 7), ...pool(2, "256", 0) }), {
      status: "ok",
      found: "practically unlimited addresses are free",
    });
  }
});

Deno.test("pools finds the full DHCPv6 pool beside an unlimited one", async () => {
  const { status, found } = await verdict("pools", { ...pool(1, "-1", 7), ...pool(2, "256", 256) });
  assert.deepEqual([status, found], ["problem", "no address is left in subnet 2 (256 addresses)"]);
});

Deno.test("pools counts the free addresses of small DHCPv6 pools", async () => {
  const { status, found } = await verdict("pools", { ...pool(1, "256", 6), ...pool(2, "16", 0) });
  assert.deepEqual([status, found], ["ok", "266 addresses are free"]);
});

Deno.test("last packet asks a DHCPv6 server for the packets of DHCPv6", async () => {
  assert.deepEqual(await verdict("last packet", { "pkt6-received": "42" }), {
    status: "ok",
    found: "42 so far, the last at 2026-11-24 15:19:11",
  });
});

Deno.test("pools counts declined addresses once: they are among the assigned", async () => {
  // A pool of 4: two leases were given, and both declined.
  const { status, found } = await verdict("pools", {
    ...pool(1, "4", 2),
    "subnet[1].declined-addresses": "2",
  });
  assert.deepEqual([status, found], ["ok", "2 addresses are free"]);
});
