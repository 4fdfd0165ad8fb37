/** Every DHCPv6 packet is accounted for, whatever becomes of it. Needs root, Kea and bpftrace. */

import assert from "node:assert/strict";
import { keaCounters } from "../../discovery/control_channel.ts";
import { KEA_PACKET_QUEUE, startLab } from "../../tools/lab/lab.ts";
import { assertAddsUp, environmentOf, ran, RUN, standsStill } from "./ran_in_lab.ts";
import { reconfigure } from "./reconfigure.ts";
import { runScript } from "./run_script.ts";
import { inClient } from "./watched.ts";

const MALFORMED = 600;

for (const kea of ["2.2", "newest"] as const) {
  Deno.test(`run accounts for every packet of DHCPv6 clients and of a relay, Kea ${kea}`, async () => {
    await using lab = await startLab({ family: 6, kea });
    const clients = ["-e", "address-and-prefix", "-s", "renew"];
    const relay = ["-d", lab.serverAddress, "-e", "prefix-only", "-s", "release"];
    for (const args of [clients, relay]) {
      const { ledger, capture } = await ran(lab, ["-n", "307", "-r", "100", ...args]);
      assertAddsUp(ledger!);
      const { from_other_clients, answered_others, without_lease, answered } = ledger!;
      const text = JSON.stringify(ledger);
      assert.deepEqual(
        [from_other_clients, answered_others, without_lease],
        [0, 0, undefined],
        text,
      );
      assert.ok(answered["REPLY"]! > answered["ADVERTISE"]! && answered["ADVERTISE"]! > 200, text);
      assert.deepEqual(ledger!.refused, {});
      assert.deepEqual([capture.verdict, ...capture.reasons], ["COMPLETE"]);
    }
    const [addresses, prefixes] = ["subnet[1].assigned-nas", "subnet[1].assigned-pds"];
    const leases = await keaCounters(lab.controlSocket, [addresses!, prefixes!]);
    // The relay's clients have no addresses, and half of them have released their prefixes.
    assert.ok(leases[addresses!]! > 200, JSON.stringify(leases));
    assert.ok(leases[prefixes!]! > leases[addresses!]!, JSON.stringify(leases));
  });

  Deno.test(`run says what the kernel dropped while kea-dhcp6 ${kea} stood still`, async () => {
    await using lab = await startLab({ family: 6, kea, packetQueue: KEA_PACKET_QUEUE });
    const { ledger } = await ran(lab, ["-n", "2003", "-r", "400"], () => standsStill(lab));
    assertAddsUp(ledger!);
    assert.ok(ledger!.kernel_dropped > 100, JSON.stringify(ledger));
    assert.ok(ledger!.refused["packet_queue"]! > 20, JSON.stringify(ledger));
  });

  Deno.test(`run accounts for malformed DHCPv6 packets, and a pool of 100, Kea ${kea}`, async () => {
    await using lab = await startLab({ family: 6, kea });
    await reconfigure(lab, (dhcp) => dhcp.subnet6[0].pools = [{ pool: "fd77:1::1-fd77:1::64" }]);
    const { ledger } = await ran(lab, ["-n", "1009", "-r", "100"], async () => {
      await inClient(lab, "send_malformed_v6.ts", [lab.serverAddress, String(MALFORMED)]);
    });
    assertAddsUp(ledger!);
    const text = JSON.stringify(ledger);
    const { from_other_clients, answered_others, client_dropped, pending = 0 } = ledger!;
    const { parse_failed, dropped, unanswered = 0, ...others } = ledger!.refused;
    assert.deepEqual([from_other_clients, others], [MALFORMED, {}], text);
    const { "v6-allocation-fail": failed, ...counted } = await keaCounters(lab.controlSocket, [
      ...["pkt6-parse-failed", "pkt6-receive-drop", "pkt6-dhcpv4-query-received"],
      "v6-allocation-fail",
    ]);
    assert.deepEqual(counted, {
      "pkt6-parse-failed": parse_failed,
      "pkt6-receive-drop": parse_failed! + dropped!,
      // Kea has no counter for those that it drops.
      "pkt6-dhcpv4-query-received": unanswered + pending,
    });
    // Some malformed packets ask for addresses, too.
    const { without_lease = 0 } = ledger!;
    const elsewhere = failed! - without_lease;
    assert.ok(elsewhere >= 0 && elsewhere <= answered_others! + client_dropped!, text);
    // No address is left for the others; on a busy machine, some of them get no answer at all.
    const lost = ledger!.kernel_dropped + client_dropped!;
    assert.ok(without_lease >= 909 - lost, text);
  });
}

Deno.test("run says what it needs to send to a DHCPv6 server", async () => {
  await using lab = await startLab({ family: 6 });
  const cases: [readonly string[], RegExp][] = [
    [
      ["-d", "10.77.0.1"],
      /Cannot send to "10\.77\.0\.1", the server is a kea-dhcp6: give all, or /,
    ],
    [["-d", "fe80::1"], /expected an IPv4 address, a name, a global IPv6 address, or all/],
    [["-d", "fd77::77"], /Cannot reach fd77::77, no machine answers: check the address/],
    [["-d", "2001:db8::1"], /which is not a private address, .* add --yes/],
    [["-d", "fd99::1"], /Cannot find a route to fd99::1: give its interface with -i/],
    [["--engine", "dras"], /Cannot send DHCPv6 with Dras, .*: leave out --engine and --dras/],
    [["-i", "eth77"], /"eth77", there is no such interface: give one of lo, lab-client/],
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await runScript(RUN, args, { env: environmentOf(lab) });
    assert.deepEqual([code, stdout], [1, ""], `${args}: ${stderr}`);
    assert.match(stderr, message);
    assert.match(stderr, /^error: [^\n]*\n$/);
  }
  const { code, stderr } = await runScript(RUN, [], { env: { KEA_LAB_PID: String(lab.pid) } });
  assert.equal(code, 1);
  assert.match(stderr, /^error: Cannot send from the server's own host, .*--client-netns NAME/);
  assert.match(stderr, /sudo deno run -A dras_wrapper\.ts -d all$/m);
});
