/** Every packet is accounted for, whatever becomes of it. Needs root, Kea and bpftrace. */

import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { KEA_PACKET_QUEUE, type LabOptions, startLab } from "../../tools/lab/lab.ts";
import { holdPort } from "./hold_port.ts";
import { assertAddsUp, environmentOf, ran, RUN, standsStill } from "./ran_in_lab.ts";
import { reconfigure } from "./reconfigure.ts";
import { runScript } from "./run_script.ts";
import { inClient } from "./watched.ts";

for (
  const options of [
    { sockets: "raw", threads: 2 },
    { sockets: "udp", threads: 0 },
  ] satisfies LabOptions[]
) {
  Deno.test(`run accounts for every packet, ${options.sockets} sockets`, async () => {
    await using lab = await startLab(options);
    const { ledger, capture } = await ran(lab, ["-n", "1009", "-r", "200"]);
    assertAddsUp(ledger!);
    // On a busy machine perfdhcp sends a few more than it was asked for.
    const packets = ledger!.offered!;
    assert.ok(packets >= 2018, `${packets} packets`);
    assert.deepEqual(ledger, {
      offered: packets,
      from_other_clients: 0,
      kernel_dropped: 0,
      received: packets,
      refused: {},
      no_answer_expected: 0,
      answered: { DHCPOFFER: packets / 2, DHCPACK: packets / 2 },
      client_dropped: 0,
      answered_others: 0,
      received_by_client: packets,
      unexplained: 0,
    });
    assert.equal(capture.verdict, "COMPLETE");
  });
}

Deno.test("run says what the kernel dropped while Kea stood still", async () => {
  await using lab = await startLab({ packetQueue: KEA_PACKET_QUEUE });
  const { ledger } = await ran(lab, ["-n", "2003", "-r", "400"], () => standsStill(lab));
  assertAddsUp(ledger!);
  assert.ok(ledger!.kernel_dropped > 100, JSON.stringify(ledger));
  // What was in the socket came all at once.
  assert.ok(ledger!.refused["packet_queue"]! > 20, JSON.stringify(ledger));
});

Deno.test("run distinguishes malformed packets from the others", async () => {
  await using lab = await startLab();
  // Slowly enough that they come in between.
  const { ledger } = await ran(lab, ["-n", "1009", "-r", "100"], async () => {
    await inClient(lab, "send_malformed.ts", [lab.serverAddress, "50", "cookie"]);
  });
  assertAddsUp(ledger!);
  assert.ok(ledger!.offered! >= 2018);
  assert.equal(ledger!.from_other_clients, 50);
  assert.equal(ledger!.refused["parse_failed"], 50);
});

Deno.test("run says who got no address from a pool of 100", async () => {
  await using lab = await startLab();
  await reconfigure(lab, (dhcp) => dhcp.subnet4[0].pools = [{ pool: "10.65.0.0-10.65.0.99" }]);
  const { ledger } = await ran(lab, ["-n", "1009", "-r", "200"]);
  assertAddsUp(ledger!);
  const { no_address, ...others } = ledger!.refused;
  assert.deepEqual(others, {});
  // On a busy machine, an address is offered to a second client before the first one takes it; and perfdhcp asks a
  // few more times than it should, for clients that have a lease.
  const { DHCPNAK: late = 0, ...answered } = ledger!.answered;
  const text = JSON.stringify(ledger);
  const more = ledger!.offered! - answered["DHCPOFFER"]! - 1009;
  assert.deepEqual(answered, { DHCPOFFER: 100 + late + more, DHCPACK: 100 + more }, text);
  assert.ok(no_address! >= 909 - late, text);
  assert.equal(ledger!.ignored_by_client ?? 0, late);
});

Deno.test("run goes on with the ledger of what came when Kea ends in the middle", async () => {
  await using lab = await startLab();
  // Slowly enough that the traffic goes on long after it.
  const { ledger, capture } = await ran(lab, ["-n", "1009", "-r", "100"], () => {
    Deno.kill(lab.pid, "SIGKILL");
    return Promise.resolve();
  });
  assert.equal(capture.verdict, "PARTIAL");
  assert.equal(ledger!.offered! > 1009, true);
  const text = JSON.stringify({ ledger, capture }, null, 1);
  assert.ok(ledger!.not_seen! > 0 && ledger!.not_watched_seconds! > 0, text);
});

/** How often a Kea is killed in the next test; every 2 s. */
const KILLS = 4;

Deno.test("run counts what it did not see of a Kea that is killed every 2 s", async () => {
  await using lab = await startLab({ threads: 0 });
  const exchanges = 20 * 2 * KILLS;
  const { ledger, capture } = await ran(
    lab,
    ["-n", String(exchanges), "-r", "20", "--profile", "light"],
    async () => {
      for (let kills = 0; kills < KILLS; kills++) {
        await pause(2000);
        Deno.kill(lab.pid, "SIGKILL");
        await lab.restart();
      }
    },
  );
  const text = JSON.stringify({ ledger, capture }, null, 1);
  assert.equal(capture.verdict, "PARTIAL");
  const gaps = capture.reasons.reduce(
    (sum, reason) => sum + Number(/: ([\d.]+) s not watched$/.exec(reason)?.[1] ?? 0),
    0,
  );
  const { duration_seconds, watched_seconds } = capture;
  assert.ok(Math.abs(watched_seconds! + gaps - duration_seconds!) < 0.02 * duration_seconds!, text);
  assert.ok(ledger!.not_seen! > 0 && ledger!.not_watched_seconds! > 2, text);
  assert.equal(
    ledger!.offered! + ledger!.from_other_clients!,
    ledger!.kernel_dropped + ledger!.received + ledger!.not_seen!,
    text,
  );
  assert.doesNotMatch(text, /The client received \d+ answers/);
});

Deno.test("run says what it needs before it watches", async () => {
  await using lab = await startLab();
  const env = environmentOf(lab);
  const cases: [readonly string[], RegExp, number][] = [
    [["-n", "0"], /Cannot use -n "0": expected a whole number from 1/, 2],
    [["-r", "-5"], /Cannot use -r "-5"|unknown option/, 2],
    [["-n", "1.5"], /Cannot use -n "1\.5"/, 2],
    [["-n", "1000", "-r", "10", "-t", "5"], /they take 100: give a longer -t/, 2],
    [["--client-netns", "nowhere"], /network namespace "nowhere", there is none/, 1],
    [["-d", "10.77.3.3"], /Cannot reach 10\.77\.3\.3, no machine answers/, 1],
    [["-d", "10.77.0.300"], /expected an IPv4 address, a name/, 1],
    [["-d", "no-such-name.invalid"], /Cannot find the address of "no-such-name\.invalid"/, 1],
    [["-i", "eth77"], /"eth77", there is no such interface: give one of lo, lab-client/, 1],
    [["-r", "5000"], /5000 exchanges per second without confirmation: add --yes/, 1],
    [["-d", "192.0.2.1"], /which is not a private address, .* add --yes/, 1],
    [["-s", "inform"], /perfdhcp, it can lease, renew, release/, 1],
    [["-d", "all"], /the server is a kea-dhcp4: give an IPv4 address or a name with -d/, 1],
    [["-e", "prefix-only"], /Cannot ask for prefix-only with DHCPv4/, 1],
  ];
  for (const [args, message, status] of cases) {
    const { code, stdout, stderr } = await runScript(RUN, args, { env });
    assert.equal(code, status, `${args}: ${stderr}`);
    assert.equal(stdout, "");
    assert.match(stderr, message);
    assert.match(stderr, /^error: /);
  }
  const { code, stderr } = await runScript(RUN, ["-d", lab.serverAddress], {
    env: { KEA_LAB_PID: String(lab.pid) },
  });
  assert.equal(code, 1);
  assert.match(stderr, /^error: Cannot send from the server's own host, .*--client-netns NAME/);
  assert.match(stderr, /sudo deno run -A dras_wrapper\.ts -d 10\.77\.0\.1$/m);
});

Deno.test("run says why when another client holds the port", async () => {
  await using lab = await startLab();
  await using _other = await holdPort(lab.clientNetns, "10.77.0.2");
  const output = await Deno.makeTempDir({ prefix: "kea-run-test-" });
  try {
    const { code, stderr } = await runScript(RUN, [
      ...["-n", "50", "--no-visualization", "-o", output],
    ], { env: environmentOf(lab) });
    assert.equal(code, 1);
    assert.match(stderr, /^error: perfdhcp did not send everything: .*Failed to bind socket/m);
  } finally {
    await Deno.remove(output, { recursive: true });
  }
});

for (const scenario of ["renew", "release"]) {
  Deno.test(`run accounts for every packet of the scenario ${scenario}`, async () => {
    await using lab = await startLab();
    const { ledger } = await ran(lab, ["-n", "307", "-r", "50", "-s", scenario]);
    assertAddsUp(ledger!);
    const more = scenario === "renew"
      ? ledger!.answered["DHCPACK"]! - 307
      : ledger!.no_answer_expected;
    assert.ok(more > 20, JSON.stringify(ledger));
  });
}
