import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { statOf } from "../../system/proc.ts";
import { complaintOf, run, textOf } from "../../system/run.ts";

Deno.test("run() gives a program its input, and nothing of our environment", async () => {
  const ran = await run(["sh", "-c", "cat; env; exit 3"], {
    input: "said\n",
    environment: { CHOSEN: "yes" },
  });
  assert.equal(ran.code, 3);
  const [said, ...variables] = textOf(ran).trimEnd().split("\n");
  assert.equal(said, "said");
  // The shell adds PWD.
  const path = `PATH=${Deno.env.get("PATH")}`;
  assert.deepEqual(variables.sort(), ["CHOSEN=yes", "LC_ALL=C", path, `PWD=${Deno.cwd()}`]);
  assert.ok(Object.keys(Deno.env.toObject()).length > 2, "there is more that it could have got");
});

Deno.test("run() ends a program that prints without end, or does not end", async () => {
  const endless = await run(["sh", "-c", "cat /dev/zero"], { limitBytes: 1_000_000 });
  assert.deepEqual([endless.code, endless.exceeded], [null, "output"]);
  assert.equal(complaintOf(endless), "it printed too much");
  const lasting = await run(["sleep", "1000"], { limitMs: 50 });
  assert.deepEqual([lasting.code, lasting.exceeded], [null, "time"]);
  assert.equal(complaintOf(lasting), "it took too long");
});

Deno.test("run() ends a program that uses up its CPU time", async () => {
  const ran = await run(["sh", "-c", "while :; do :; done"], {
    withoutRights: true,
    limitCpuSeconds: 1,
  });
  assert.deepEqual([ran.code, ran.exceeded], [null, "time"]);
});

Deno.test("run() takes a program that reads none of its input", async () => {
  const ran = await run(["true"], { input: "x".repeat(1_000_000) });
  assert.equal(ran.code, 0);
});

Deno.test("run() passes on that a program is not there", async () => {
  for (const withoutRights of [false, true]) {
    await assert.rejects(run(["kea-no-such-program"], { withoutRights }), Deno.errors.NotFound);
  }
});

Deno.test({
  name: "run() gives up root's rights and groups",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    const looks = Array.from(
      { length: 8 },
      () => run(["sh", "-c", "id -u; id -G; ulimit -v"], { withoutRights: true }),
    );
    const seen = (await Promise.all(looks)).map((ran) => textOf(ran).split("\n"));
    for (const [user, group, memory] of seen) {
      assert.ok(Number(user) >= 61_184 && Number(user) <= 65_519, user);
      assert.deepEqual([group, memory], [user, "4194304"]);
    }
    assert.ok(new Set(seen.map(([user]) => user)).size > 1, "each has its own");
  },
});

Deno.test("run() ends what a program started, and does not wait for what has left its group", async () => {
  const script = "sleep 1000 & echo $!; setsid sleep 1000 & left=$!; " +
    'until [ "$(ps -o sid= -p $left)" -eq $left ]; do sleep 0.01; done; echo $left; exit 3';
  const ran = await run(["sh", "-c", script]);
  const [ended, left] = textOf(ran).trim().split("\n").map(Number);
  assert.equal(ran.code, 3);
  const state = (pid: number) => statOf(pid)?.state ?? "Z";
  while (state(ended!) !== "Z") await pause(10);
  assert.notEqual(state(left!), "Z");
  Deno.kill(left!, "SIGKILL");
});

Deno.test("run() gives a program no terminal, and no descriptor that this process was given", async () => {
  const script = "import { run, textOf } from './system/run.ts';" +
    "const ran = await run(['sh', '-c', 'ls /proc/self/fd; ps -o tty= -p $$']);" +
    "console.log(textOf(ran));";
  const child = new Deno.Command("sh", {
    args: ["-c", `exec 7</etc/passwd; exec "$0" eval "$1"`, Deno.execPath(), script],
  });
  const { stdout } = await child.output();
  const lines = new TextDecoder().decode(stdout).split("\n");
  assert.ok(!lines.includes("7"), lines.join());
  assert.ok(lines.includes("?"), lines.join());
});

Deno.test("run() kills a program when its signal comes, also at once", async () => {
  const stop = new AbortController();
  const running = run(["sleep", "1000"], { signal: stop.signal });
  stop.abort();
  assert.equal((await running).exceeded, "time");
  assert.equal((await run(["sleep", "1000"], { signal: stop.signal })).exceeded, "time");
});
