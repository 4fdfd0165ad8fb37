/** Processes that are not what they seem get nothing of root. Needs root, Kea and g++. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { DiscoveryError } from "../../discovery/discovery_error.ts";
import { isTrusted, printedWithin, wayToRun } from "../../discovery/own_program.ts";
import { describeServer, findServers } from "../../discovery/servers.ts";
import { startLab } from "../../tools/lab/lab.ts";
import { run } from "../../discovery/elf.ts";

const NOBODY = 65534;

/** A program that calls itself kea-dhcp4, and writes down who runs it when it is asked anything. */
const SOURCE = `
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv) {
  if (argc > 1) {
    FILE *file = fopen(RAN, "w");
    if (file) { fprintf(file, "%d", (int)geteuid()); fclose(file); }
    return 0;
  }
  return pause();
}`;

Deno.test("a program that its own user could write is never run with more rights than his", async () => {
  const folder = await Deno.makeTempDir({ prefix: "kea-foreign-" });
  const [program, ran] = [join(folder, "kea-dhcp4"), join(folder, "ran")];
  try {
    await Deno.chmod(folder, 0o777);
    await run("g++", ["-x", "c++", `-DRAN="${ran}"`, "-o", program, "-"], SOURCE);
    await Deno.chown(program, NOBODY, NOBODY);
    const child = new Deno.Command(program, { uid: NOBODY, gid: NOBODY }).spawn();
    try {
      assert.equal((await describeServer(child.pid)).version, "unknown");
      await assert.rejects(Deno.stat(ran), Deno.errors.NotFound);
      const way = await wayToRun(child.pid, program);
      assert.equal(way.user, "server");
      await printedWithin([...way.words, program, "-v"], 5000);
      assert.equal(await Deno.readTextFile(ran), String(NOBODY));
      assert.equal(await isTrusted(child.pid, [program]), false);
    } finally {
      child.kill("SIGKILL");
      await child.status;
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Who runs a program that is run as that of a process is. */
async function userOf(pid: number): Promise<string> {
  const path = "/usr/bin/id";
  const { words } = await wayToRun(pid, path);
  return (await printedWithin([...words, path, "-u"], 5000)).stdout.trim();
}

Deno.test("a root's program is asked as root, one of root of a container as nobody", async () => {
  await using lab = await startLab();
  assert.equal(await userOf(lab.pid), "0");
  assert.equal(await isTrusted(lab.pid, ["/usr/sbin/kea-dhcp4"]), true);
  // As containers have it: root without what root may do on a host.
  const contained = new Deno.Command("setpriv", {
    args: ["--bounding-set=-sys_admin", "--inh-caps=-all", "--", "sleep", "60"],
  }).spawn();
  const ordinary = new Deno.Command("sleep", { args: ["60"], uid: 1, gid: 1 }).spawn();
  try {
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(await userOf(contained.pid), String(NOBODY));
    assert.equal(await userOf(ordinary.pid), "1");
  } finally {
    for (const child of [contained, ordinary]) {
      child.kill("SIGKILL");
      await child.status;
    }
  }
});

Deno.test("a program that leaves others behind with its pipes is not waited for", async () => {
  const started = performance.now();
  const { code, stdout } = await printedWithin(["sh", "-c", "echo here; sleep 20 & exit 3"], 5000);
  assert.deepEqual([code, stdout], [3, "here\n"]);
  assert.equal((await printedWithin(["sh", "-c", "sleep 20"], 300)).code, null);
  assert.ok(performance.now() - started < 5000);
});

Deno.test("servers are found while others that call themselves so come and go", async () => {
  await using lab = await startLab();
  let isOver = false;
  const coming = (async () => {
    while (!isOver) {
      await new Deno.Command("kea-dhcp4", { args: ["-v"], stdout: "null", stderr: "null" })
        .output();
    }
  })();
  try {
    for (let turn = 0; turn < 60; turn++) {
      const found = await findServers().catch((error) => assert.fail(error));
      assert.ok(found.some(({ pid }) => pid === lab.pid));
    }
  } finally {
    isOver = true;
    await coming;
  }
});

Deno.test("a server that ends while it is described is told in one line", async () => {
  await using lab = await startLab();
  const { pid } = lab;
  Deno.kill(pid, "SIGKILL");
  for (let turn = 0; turn < 20; turn++) {
    await assert.rejects(describeServer(pid), DiscoveryError);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
});
