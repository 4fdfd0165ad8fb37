import assert from "node:assert/strict";
import { HungProcessError, inTime, readProc } from "../../system/read_proc.ts";

Deno.test("readProc() reads of a process, and says when there is none", async () => {
  assert.match(await readProc(Deno.pid, "maps"), /^[0-9a-f]+-[0-9a-f]+ /);
  await assert.rejects(readProc(2 ** 30, "maps"), Deno.errors.NotFound);
});

Deno.test("inTime() waits not too long, and asks nothing more of a process before it has answered", async () => {
  const answer = Promise.withResolvers<string>();
  let asked = 0;
  const ask = () => {
    asked++;
    return answer.promise;
  };
  await assert.rejects(inTime(7, ask, 10), HungProcessError);
  await assert.rejects(inTime(7, ask, 10), /memory map of process 7 in time: /);
  assert.equal(asked, 1);
  assert.equal(await inTime(8, () => Promise.resolve("another"), 1000), "another");
  answer.resolve("late");
  await answer.promise;
  await Promise.resolve();
  assert.equal(await inTime(7, ask, 1000), "late");
});
