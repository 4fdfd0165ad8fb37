import assert from "node:assert/strict";
import { hungAmong } from "../../system/hung_process.ts";
import { inTime } from "../../system/read_proc.ts";
import { pythonProcess } from "./python_process.ts";

Deno.test("hungAmong() names the process that does not answer, until it does", async () => {
  await using process = await pythonProcess("print('ready', flush=True); input()");
  const pids = [Deno.pid, process.pid];
  assert.equal(await hungAmong(pids), null);
  const answer = Promise.withResolvers<void>();
  await assert.rejects(inTime(process.pid, () => answer.promise, 1));
  assert.equal(
    await hungAmong(pids, 1),
    `process ${process.pid} (python3) hangs with the lock of its memory map`,
  );
  const asked = hungAmong(pids);
  answer.resolve();
  assert.equal(await asked, null);
});

Deno.test("hungAmong() has nothing to ask of processes that are gone, or of the kernel's", async () => {
  assert.equal(await hungAmong([2, 2 ** 30]), null);
});
