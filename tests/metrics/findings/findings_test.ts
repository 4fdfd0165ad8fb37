import assert from "node:assert/strict";
import fc from "fast-check";
import type { MetricsDocument } from "../../../metrics/document.ts";
import type { Finding } from "../../../metrics/findings/finding.ts";
import { explain, findings } from "../../../metrics/findings/findings.ts";
import { RULES } from "../../../metrics/findings/rules.ts";
import { CAPTURES, type Kind, recordsOf } from "../fixtures/captures.ts";
import { documentOf } from "../../../metrics/document_builder.ts";
import { HEALTHY, type Made, madeDocument, withTime } from "./made_document.ts";

const MS = 1_000_000;

const setup = { threads: 7, worker_threads: 2, cpus: 2, hook_libraries: [] };

const wait = (cause: string, count: number, eachNs: number): Made => [
  "packet_wait_time",
  { message: "DHCPDISCOVER", cause },
  "ns",
  count,
  eachNs,
];
const error = (kind: string, id: string, count: number): Made => [
  "error_rate",
  { kind, id },
  "events",
  count,
];
const warning = (id: string, count: number): Made => [
  "error_rate",
  { kind: "log", severity: "WARN", id },
  "events",
  count,
];
const statement = (name: string, count: number, eachNs: number): Made => [
  "database_query_time",
  { backend: "postgresql", statement: name },
  "ns",
  count,
  eachNs,
];
const callout = (library: string, count: number, eachNs: number): Made => [
  "hook_callout_time",
  { hook_point: "pkt4_receive", library, callout: "pkt4_receive" },
  "ns",
  count,
  eachNs,
];
const throttled = (seconds: number, periods: number): Made[] => [
  ["cpu_usage", { mode: "throttled", thread: "all" }, "seconds", seconds],
  ["cpu_throttled", {}, "periods", periods],
];
const leaseFile = (count: number, eachNs: number): Made => [
  "database_query_time",
  { backend: "memfile", statement: "lease_file_write" },
  "ns",
  count,
  eachNs,
];
const queue = (count: number, eachNs: number): Made => [
  "packet_stage_time",
  { message: "DHCPDISCOVER", stage: "queue" },
  "ns",
  count,
  eachNs,
];

/** What each rule finds first, and what is too little for it. */
const CASES: Readonly<
  Record<string, { readonly made: MetricsDocument; readonly tooLittle?: MetricsDocument }>
> = {
  lease_file_fails: {
    made: madeDocument([...HEALTHY, error("lease_file_write_failed", "write", 1)]),
  },
  database_fails: {
    made: madeDocument([...HEALTHY, error("database", "postgresql insert_lease4: FATAL", 10)]),
    tooLittle: madeDocument([...HEALTHY, error("database", "postgresql insert_lease4: FATAL", 9)]),
  },
  no_address: {
    made: madeDocument([
      ...HEALTHY,
      warning("ALLOC_ENGINE_V4_ALLOC_FAIL", 40),
      warning("ALLOC_ENGINE_V4_ALLOC_FAIL_SUBNET", 40),
      error("unanswered", "DHCPDISCOVER", 40),
    ]),
    tooLittle: madeDocument([...HEALTHY, warning("ALLOC_ENGINE_V4_ALLOC_FAIL", 9)]),
  },
  receive_buffer: {
    made: madeDocument([...HEALTHY, error("kernel_drop", "raw", 50)]),
    tooLittle: madeDocument([...HEALTHY, error("kernel_drop", "raw", 9)]),
  },
  packet_queue: {
    made: madeDocument([...HEALTHY, error("unanswered", "DHCPDISCOVER", 30)], {
      ledger: ledgerWith({ packet_queue: 30 }),
    }),
    tooLittle: madeDocument(HEALTHY, { ledger: ledgerWith({ packet_queue: 9 }) }),
  },
  hook_drops: {
    made: madeDocument([
      ...HEALTHY,
      [
        "hook_next_step",
        { hook_point: "pkt4_receive", library: "a.so", next_step: "drop" },
        "events",
        100,
      ],
      error("unanswered", "DHCPDISCOVER", 100),
    ]),
    tooLittle: madeDocument([
      ...HEALTHY,
      [
        "hook_next_step",
        { hook_point: "pkt4_receive", library: "a.so", next_step: "drop" },
        "events",
        9,
      ],
    ]),
  },
  unanswered: {
    made: madeDocument([
      ...HEALTHY,
      error("unanswered", "DHCPDISCOVER", 30),
      error("late", "DHCPDISCOVER", 10),
    ]),
    tooLittle: madeDocument([
      ...HEALTHY,
      error("unanswered", "DHCPDISCOVER", 30),
      error("late", "DHCPDISCOVER", 25),
    ]),
  },
  cpu_quota: {
    made: madeDocument([...withTime(wait("run_queue", 200, 5 * MS)), ...throttled(1, 50)]),
    tooLittle: madeDocument([...HEALTHY, ...throttled(0.09, 50)]),
  },
  busy_neighbour: {
    made: madeDocument(withTime(wait("run_queue", 200, 5 * MS)), { server: { setup } }),
    // Few packets, but long ones.
    tooLittle: madeDocument(withTime(wait("run_queue", 49, 20 * MS)), { server: { setup } }),
  },
  too_many_threads: {
    made: madeDocument([
      ...withTime(wait("run_queue", 200, 5 * MS)),
      ["cpu_usage", { mode: "system", thread: "all" }, "seconds", 8],
    ], { server: { setup: { ...setup, cpus: 1 } } }),
  },
  lock: {
    made: madeDocument(withTime(wait("lock", 200, 5 * MS))),
    tooLittle: madeDocument(withTime(wait("lock", 49, 20 * MS))),
  },
  paging: {
    made: madeDocument(withTime(wait("memory", 200, 5 * MS))),
    tooLittle: madeDocument([...HEALTHY, ["memory_usage", { kind: "major" }, "faults", 9]]),
  },
  slow_statement: {
    made: madeDocument(
      withTime(
        statement("insert_lease4", 500, 10 * MS),
        statement("get_lease4_addr", 1000, 90_000),
      ),
    ),
    tooLittle: madeDocument(
      withTime(statement("insert_lease4", 500, 3 * MS), statement("get_lease4_addr", 1000, 90_000)),
    ),
  },
  far_database: {
    made: madeDocument(withTime(
      statement("insert_lease4", 500, 6 * MS),
      statement("get_lease4_addr", 1000, 4 * MS),
      statement("get_lease4_hwaddr", 1000, 4 * MS),
    )),
    tooLittle: madeDocument([
      ...withTime(
        statement("insert_lease4", 500, 2 * MS),
        statement("get_lease4_addr", 1000, MS),
        statement("get_lease4_hwaddr", 1000, MS),
      ),
      // No packet waits for it.
      statement("get_lease4_expire", 100, 40 * MS),
    ]),
  },
  slow_hook_library: {
    made: madeDocument(withTime(callout("a.so", 1000, 5 * MS), callout("b.so", 1000, 9000))),
    tooLittle: madeDocument(withTime(callout("a.so", 1000, 0.9 * MS))),
  },
  slow_lease_file: {
    made: madeDocument(
      withTime(leaseFile(500, 5 * MS), wait("disk", 500, 5 * MS)).filter(
        ([metric, , , , eachNs]) => metric !== "database_query_time" || eachNs !== 6000,
      ),
    ),
    tooLittle: madeDocument(withTime(leaseFile(500, 0.5 * MS))),
  },
  other_disk: { made: madeDocument(withTime(wait("disk", 500, 5 * MS))) },
  other_network: { made: madeDocument(withTime(wait("network", 500, 5 * MS))) },
  nearly_empty_pool: {
    made: madeDocument([
      ...HEALTHY,
      ["lease_allocation_time", { message: "DHCPDISCOVER" }, "ns", 1000, 90_000],
      statement("get_lease4_addr", 20_000, 3000),
    ]),
    tooLittle: madeDocument([
      ...HEALTHY,
      ["lease_allocation_time", { message: "DHCPDISCOVER" }, "ns", 1000, 90_000],
      statement("get_lease4_addr", 3000, 3000),
    ]),
  },
  too_few_threads: {
    made: madeDocument([
      ...withTime(queue(1000, 20 * MS), wait("running", 1000, 16 * MS)),
    ], { server: { setup } }),
    // The threads were free.
    tooLittle: madeDocument(withTime(queue(1000, 2 * MS)), { server: { setup } }),
  },
  slow_packets: {
    made: madeDocument(slowPackets(20 * MS), { capture: { profile: "light" } }),
    tooLittle: madeDocument(slowPackets(2 * MS), { capture: { profile: "light" } }),
  },
  slow_partner: {
    made: madeDocument(withTime(updates(500, 20 * MS))),
    // As with a partner on the same network.
    tooLittle: madeDocument(withTime(updates(500, 2 * MS))),
  },
  parked_packets: {
    made: madeDocument(withTime(parked(500, 20 * MS)), {
      server: { setup: { ...setup, hook_libraries: ["libdhcp_ha.so"] } },
    }),
    // As with a partner on the same network.
    tooLittle: madeDocument(withTime(parked(500, 2 * MS))),
  },
  waiting_clients: {
    made: madeDocument([...HEALTHY, waited(0, 800), waited(30, 200)]),
    tooLittle: madeDocument([...HEALTHY, waited(0, 800), waited(7, 200), waited(30, 9)]),
  },
  retransmissions: {
    made: madeDocument([...HEALTHY, repeated(60)]),
    tooLittle: madeDocument([...HEALTHY, repeated(40)]),
  },
  flooding_client: {
    made: madeDocument([...HEALTHY, requests("a", 400), requests("b", 3)]),
    tooLittle: madeDocument([...HEALTHY, requests("a", 99), requests("b", 99)]),
  },
  repeating_relay: {
    made: madeDocument([...HEALTHY, ...relayed(400, 100)]),
    // Kea had not answered them.
    tooLittle: madeDocument([...HEALTHY, ...relayed(200, 49), repeated(40)]),
  },
  debug_logging: {
    made: madeDocument(HEALTHY, {
      server: { setup: { ...setup, debug_loggers: ["kea-dhcp4"] } },
    }),
    tooLittle: madeDocument(HEALTHY, { server: { setup: { ...setup, debug_loggers: [] } } }),
  },
  many_naks: {
    made: madeDocument([...HEALTHY, nak(100), ack(500)]),
    tooLittle: madeDocument([...HEALTHY, nak(20), ack(500)]),
  },
  exceptions: {
    made: madeDocument([...HEALTHY, error("exception", "isc::BadValue", 100)]),
    // High availability's HTTP client throws for each update.
    tooLittle: madeDocument([
      ...HEALTHY,
      error("exception", "isc::BadValue", 9),
      error("exception", "isc::http::HttpMessageNonExistingHeader", 600),
    ]),
  },
  monitoring_overhead: {
    made: madeDocument(HEALTHY, { capture: { cost: costOf(1) } }),
    tooLittle: madeDocument(HEALTHY, { capture: { cost: costOf(0.1) } }),
  },
};

function updates(count: number, eachNs: number): Made {
  const labels = { direction: "sent", command: "lease_update" };
  return ["partner_request_time", labels, "ns", count, eachNs];
}

function parked(count: number, eachNs: number): Made {
  return ["packet_parked_time", { hook_point: "leases4_committed" }, "ns", count, eachNs];
}

function slowPackets(eachNs: number): Made[] {
  return [
    HEALTHY[0]!,
    [
      "packet_processing_time",
      { message: "DHCPDISCOVER", answer: "DHCPOFFER" },
      "ns",
      1000,
      eachNs,
    ],
  ];
}

function requests(client: string, count: number): Made {
  return ["client_requests", { client, count: "exact" }, "packets", count];
}

/** Requests through a relay, and how many of them came again. */
function relayed(requests: number, again: number): Made[] {
  const labels = { relay: "10.77.0.2", count: "exact" };
  return [
    ["relay_requests", labels, "packets", requests],
    ["relay_retransmissions", labels, "packets", again],
  ];
}

function waited(seconds: number, count: number): Made {
  return ["client_waiting_time", { message: "DHCPDISCOVER" }, "s", count, seconds];
}

function repeated(count: number): Made {
  return ["retransmissions", { message: "DHCPDISCOVER" }, "packets", count];
}

function nak(count: number): Made {
  return [
    "packet_processing_time",
    { message: "DHCPREQUEST", answer: "DHCPNAK" },
    "ns",
    count,
    90_000,
  ];
}

function ack(count: number): Made {
  return [
    "packet_processing_time",
    { message: "DHCPREQUEST", answer: "DHCPACK" },
    "ns",
    count,
    90_000,
  ];
}

function costOf(bpf_seconds: number): NonNullable<MetricsDocument["capture"]["cost"]> {
  return {
    ...{ bpf_seconds, hits: 1000, bpf_us_per_packet: 1, hits_per_packet: 1 },
    ...{ server_cpu_us_per_packet: 1, monitor_cpu_ratio: 0.02, monitor_memory_bytes: 1e8 },
  };
}

function ledgerWith(refused: Record<string, number>): NonNullable<MetricsDocument["ledger"]> {
  return {
    ...{ offered: null, from_other_clients: null, kernel_dropped: 0, received: 1000, refused },
    ...{ no_answer_expected: 0, answered: {}, client_dropped: null, answered_others: null },
    ...{ received_by_client: null, unexplained: 0 },
  };
}

/** Its windows have a test of their own. */
const WITHOUT_CASE = new Set(["cleanup"]);

Deno.test("every rule has a case, and its name once", () => {
  const names = RULES.map(({ name }) => name);
  assert.deepEqual(
    names.filter((name) => !WITHOUT_CASE.has(name)).sort(),
    Object.keys(CASES).sort(),
  );
});

Deno.test("docs/explain.md has every rule", async () => {
  const page = await Deno.readTextFile(new URL("../../../docs/explain.md", import.meta.url));
  const named = [...page.matchAll(/^\| (`\w+`(?:, `\w+`)*) \|/gm)]
    .flatMap(([, names]) => names!.split(", ").map((name) => name.slice(1, -1)));
  assert.deepEqual(named.sort(), RULES.map(({ name }) => name).sort());
});

/** A finding that people and programs can use. */
function assertSound({ rule, sentence, evidence, remedy, damage }: Finding): void {
  assert.match(sentence, /^[A-Z0-9].*\.$/, rule);
  assert.doesNotMatch(sentence, /undefined|NaN|Infinity/, rule);
  assert.ok(evidence.length > 0 && remedy.length > 0, rule);
  assert.ok(damage >= 0 && damage <= 1, `${rule}: ${damage}`);
  for (const { what, value, lower = value, upper = value } of evidence) {
    const isSound = Number.isFinite(value) && lower <= value && value <= upper;
    assert.ok(isSound, `${rule}: ${what}: ${value} (${lower} to ${upper})`);
  }
}

for (const [rule, { made, tooLittle }] of Object.entries(CASES)) {
  Deno.test(`${rule} finds its cause first, with evidence and remedy, and nothing in too little`, () => {
    const found = findings(made);
    assert.equal(found[0]?.rule, rule, JSON.stringify(found, null, 2));
    assertSound(found[0]!);
    if (tooLittle !== undefined) {
      assert.deepEqual(findings(tooLittle).map((finding) => finding.rule), []);
    }
  });
}

Deno.test("threads are busy although long waits were read some milliseconds later than the packets", () => {
  const read = withTime(queue(1000, 20 * MS), wait("running", 1000, 16 * MS)).map((made): Made =>
    made[0] === "packet_processing_time" ? [made[0], made[1], made[2], 1000, 10 * MS] : made
  );
  const [found] = findings(madeDocument(read, { server: { setup } }));
  assert.equal(found?.rule, "too_few_threads");
  const inService = found.evidence.find(({ what }) => what.startsWith("packets that threads"));
  assert.equal(inService?.value.toFixed(3), "1.626");
});

Deno.test("findings are sound in any document, whatever it lacks", () => {
  const all = Object.values(CASES).flatMap(({ made }) => made.totals);
  const { made } = CASES["monitoring_overhead"]!;
  fc.assert(
    fc.property(fc.subarray(all, { maxLength: 12 }), fc.boolean(), (totals, hasWindows) => {
      const windows = hasWindows ? [{ ...made.windows[0]!, series: totals }] : [];
      for (const finding of findings({ ...made, totals, windows })) assertSound(finding);
    }),
    { seed: 1, numRuns: 2000 },
  );
});

Deno.test("a healthy server has no finding, and nothing stays open", () => {
  assert.deepEqual(explain(madeDocument(HEALTHY, { server: { setup } })), {
    findings: [],
    questions: [],
    not_seen: [],
  });
});

for (const kind of Object.keys(CAPTURES) as Kind[]) {
  Deno.test(`captures of real servers that are well have no finding: ${kind}`, async () => {
    assert.deepEqual(findings(await documentOf(await recordsOf(kind))), []);
  });
}

Deno.test("lost packets come before slow ones, and the greater share first", () => {
  const made = madeDocument([
    ...withTime(callout("a.so", 1000, 5 * MS), wait("network", 1000, 5 * MS)),
    error("kernel_drop", "raw", 20),
    error("exception", "isc::BadValue", 900),
  ]);
  assert.deepEqual(
    findings(made).map(({ rule }) => rule),
    ["receive_buffer", "slow_hook_library", "exceptions"],
  );
});

Deno.test("what a profile did not measure is a question, with the profile that does", () => {
  const light = madeDocument([
    ["network_traffic", { direction: "received" }, "packets", 1000],
    ["packet_processing_time", { message: "DHCPDISCOVER" }, "ns", 1000, 300_000],
  ], {
    capture: { profile: "light" },
    server: { setup: { ...setup, hook_libraries: ["a.so"] } },
  });
  const { questions } = explain(light);
  assert.deepEqual(questions.map(({ answer }) => answer).toSorted(), [
    "watch with --profile deep",
    "watch with --profile deep",
    "watch with --profile deep",
    "watch with --profile standard",
  ]);
});

Deno.test("what was not seen is said: gaps, and too few packets", () => {
  const partial = madeDocument([], {
    capture: { verdict: "PARTIAL", reasons: ["bpftrace was ended from outside: killed"] },
  });
  assert.deepEqual(explain(partial).not_seen, [
    "bpftrace was ended from outside: killed",
    "No DHCP packet came: there is nothing to judge",
  ]);
  const few = madeDocument(
    HEALTHY.map(([metric, labels, unit, count, each]) =>
      each === undefined
        ? [metric, labels, unit, count / 100] as const
        : [metric, labels, unit, Math.ceil(count / 100), each] as const
    ),
  );
  assert.match(explain(few).not_seen.join(), /Only 10 answered packets/);
});
