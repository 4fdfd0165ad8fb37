import assert from "node:assert/strict";
import { pathOf } from "../metrics/fixtures/captures.ts";
import { runScript } from "../e2e/run_script.ts";
import { madeDocument, withTime } from "../metrics/findings/made_document.ts";

const SCRIPT = "tools/explain.ts";

async function withFile<T>(content: unknown, work: (path: string) => Promise<T>): Promise<T> {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(path, JSON.stringify(content));
    return await work(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("explain says that nothing is wrong in a capture of a server that is well", async () => {
  const { code, stdout, stderr } = await runScript(SCRIPT, [pathOf("v4")]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^Kea 2\.2\.0 DHCPv4 on vm, .* profile deep, COMPLETE$/m);
  assert.match(stdout, /Nothing is wrong or slow in what was seen\.$/m);
});

Deno.test("explain ends with 4 for findings, which --json has in full", async () => {
  const slow = madeDocument(withTime([
    "hook_callout_time",
    { hook_point: "pkt4_receive", library: "a\u001b[31m.so", callout: "pkt4_receive" },
    "ns",
    1000,
    5e6,
  ]));
  await withFile(slow, async (path) => {
    const text = await runScript(SCRIPT, [path]);
    assert.equal(text.code, 4, text.stderr);
    assert.match(text.stdout, /^1\. SLOW: The hook library a\?\[31m\.so takes 95 % of the /m);
    assert.match(text.stdout, /^ {3}-> Look at what /m);
    const json = await runScript(SCRIPT, [path, "--json"]);
    assert.equal(json.code, 4, json.stderr);
    const { schema, findings, questions, not_seen } = JSON.parse(json.stdout);
    assert.equal(schema, "kea-findings/1");
    assert.equal(findings[0].rule, "slow_hook_library");
    assert.deepEqual([questions, not_seen], [[], []]);
  });
});

Deno.test("explain ends with 3 when nothing is found and not everything was seen", async () => {
  await withFile(madeDocument([]), async (path) => {
    const { code, stdout } = await runScript(SCRIPT, [path]);
    assert.equal(code, 3);
    assert.match(stdout, /^Not seen\n {2}No DHCP packet came/m);
  });
});

Deno.test("explain ends with 1 for a file that is neither a capture nor a document", async () => {
  await withFile("no", async (path) => {
    const { code, stdout, stderr } = await runScript(SCRIPT, [path]);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^error: Cannot read [^\n]*\n$/);
  });
});
