/** A booted container ends with what started it. Needs root, and a Debian release, which it installs into the cache. */

import assert from "node:assert/strict";
import { BootedContainer } from "../../tools/lab/booted_container.ts";
import { follow, runs, startScript, until } from "./run_script.ts";

Deno.test("a booted container ends when it is disposed of, and when its owner is killed", async () => {
  const container = await BootedContainer.boot("bookworm");
  await container[Symbol.asyncDispose]();
  assert.equal(await runs(container.leader), false);

  const owner = follow(startScript("tests/e2e/boot_and_wait.ts", []));
  await owner.says(/^leader \d+$/m);
  const leader = Number(/^leader (\d+)$/m.exec(owner.log())![1]);
  assert.equal(await runs(leader), true);
  owner.child.kill("SIGKILL");
  await owner.end;
  await until(async () => !await runs(leader), "the container of a killed process has ended");
});
