import assert from "node:assert/strict";
import { GreedyProcessError } from "../../system/greedy_process.ts";
import {
  HungProcessError,
  inTime,
  isHeldUp,
  readProc,
  readSocketTable,
} from "../../system/read_proc.ts";

Deno.test("readProc() reads of a process, and says when there is none", async () => {
  assert.match(await readProc(Deno.pid, "maps"), /^[0-9a-f]+-[0-9a-f]+ /);
  await assert.rejects(readProc(2 ** 30, "maps"), Deno.errors.NotFound);
});

Deno.test("readProc() reads no more than a server can have", async () => {
  const whole = await readProc(Deno.pid, "environ");
  const limitBytes = new TextEncoder().encode(whole).length;
  assert.equal(await readProc(Deno.pid, "environ", { limitBytes }), whole);
  await assert.rejects(
    readProc(Deno.pid, "environ", { limitBytes: limitBytes - 1 }),
    GreedyProcessError,
  );
});

Deno.test("readSocketTable() has the sockets of a process's network namespace", async () => {
  const path = await Deno.makeTempFile();
  await Deno.remove(path);
  using _listener = Deno.listen({ transport: "unix", path });
  assert.ok((await readSocketTable(Deno.pid, "unix")).includes(` ${path}\n`));
  await Deno.remove(path);
  await assert.rejects(readSocketTable(2 ** 30, "udp"), Deno.errors.NotFound);
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

Deno.test("isHeldUp() while a quarter of the threads wait for processes that hang", async () => {
  const answer = Promise.withResolvers<void>();
  const pids = Array.from({ length: 8 }, (_, at) => 100 + at);
  for (const pid of pids) {
    assert.equal(isHeldUp(), false);
    await assert.rejects(inTime(pid, () => answer.promise, 1), HungProcessError);
  }
  assert.equal(isHeldUp(), true);
  answer.resolve();
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(isHeldUp(), false);
});
