import assert from "node:assert/strict";
import { openDescriptors } from "../../system/descriptors.ts";
import { checkModest, GreedyProcessError } from "../../system/greedy_process.ts";

Deno.test("checkModest() takes a process as it is, and none with more than a limit", () => {
  checkModest(Deno.pid);
  assert.throws(() => checkModest(Deno.pid, { descriptors: 1, threads: 1000 }), GreedyProcessError);
  assert.throws(
    () => checkModest(Deno.pid, { descriptors: 100_000, threads: 1 }),
    { message: new RegExp(`^Cannot read process ${Deno.pid}: it has more than 1 threads; `) },
  );
  assert.throws(() => checkModest(2 ** 30), Deno.errors.NotFound);
});

Deno.test("openDescriptors() knows where they lead, and looks at none of a process with very many", async () => {
  // The places for descriptors that were closed stay; since Linux 6.2, the kernel reports both numbers.
  const isExact = Deno.statSync("/proc/self/fd").size > 0;
  const closed = isExact ? "exec 9999</dev/null; exec 9999<&-;" : "";
  const many = [
    "-c",
    `${closed} for i in $(seq 3 $0); do eval "exec $i</dev/null"; done; echo ready; read x`,
  ];
  const most = 8192;
  const start = (count: number) =>
    new Deno.Command("bash", { args: [...many, String(count)], stdin: "piped", stdout: "piped" })
      .spawn();
  for (const count of [99, most + 1]) {
    const child = start(count);
    const reader = child.stdout.getReader();
    try {
      assert.equal(new TextDecoder().decode((await reader.read()).value), "ready\n");
      if (count > most) assert.throws(() => openDescriptors(child.pid), GreedyProcessError);
      else assert.equal(new Map(openDescriptors(child.pid)).get(count), "/dev/null");
    } finally {
      reader.releaseLock();
      await child.stdin.close();
      await child.output();
    }
  }
});
