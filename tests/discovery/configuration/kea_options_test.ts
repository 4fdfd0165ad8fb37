import assert from "node:assert/strict";
import { keaOptions, pathAt } from "../../../discovery/configuration/kea_options.ts";

const FILE = "/etc/kea/kea-dhcp4.conf";

for (
  const args of [
    ["-c", FILE],
    [`-c${FILE}`],
    ["-d", "-c", FILE],
    ["-dc", FILE],
    [`-dc${FILE}`],
    ["-p", "1067", "-c", FILE],
    ["-p1067", "-dXc", FILE, "-P", "-c"],
    ["-c", "/an/earlier/one", "-c", FILE],
    ["-t", "-c", "-c", FILE, "--", "-c", "/behind/the/options"],
  ]
) {
  Deno.test(`keaOptions() finds the file in ${args.join(" ")}`, () => {
    assert.equal(keaOptions(args).configuration, FILE);
  });
}

Deno.test("keaOptions() finds no file where an argument only looks like one", () => {
  for (const args of [[], ["-d"], ["-p", "-c"], ["-c"], ["--", "-c", FILE], ["c", FILE]]) {
    assert.equal(keaOptions(args).configuration, null, args.join(" "));
  }
});

Deno.test("keaOptions() knows -X among others, and not in an argument", () => {
  assert.equal(keaOptions(["-dX", "-c", FILE]).isRelaxed, true);
  assert.equal(keaOptions(["-c", "-X"]).isRelaxed, false);
});

Deno.test("pathAt() leads on from the working directory, where that is known", () => {
  const start = { configuration: null, isRelaxed: false, folders: {}, workingDirectory: "/srv" };
  assert.equal(pathAt(start, "../etc/kea.json"), "/etc/kea.json");
  const unknown = { ...start, workingDirectory: null };
  assert.equal(pathAt(unknown, "/etc/kea.json"), "/etc/kea.json");
  assert.throws(() => pathAt(unknown, "kea.json"), { name: "DiscoveryError" });
});
