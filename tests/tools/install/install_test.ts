import assert from "node:assert/strict";
import { startPolicy } from "../../../tools/install/ensure_installed.ts";

/** The status of a policy: 101 denies, 0 allows. */
async function decision(policy: string): Promise<number> {
  const { code } = await new Deno.Command("sh", { args: ["-c", policy] }).output();
  return code;
}

Deno.test("startPolicy() denies starts while its process runs, and no longer", async () => {
  const child = new Deno.Command("sleep", { args: ["1000"] }).spawn();
  const policy = startPolicy(child.pid);
  assert.equal(await decision(policy), 101);
  child.kill("SIGKILL");
  await child.status;
  assert.equal(await decision(policy), 0);
  // Another process of that number is not the one that asked.
  assert.equal(await decision(policy.replaceAll(String(child.pid), String(Deno.pid))), 0);
});

Deno.test("denow gets the version that it names, and holds each package against a hash", async () => {
  const read = (name: string) => Deno.readTextFile(new URL(`../../../${name}`, import.meta.url));
  const version = /^version=(\S+)$/m.exec(await read("denow"))![1];
  assert.deepEqual(JSON.parse(await read(".denow/package.json")).dependencies, { deno: version });
  const { packages } = JSON.parse(await read(".denow/package-lock.json"));
  const installed = Object.entries<Record<string, string>>(packages).filter(([path]) => path);
  assert.ok(installed.length > 1);
  for (const [path, { integrity, resolved }] of installed) {
    assert.match(integrity ?? "", /^sha512-/, path);
    assert.equal(resolved, undefined, path);
  }
});
