/** Differences of two builds, from the recorded facts of a real one. */

import assert from "node:assert/strict";
import { checkText } from "../../../tools/check_kea/check_text.ts";
import { differencesOf } from "../../../tools/check_kea/differences.ts";
import { FACTS, type KeaFacts } from "../../../tools/check_kea/kea_facts.ts";
import newest from "../../../tools/check_kea/newest_kea.json" with { type: "json" };

const RECORDED: KeaFacts = FACTS.parse(newest);

/** What differs in a build that has been changed, compared with the recorded one. */
const changed = (changes: Partial<KeaFacts>) =>
  differencesOf({ ...RECORDED, ...changes }, RECORDED);

/** A record without some of its names. */
const without = <T>(record: Readonly<Record<string, T>>, name: RegExp) =>
  Object.fromEntries(Object.entries(record).filter(([key]) => !name.test(key)));

Deno.test("differencesOf() finds none between a build and itself", () => {
  assert.deepEqual(changed({}), []);
});

Deno.test("differencesOf() says which sites are gone, why, and where they are sought", () => {
  const why = "libkea-hooks does not export callCallouts";
  assert.deepEqual(
    changed({
      sites: without(RECORDED.sites, /callouts\.start/),
      refusals: { ...RECORDED.refusals, "DHCPv4 callouts": why, "DHCPv6 callouts": why },
    }),
    [{
      about: "probe sites",
      what: `callouts.start: ${why}`,
      toDo: "correct its search in discovery/sites/callouts.ts",
    }],
  );
});

Deno.test("differencesOf() names the family where only one has lost a site", () => {
  assert.deepEqual(
    changed({ sites: without(RECORDED.sites, /v6 allocation\.end/) }).map(({ what }) => what),
    ["allocation.end: no such place was found (DHCPv6)"],
  );
});

Deno.test("differencesOf() says that a build has one server only, not that its sites are gone", () => {
  assert.deepEqual(
    changed({
      version: "9.9.9",
      sites: without(RECORDED.sites, /^DHCPv6/),
      refusals: without(RECORDED.refusals, /^DHCPv6/),
      places: without(RECORDED.places, /^DHCPv6/),
      statistics: RECORDED.statistics.filter((name) => !name.startsWith("pkt6-")),
    }).map(({ about, what, toDo }) => [about, what.replace(/\d+ gone/, "some gone"), toDo]),
    [
      ["servers", `its server is in Kea ${RECORDED.version} only (DHCPv6)`, null],
      ["statistics", "some gone", null],
    ],
  );
});

Deno.test("differencesOf() says that a build is without a database, not that its sites are gone", () => {
  assert.deepEqual(
    changed({
      sites: without(RECORDED.sites, / postgresql\./),
      databases: ["mysql"],
    }),
    [{ about: "databases", what: "1 gone", names: ["postgresql"], toDo: null }],
  );
});

Deno.test("differencesOf() takes a site that some calls lost for something to do", () => {
  const why = "a branch lands between the call and its end";
  const [one, ...others] = changed({
    refusals: { ...RECORDED.refusals, "DHCPv4 lease_manager.addLease4.end": why },
  });
  assert.deepEqual(others, []);
  assert.equal(one!.what, `lease_manager.addLease4.end: ${why} (DHCPv4)`);
  assert.equal(one!.toDo, "correct its search in discovery/sites/lease_manager.ts");
});

Deno.test("differencesOf() knows which new counters are those of refused packets, and which it has", () => {
  const found = changed({
    statistics: [
      ...RECORDED.statistics,
      ...["pkt4-new-received", "pkt6-rfc-violation", "pkt4-of-another-kind"],
    ],
  });
  assert.deepEqual(found.map(({ names, toDo }) => [names, toDo !== null]), [
    [["pkt4-of-another-kind"], true],
    [["pkt4-new-received", "pkt6-rfc-violation"], false],
  ]);
});

Deno.test("differencesOf() needs a name of the configuration only if nothing has taken its place", () => {
  const names = (gone: readonly string[]) => ({
    configuration_names: RECORDED.configuration_names.filter((name) => !gone.includes(name)),
  });
  const [replaced] = changed(names(["control-socket"]));
  assert.deepEqual([replaced!.names, replaced!.toDo], [["control-socket"], null]);
  const both = ["control-socket", "control-sockets"];
  for (const { names: gone, toDo } of changed(names(both))) {
    assert.deepEqual([gone, toDo !== null], [both, true]);
  }
  const [unread] = changed(names(["ddns-ttl"]));
  assert.equal(unread!.toDo, null);
});

Deno.test("differencesOf() needs places and messages that the monitor reads", () => {
  const found = changed({
    places: { ...RECORDED.places, "DHCPv4 mode of threading": "unknown" },
    log_ids: RECORDED.log_ids.filter((id) => !/^ALLOC_ENGINE_V4_ALLOC_FAIL$/.test(id)),
  });
  assert.deepEqual(found.map(({ what, toDo }) => [what, toDo !== null]), [
    ["mode of threading: unknown, found before (DHCPv4)", true],
    ["1 gone", true],
  ]);
});

Deno.test("checkText() shows what is to do first, functions in C++ words, and few of many names", () => {
  const names = Array.from({ length: 9 }, (_, number) => `NAME_${number}`);
  const text = checkText(
    "Kea 2",
    "Kea 1",
    [
      { about: "probe sites", what: "log.warn: gone", toDo: "find it" },
      { about: "functions at the sites", what: "1 gone", names: ["_ZN1aE"], toDo: null },
      { about: "log messages", what: "9 new", names, toDo: null },
    ],
    new Map([["_ZN1aE", "a"]]),
  );
  assert.equal(
    text,
    `Kea 2, compared with Kea 1

To do
  probe sites: log.warn: gone
    find it

Different, nothing to do
  functions at the sites: 1 gone: a
  log messages: 9 new: NAME_0, NAME_1, NAME_2, NAME_3, NAME_4, NAME_5, 3 more`,
  );
  assert.match(checkText("Kea 2", "Kea 1", []), /Nothing to do/);
});
