/** The command as a user runs it: what it prints, and its exit status. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { parseComparison } from "../../../metrics/comparison/comparison.ts";
import { pathOf } from "../../metrics/fixtures/captures.ts";
import { runScript } from "../../e2e/run_script.ts";

const [V4, V6, SQL] = (["v4", "v6", "sql"] as const).map(pathOf) as [string, string, string];
const compare = (...args: readonly string[]) => runScript("tools/compare.ts", args);

/** A file for a test, and what it is compared with. */
async function withFile(
  content: string,
  work: (path: string, folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "kea-compare-test-" });
  try {
    await Deno.writeTextFile(join(folder, "capture.ndjson"), content);
    await work(join(folder, "capture.ndjson"), folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("compare says that v4 and v6 cannot be compared, and with --strict ends with 3", async () => {
  const { code, stdout } = await compare(V4, V6, "--strict");
  assert.equal(code, 3);
  assert.match(stdout, /^ {2}BEFORE is DHCPv4, AFTER is DHCPv6: their messages differ/m);
  assert.match(stdout, /^ {2}version: 2\.2\.0 -> 2\.6\.3$/m);
  assert.match(stdout, /^Verdict: cannot say\./m);
  assert.equal((await compare(V4, V6)).code, 0);
});

Deno.test("compare says what differs between versions and databases", async () => {
  const { code, stdout, stderr } = await compare(V4, SQL);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /^ {2}version: 2\.2\.0 -> 3\.0\.4$/m);
  assert.match(stdout, /^ {2}databases: memfile -> postgresql$/m);
  assert.match(stdout, /^ {2}profile: deep -> standard$/m);
});

Deno.test("compare reads a capture that was cut off, and one without a window", async () => {
  const text = await Deno.readTextFile(V4);
  await withFile(text.slice(0, text.length - 5000), async (path) => {
    const { code, stdout } = await compare(V4, path, "--json");
    assert.equal(code, 0);
    const { notes, verdict } = parseComparison(JSON.parse(stdout));
    assert.notEqual(verdict, "slower");
    assert.ok(notes.some((note) => /^AFTER is PARTIAL: The capture was cut off/.test(note)));
    assert.equal((await compare(V4, path, "--strict")).code, 3);
  });
  await withFile(`${text.split("\n")[0]}\n`, async (path) => {
    const { code, stdout, stderr } = await compare(path, V4);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /^ {2}BEFORE has no data: nothing was watched$/m);
    assert.match(stdout, /^Verdict: cannot say\./m);
  });
});

Deno.test("compare refuses in one line what it cannot read", async () => {
  await withFile("", async (empty, folder) => {
    for (
      const [args, code, why] of [
        [[empty, V4], 1, /it is empty/],
        [[V4, join(folder, "none.json")], 1, /^error: Cannot read ".*none\.json"/],
        [[`${V4}@01:00-01:01`, V4], 1, /no window is in that span/],
        [[`${V4}@yesterday`, V4], 1, /expected FILE, or FILE@FROM-TO/],
        [[V4, V4, "--fail-on", "p99"], 2, /such as "p99>10%"/],
        [[V4], 2, /missing required argument/],
      ] as const
    ) {
      const { code: found, stdout, stderr } = await compare(...args);
      assert.deepEqual([found, stdout], [code, ""], stderr);
      assert.match(stderr.split("\n")[0]!, why);
    }
  });
});

Deno.test("compare ends with 1 over a condition that could not be checked", async () => {
  const { code, stderr } = await compare(V4, V6, "--fail-on", "p99>10%");
  assert.equal(code, 1);
  assert.equal(
    stderr,
    'error: Cannot check "p99>10%": both files have no such series in common\n',
  );
});

Deno.test("compare writes a report that names both files without their markup", async () => {
  const text = await Deno.readTextFile(V4);
  await withFile(text.replace('"host":"vm"', '"host":"<b>vm</b>"'), async (path, folder) => {
    const { code, stderr } = await compare(V4, path, "-o", join(folder, "report"));
    assert.equal(code, 0, stderr);
    const page = await Deno.readTextFile(join(folder, "report", "comparison.html"));
    assert.ok(!page.includes("<b>vm") && page.includes("&#60;b&#62;vm"));
    assert.match(page, /<h1>Comparison of two runs<\/h1>/);
    assert.doesNotMatch(page, /NaN|Infinity|undefined/);
  });
});
