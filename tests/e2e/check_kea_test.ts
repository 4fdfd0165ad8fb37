/** What `check-kea` reads of a build is what a server made of it says. Needs root, Kea and newer Debian suites. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { basename, join } from "node:path";
import { keaStatistics } from "../../discovery/control_channel.ts";
import { hookPointsOf } from "../../discovery/hook_points.ts";
import { installedProgram } from "../../discovery/programs.ts";
import { describeServer } from "../../discovery/servers.ts";
import { differencesOf } from "../../tools/check_kea/differences.ts";
import { FACTS, factsOf, type KeaFacts } from "../../tools/check_kea/kea_facts.ts";
import newest from "../../tools/check_kea/newest_kea.json" with { type: "json" };
import { ensureSuite, type SuiteName } from "../../tools/lab/debian_suites.ts";
import { startLab } from "../../tools/lab/lab.ts";
import { runScript } from "./run_script.ts";

/** The facts of a suite's Kea, without the hook library that labs put there. */
async function factsIn(suite: SuiteName): Promise<KeaFacts> {
  const facts = await factsOf(join((await ensureSuite(suite)).root, "usr"));
  const isOfLab = (name: string) => name.startsWith("libdhcp_lab_");
  return { ...facts, hook_libraries: facts.hook_libraries.filter((name) => !isOfLab(name)) };
}

Deno.test("the recorded facts are those of the newest Kea, whose server has all of them", async () => {
  const facts = await factsIn("sid");
  assert.deepEqual(
    differencesOf(facts, FACTS.parse(newest)),
    [],
    "a newer Kea: see check-kea, then record its facts (check-kea FOLDER --facts)",
  );
  for (const family of [4, 6] as const) {
    await using lab = await startLab({ kea: "newest", family });
    const points = (await hookPointsOf(await describeServer(lab.pid)))
      // libkea-hooks has these before any library registers one.
      .filter((name) => !name.startsWith("context_"));
    assert.ok(points.includes(`buffer${family}_receive`), points.join());
    assert.deepEqual(points.filter((name) => !facts.hook_points.includes(name)), []);
    const counters = Object.keys(await keaStatistics(lab.controlSocket))
      .filter((name) => name.startsWith("pkt"));
    assert.ok(counters.includes(`pkt${family}-received`), counters.join());
    assert.deepEqual(counters.filter((name) => !facts.statistics.includes(name)), []);
  }
});

Deno.test("check-kea finds what Kea 3.0 has and 2.6 has not, and that the monitor needs nothing for it", async () => {
  const differences = differencesOf(FACTS.parse(newest), await factsIn("trixie"));
  assert.deepEqual(differences.filter(({ toDo }) => toDo !== null), []);
  const names = (about: string, what: RegExp) =>
    differences.find((each) => each.about === about && what.test(each.what))?.names ?? [];
  assert.deepEqual(names("hook points", /new/), ["addr6_register", "http_auth", "http_response"]);
  assert.deepEqual(names("hook points", /gone/), []);
  assert.ok(names("hook libraries", /new/).includes("libdhcp_pgsql.so"));
  assert.ok(names("configuration", /new/).includes("control-sockets"));
  assert.ok(names("statistics", /new/).includes("pkt6-addr-reg-inform-received"));
});

/** A function that callouts are found by, and the same with another name. */
const [FUNCTION, OTHER] = ["CalloutManager12callCallouts", "CalloutManager12callCalloutz"];

Deno.test("check-kea ends with 1 where a function of Kea has another name, and with 2 where no Kea is", async () => {
  const folder = await Deno.makeTempDir({ prefix: "kea-check-test-" });
  try {
    const place = async (from: string, to: string, change = (text: string) => text) => {
      await Deno.mkdir(join(folder, to), { recursive: true });
      const name = basename(from).replace(/(\.so\.\d+)\..*$/, "$1");
      const bytes = Buffer.from(await Deno.readFile(from)).toString("latin1");
      await Deno.writeFile(join(folder, to, name), Buffer.from(change(bytes), "latin1"));
    };
    await place("/usr/sbin/kea-dhcp4", "same/sbin");
    await place("/usr/sbin/kea-dhcp4", "other/sbin");
    const { libraries } = await installedProgram("/usr/sbin/kea-dhcp4");
    const { path } = libraries.find((library) => library.path.includes("/libkea-hooks.so"))!;
    await place(path, "other/lib", (text) => text.replaceAll(FUNCTION, OTHER));
    const checked = await runScript("tools/check_kea.ts", [
      join(folder, "other"),
      join(folder, "same"),
    ]);
    assert.equal(checked.code, 1, checked.stderr);
    assert.match(
      checked.stdout,
      /To do\n {2}probe sites: callouts\.\w+: libkea-hooks does not export callCallouts/,
    );
    const none = await runScript("tools/check_kea.ts", [folder]);
    assert.equal(none.code, 2);
    assert.match(none.stderr, /Cannot find a Kea in ".*", it has no sbin\/kea-dhcp4/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
