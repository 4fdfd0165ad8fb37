import assert from "node:assert/strict";
import { budgetOf, knowsArrivals, matches, plan } from "../../probes/plan.ts";
import { countingCost } from "../../probes/packet_counting.ts";
import { PROFILES } from "../../probes/programs.ts";
import { factsOf, server, site, SITES } from "./server_and_sites.ts";

const files = (profile: "light" | "standard" | "deep", sites = SITES, facts = server()) =>
  plan(factsOf(facts, { sites, refusals: [] }), profile).sources.map(({ file }) => file);

Deno.test("plan() takes system calls and exceptions for light", () => {
  assert.deepEqual(files("light"), [
    "packets_raw.bt",
    "lease_file_cleanup.bt",
    "exceptions.bt",
  ]);
  // A cleanup is not a query, so the profile reports what it lacks.
  const { notAvailable } = plan(factsOf(server(), { sites: SITES, refusals: [] }), "light");
  assert.deepEqual(
    notAvailable.filter(({ metric }) => metric === "database_query_time"),
    [{ metric: "database_query_time", why: "needs --profile standard" }],
  );
});

Deno.test("plan() takes every program for deep when all sites are proven and cheap", () => {
  const made = plan(factsOf(server(), { sites: SITES, refusals: [] }), "deep");
  assert.deepEqual(made.losses, []);
  assert.equal(made.sources.length, 10);
});

Deno.test("plan() takes the parts of a program that fit and says the cost of the others", () => {
  const expensive = SITES.map((s) =>
    s.id.startsWith("lease_manager.getLease4_hwaddr") ? { ...s, hitsPerPacket: 10 } : s
  );
  const made = plan(factsOf(server(), { sites: expensive, refusals: [] }), "deep");
  const sites = made.sources.find(({ file }) => file === "lease_manager.bt")!.sites;
  assert.ok(sites.some(({ id }) => id.startsWith("lease_manager.addLease4")));
  assert.ok(!sites.some(({ id }) => id.startsWith("lease_manager.getLease4_hwaddr")));
  assert.deepEqual(made.losses, []);
  assert.match(made.notAvailable[0]!.why, /getLease4_hwaddr\.\* would take 120 us per exchange/);
});

Deno.test("plan() reads UDP sockets with the UDP program alone", () => {
  const found = files("light", SITES, server({ sockets: ["udp"] }));
  assert.deepEqual(found.filter((file) => file.startsWith("packets")), ["packets_udp.bt"]);
});

Deno.test("plan() keeps each profile's forecast inside its budget", () => {
  for (const profile of PROFILES) {
    const made = plan(factsOf(server(), { sites: SITES, refusals: [] }), profile);
    assert.ok(made.forecast <= budgetOf(server(), profile), `${profile}: ${made.forecast}`);
  }
});

Deno.test("plan() leaves out what does not fit the budget and says its cost", () => {
  const expensive = SITES.map((s) =>
    s.id.startsWith("allocation") ? { ...s, class: "single-stepped" as const } : s
  );
  const made = plan(factsOf(server(), { sites: expensive, refusals: [] }), "standard");
  assert.ok(!made.sources.some(({ file }) => file === "allocation.bt"));
  assert.match(
    made.notAvailable.map(({ why }) => why).join(),
    /allocation\.bt: allocation\.start\.\* would take 32 us per exchange/,
  );
});

Deno.test("plan() goes on without a refused site and gives its reason", () => {
  const made = plan(
    factsOf(server(), {
      sites: SITES.filter(({ id }) => id !== "allocation.end.0"),
      refusals: [{ id: "allocation.end.0", why: "a branch lands before it" }],
    }),
    "standard",
  );
  assert.ok(!made.sources.some(({ file }) => file === "allocation.bt"));
  assert.deepEqual(made.losses, ["allocation.bt: allocation.end.0: a branch lands before it"]);
  assert.ok(made.notAvailable.some(({ metric }) => metric === "lease_allocation_time"));
});

Deno.test("plan() counts no loss for a site that the server's build does not have", () => {
  const id = "lease_manager.addLease4";
  const made = plan(
    factsOf(server(), {
      sites: SITES.filter((s) => !s.id.startsWith(id)),
      refusals: [{ id: `${id}.end`, why: "it leaves by a jump", inherent: true }],
    }),
    "deep",
  );
  assert.deepEqual(made.losses, []);
  assert.match(made.notAvailable[0]!.why, /it leaves by a jump/);
});

Deno.test("plan() counts no loss for a database that has no lease file", () => {
  const made = plan(
    factsOf(server({ leaseFile: null }), { sites: SITES, refusals: [] }),
    "standard",
  );
  assert.deepEqual(made.losses, []);
  assert.ok(
    made.notAvailable.some(({ metric, why }) =>
      metric === "database_query_time" &&
      why === "lease_file.bt: the server has no memfile lease file open"
    ),
  );
});

Deno.test("plan() takes the programs of the server's family alone, and says nothing of the others", () => {
  const six = server({ family: 6, sockets: ["udp"] });
  const made = plan(factsOf(six, { sites: SITES, refusals: [] }), "standard");
  const ofFamilies = /^(packets|allocation)/;
  assert.deepEqual(
    made.sources.map(({ file }) => file).filter((file) => ofFamilies.test(file)),
    ["packets_v6.bt", "allocation_v6.bt"],
  );
  assert.ok(!made.notAvailable.some(({ why }) => ofFamilies.test(why)));
});

Deno.test("matches() takes a star for any run of characters and a dot for a dot", () => {
  assert.ok(matches("lease_manager.*.end.*", "lease_manager.addLease4.end.0"));
  assert.ok(!matches("log.warn", "logXwarn"));
  assert.ok(!matches("statistics.drop.*", site("statistics").id));
});

const CALLOUTS = ["callouts.start", "callouts.end.0", "callouts.end.1", "callouts.done"].map((id) =>
  site(id, { hitsPerPacket: id === "callouts.end.1" ? 0 : 8 })
);
const withHooks = server({ hookLibraries: ["/usr/lib/kea/hooks/libdhcp_ha.so"] });

Deno.test("plan() leaves many callouts to deep, which has them beyond its budget", () => {
  const sites = [...SITES, ...CALLOUTS];
  const standard = plan(factsOf(withHooks, { sites, refusals: [] }), "standard");
  assert.ok(!standard.sources.some(({ file }) => file === "callouts.bt"));
  assert.match(
    standard.notAvailable.map(({ why }) => why).join(),
    /callouts\.bt: callouts\.start would take 48 us .*--profile deep has it/,
  );
  const deep = plan(factsOf(withHooks, { sites, refusals: [] }), "deep");
  assert.ok(deep.sources.some(({ file }) => file === "callouts.bt"));
  assert.ok(deep.forecast > deep.budget);
  // What is taken beyond the budget takes nothing from the others.
  assert.deepEqual(
    deep.sources.map(({ file }) => file).filter((file) => file !== "callouts.bt"),
    files("deep", SITES, withHooks),
  );
});

Deno.test("plan() has callouts in standard where they are few", () => {
  const few = CALLOUTS.map((each) => ({ ...each, hitsPerPacket: 0 }));
  assert.ok(files("standard", [...SITES, ...few], withHooks).includes("callouts.bt"));
});

Deno.test("plan() never times allocations without the end of those that are parked", () => {
  const parked = site("allocation.parked", { hitsPerPacket: 0.5 });
  const made = plan(factsOf(withHooks, { sites: [...SITES, parked], refusals: [] }), "standard");
  const sites = made.sources.find(({ file }) => file === "allocation.bt")!.sites;
  assert.ok(sites.includes(parked));
  // More expensive than the rest of the budget, so the others are left out, too.
  const expensive = { ...parked, hitsPerPacket: 10 };
  assert.ok(!files("standard", [...SITES, expensive], withHooks).includes("allocation.bt"));
});

Deno.test("plan() leaves parking to callouts.bt if it is there", () => {
  const parked = site("allocation.parked", { hitsPerPacket: 0.5 });
  const sites = [...SITES, ...CALLOUTS, parked];
  const made = plan(factsOf(withHooks, { sites, refusals: [] }), "deep");
  assert.ok(!made.sources.some(({ sites }) => sites.includes(parked)));
  const without = plan(
    factsOf(withHooks, { sites: [...SITES, ...CALLOUTS], refusals: [] }),
    "deep",
  );
  assert.ok(made.forecast <= without.forecast);
});

Deno.test("plan() times no allocation where the end of parked ones is refused", () => {
  const refusals = [{ id: "allocation.parked", why: "libkea-hooks.so does not export it" }];
  const made = plan(factsOf(withHooks, { sites: SITES, refusals }), "standard");
  assert.ok(!made.sources.some(({ file }) => file === "allocation.bt"));
  assert.ok(
    made.losses.includes("allocation.bt: allocation.parked: libkea-hooks.so does not export it"),
  );
});

Deno.test("plan() splits no packet's time where no packet is watched", () => {
  const made = plan(factsOf(server({ sockets: [] }), { sites: SITES, refusals: [] }), "deep");
  const chosen = made.sources.map(({ file }) => file);
  assert.ok(!chosen.some((file) => /^(packets|allocation|stages)/.test(file)), chosen.join());
  assert.ok(
    made.notAvailable.some(({ why }) =>
      why === "allocation.bt: no packet of the server is watched"
    ),
  );
  // Never complete, whatever else was watched.
  assert.ok(
    made.losses.some((loss) => loss.startsWith("No packet is watched")),
    made.losses.join(),
  );
});

Deno.test("plan() says once why several sites are missing", () => {
  const why = "the executable does not call the allocation engine";
  const made = plan(
    factsOf(server(), {
      sites: SITES.filter(({ id }) => !id.startsWith("allocation")),
      refusals: [{ id: "allocation.", why }],
    }),
    "standard",
  );
  assert.deepEqual(made.losses, [`allocation.bt: allocation.: ${why}`]);
  assert.equal(
    made.notAvailable.filter(({ metric }) => metric === "lease_allocation_time").length,
    1,
  );
});

Deno.test("plan() times the statements of the database that the server uses, and says nothing of the other", () => {
  const sites = [
    ...SITES,
    site("postgresql.start", { hitsPerPacket: 4 }),
    site("postgresql.end", { hitsPerPacket: 4 }),
  ];
  const facts = server({
    leaseFile: null,
    databases: { leases: "postgresql", others: [] },
  });
  const made = plan(factsOf(facts, { sites, refusals: [] }), "standard");
  const chosen = made.sources.map(({ file }) => file);
  assert.ok(chosen.includes("postgresql.bt") && !chosen.includes("mariadb.bt"));
  assert.ok(!made.notAvailable.some(({ metric }) => metric === "database_query_time"));
});

Deno.test("plan() says which Kea does not know when packets came", () => {
  for (
    const [version, knows] of [["2.2.0", false], ["2.5.5", false], ["2.5.6", true], ["3.0.4", true]]
  ) {
    const made = plan(
      factsOf(server({ version: String(version) }), { sites: SITES, refusals: [] }),
      "light",
    );
    const said = made.notAvailable.some(({ metric }) => metric === "packet_socket_wait");
    assert.equal(said, !knows, String(version));
  }
});

Deno.test("plan() goes on without a program that did not attach, and says why", () => {
  const { sources, losses, notAvailable } = plan(
    factsOf(server(), { sites: SITES, refusals: [] }),
    "deep",
    new Map([["allocation.bt", "the kernel refused it"]]),
  );
  const files = sources.map(({ file }) => file);
  assert.ok(!files.includes("allocation.bt"));
  assert.ok(files.includes("stages.bt") && files.includes("lease_file.bt"));
  assert.deepEqual(losses, ["allocation.bt: the kernel refused it"]);
  assert.ok(notAvailable.some(({ metric }) => metric === "lease_allocation_time"));
});

Deno.test("plan() names the programs that are left out for one reason in one line", () => {
  const why = "a process hangs";
  const { losses, sources } = plan(
    factsOf(server(), { sites: SITES, refusals: [] }),
    "standard",
    new Map(
      ["allocation.bt", "exceptions.bt", "lease_file.bt", "log_messages.bt"].map((file) => [
        file,
        why,
      ]),
    ),
  );
  assert.deepEqual(losses, [
    `exceptions.bt, allocation.bt, lease_file.bt, log_messages.bt: ${why}`,
  ]);
  assert.ok(sources.every(({ sites }) => sites.length === 0));
});

Deno.test("plan() gives the reason of a refusal that ends a pattern", () => {
  const refusal = { id: "stages.process", why: "no call asks for callouts of buffer4_receive" };
  const sites = SITES.filter(({ id }) => !id.startsWith("stages.process."));
  const { losses } = plan(factsOf(server(), { sites, refusals: [refusal] }), "deep");
  assert.deepEqual(losses, [
    "stages.bt: stages.process: no call asks for callouts of buffer4_receive",
  ]);
});

Deno.test("knowsArrivals() reads versions of builds from git", () => {
  assert.equal(knowsArrivals({ version: "3.3.1-git" }), true);
  assert.equal(knowsArrivals({ version: "2.7.8-git" }), true);
  assert.equal(knowsArrivals({ version: "2.4.0" }), false);
});

Deno.test("plan() says which causes are not distinguished without registers, where waits are planned", () => {
  const made = (profile: "standard" | "deep", hasRegisters: boolean) =>
    plan(
      factsOf(server(), { sites: SITES, refusals: [] }, {
        kernel: { hasRegisters, reportsSockets: false },
      }),
      profile,
    );
  assert.ok(made("deep", true).sources.some(({ file }) => file === "waits.bt"));
  const [added, ...others] = made("deep", false).notAvailable
    .filter((each) => !made("deep", true).notAvailable.some(({ why }) => why === each.why));
  assert.equal(added!.metric, "packet_wait_time");
  assert.match(added!.why, /a lock, a disk, the network or memory all count as other$/);
  assert.deepEqual(others, []);
  assert.deepEqual(made("standard", false), made("standard", true));
});

Deno.test("plan() sees packets at the sockets where the kernel reports them and registers can be read", () => {
  const edges = (hasRegisters: boolean, reportsSockets: boolean) =>
    plan(
      factsOf(server(), { sites: SITES, refusals: [] }, {
        kernel: { hasRegisters, reportsSockets },
      }),
      "light",
    ).edges;
  assert.equal(edges(true, true), "sockets");
  assert.equal(edges(true, false), "calls");
  assert.equal(edges(false, true), "calls");
});

Deno.test("plan() adds what a user wants counted of each packet to the forecast", () => {
  const facts = factsOf(server(), { sites: SITES, refusals: [] });
  const plain = plan(facts, "light");
  const both = plan(facts, "light", new Map(), { top: true, by: "relay" });
  const more = countingCost({ top: true, by: "relay" });
  assert.deepEqual(both.forecast, plain.forecast + more);
  assert.deepEqual(both.sources.map(({ file }) => file), plain.sources.map(({ file }) => file));
});

Deno.test("plan() watches the partner where the library for high availability is loaded, and else says nothing", () => {
  const pair = server({ hookLibraries: ["/usr/lib/kea/hooks/libdhcp_ha.so"] });
  assert.ok(files("standard", SITES, pair).includes("partner.bt"));
  assert.ok(!files("light", SITES, pair).includes("partner.bt"));
  for (const profile of PROFILES) {
    const facts = factsOf(server(), { sites: SITES, refusals: [] });
    const { notAvailable, sources } = plan(facts, profile);
    assert.ok(!sources.some(({ file }) => file === "partner.bt"));
    assert.ok(!notAvailable.some(({ metric }) => metric === "partner_request_time"), profile);
  }
});
