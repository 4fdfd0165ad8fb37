/** Each cause of losses and each risk is made for real, and is the first that `explain` finds. Needs root, Kea, g++, PostgreSQL. */

import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { compiled } from "../../tools/lab/compiled.ts";
import { preparationAt } from "../../tools/lab/packet_edges.ts";
import { delayingHooks } from "../../tools/lab/delaying_hooks.ts";
import { KEA_PACKET_QUEUE, type Lab, startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { assertFirst, explained, undisturbed } from "./explained.ts";
import { type ClientPacket, type Interlude, sendPackets } from "./client_packets.ts";
import { fullLeaseDisk } from "./full_lease_disk.ts";
import { reconfigure } from "./reconfigure.ts";
import { inClient } from "./watched.ts";

const hooks = async (parameters: unknown) => [{ path: await delayingHooks(), parameters }];

/** Clients that have sent nothing yet. */
const base = (run: number) => `00:0c:1${run}:00:00:00`;

Deno.test("a receive buffer that is too small for a burst", async () => {
  await using lab = await startLab();
  // As a server that stands still for a moment.
  const stop = async () => {
    await pause(1000);
    Deno.kill(lab.pid, "SIGSTOP");
    await pause(1500);
    Deno.kill(lab.pid, "SIGCONT");
  };
  const burst = await explained(lab, { rate: 600, exchanges: 2400, meanwhile: stop });
  assert.match(assertFirst(burst, "receive_buffer"), /receive buffer/);
});

Deno.test("Kea's packet queue is full", async () => {
  await using lab = await startLab({
    threads: 1,
    packetQueue: KEA_PACKET_QUEUE,
    hooks: await hooks({ sleep: { pkt4_receive: 20 } }),
  });
  const full = await explained(lab, { rate: 60, exchanges: 300 });
  assertFirst(full, "packet_queue");
  assert.ok(full.findings.some(({ rule }) => rule === "slow_hook_library"));
});

Deno.test("a hook library that drops packets", async () => {
  await using lab = await startLab({ hooks: await hooks({ point: "pkt4_receive", drop: true }) });
  assert.match(assertFirst(await explained(lab), "hook_drops"), /delaying_hooks.*pkt4_receive/);
});

Deno.test("packets that a class drops: unanswered, and Kea's own counter beside it", async () => {
  await using lab = await startLab();
  await reconfigure(
    lab,
    (dhcp) => dhcp["client-classes"] = [{ name: "DROP", test: "member('ALL')" }],
  );
  const { findings, ...rest } = await explained(lab);
  assertFirst({ findings, ...rest }, "unanswered");
  assert.match(JSON.stringify(findings[0]!.evidence), /pkt4-receive-drop/);
});

Deno.test("a pool that is nearly empty, and then empty", async () => {
  await using lab = await startLab({ backend: "postgresql" });
  await reconfigure(lab, (dhcp) => dhcp["subnet4"][0].pools = [{ pool: "10.65.0.0/22" }]);
  // 64 free ones here and there; 172032000 is 10.65.0.0.
  await lab.database!.sql(
    "INSERT INTO lease4 (address, hwaddr, valid_lifetime, expire, subnet_id, fqdn_fwd, fqdn_rev, hostname, state) " +
      "SELECT 172032000 + i, decode(lpad(to_hex(i), 12, '0'), 'hex'), 4000, now() + interval '4000 s', 1, false, " +
      "false, '', 0 FROM generate_series(0, 1023) i WHERE i % 16 <> 7",
  );
  await using _ = await undisturbed(lab);
  assertFirst(await explained(lab, { rate: 10, exchanges: 60 }), "nearly_empty_pool");
  assertFirst(await explained(lab, { rate: 10, exchanges: 101, base: base(2) }), "no_address");
});

Deno.test("leases that cannot be written", async () => {
  await using lab = await startLab();
  await fullLeaseDisk(lab);
  assertFirst(await explained(lab), "lease_file_fails");
});

Deno.test("statements that fail", async () => {
  await using lab = await startLab({ backend: "postgresql" });
  await lab.database!.sql(
    "CREATE FUNCTION no() RETURNS trigger AS 'BEGIN RAISE EXCEPTION ''no''; END' LANGUAGE plpgsql; " +
      "CREATE TRIGGER no BEFORE INSERT ON lease4 FOR EACH ROW EXECUTE FUNCTION no()",
  );
  assertFirst(await explained(lab), "database_fails");
});

Deno.test("malformed packets, and requests that get a DHCPNAK", async () => {
  await using lab = await startLab();
  await using _ = await undisturbed(lab);
  const malformed = await explained(lab, {
    meanwhile: () => inClient(lab, "send_malformed.ts", [lab.serverAddress, "500", "cookie"]),
  });
  assertFirst(malformed, "exceptions");
  const taken = await addressOf(lab);
  const refused = await explained(lab, {
    // One after the other: perfdhcp has the relay's port.
    work: async () => {
      await runPerfdhcp(lab, { rate: 40, exchanges: 101, base: base(3) });
      await inClient(lab, "send_taken_request.ts", [lab.serverAddress, taken, "40"]);
    },
  });
  assertFirst(refused, "many_naks");
});

/** An address that a client has. */
async function addressOf({ directory }: Lab): Promise<string> {
  const [, lease] = (await Deno.readTextFile(`${directory}/leases.csv`)).split("\n");
  return lease!.split(",")[0]!;
}

Deno.test("one client that floods the server", async () => {
  await using lab = await startLab();
  await using _ = await undisturbed(lab);
  const packets = Array.from({ length: 300 }, (_, at): ClientPacket => (
    // Every second one is of the same client.
    { client: at % 2 === 0 ? 1000 : at, transaction: 0x10_0000 + at }
  ));
  const flood = await explained(lab, { top: 10, work: () => sendPackets(lab, packets) });
  assert.match(assertFirst(flood, "flooding_client"), /sends 50 % of the packets: 150 requests/);
});

Deno.test("a relay that repeats what was answered", async () => {
  await using lab = await startLab();
  await using _ = await undisturbed(lab);
  const packets = Array.from({ length: 101 }, (_, client): (ClientPacket | Interlude)[] => {
    const request = { client, transaction: 0x10_0000 + client };
    // Each third one only once.
    return client % 3 === 0 ? [request] : [request, { pause: 20 }, request];
  });
  const repeating = await explained(lab, {
    top: 10,
    work: () => sendPackets(lab, packets.flat()),
  });
  assert.match(assertFirst(repeating, "repeating_relay"), /repeat .*: 67 requests/);
});

for (const family of [4, 6] as const) {
  Deno.test(`clients that have waited long, and requests that come again, DHCPv${family}`, async () => {
    await using lab = await startLab({ family });
    await using _ = await undisturbed(lab);
    const perSecond = family === 4 ? 1 : 100;
    const packets = Array.from({ length: 100 }, (_, client): ClientPacket => (
      { client, transaction: 0x10_0000 + client, waited: client % 4 === 0 ? 30 * perSecond : 0 }
    ));
    const waited = await explained(lab, { work: () => sendPackets(lab, packets) });
    assert.match(assertFirst(waited, "waiting_clients"), /^25 requests/);
    // Some of them go to another server, and are asked again.
    const refused = packets.slice(0, 20).map(({ client, transaction }) => (
      { client, transaction: transaction + 1000, isRefused: true }
    ));
    const repeated = await explained(lab, {
      work: () =>
        sendPackets(lab, [
          ...packets.map(({ client, transaction }) => ({ client, transaction })),
          ...refused,
          { pause: 700 },
          ...refused,
        ]),
    });
    assert.ok(repeated.findings.some(({ rule }) => rule === "retransmissions"));
  });
}

Deno.test("monitoring on a host with very many system calls, packets seen by them", async () => {
  await using lab = await startLab();
  // Before other tests, but not so far that bpftrace gets nothing.
  const reader = new Deno.Command("sh", {
    args: ["-c", 'exec nice -n -10 "$1" < /dev/zero', "sh", await compiled("reader.cc")],
  }).spawn();
  try {
    // Long enough for some slices in which the kernel counts.
    const load = { rate: 10, exchanges: 101, preparation: preparationAt("calls") };
    const { findings } = await explained(lab, load);
    assert.ok(findings.some(({ rule }) => rule === "monitoring_overhead"));
  } finally {
    reader.kill("SIGKILL");
    await reader.status;
  }
});
