/** Processes that are not what they seem get nothing of root. Needs root, Kea and g++. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { DiscoveryError } from "../../discovery/discovery_error.ts";
import { commandToRun } from "../../discovery/own_program.ts";
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
      const [command, ...args] = [...await commandToRun(child.pid, program), program, "-v"];
      await run(command!, args);
      assert.equal(await Deno.readTextFile(ran), String(NOBODY));
    } finally {
      child.kill("SIGKILL");
      await child.status;
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the program of a distribution is asked as root, that of a container is not", async () => {
  const userOf = async (pid: number, path: string) => {
    const [command, ...args] = await commandToRun(pid, path);
    return (await run(command!, [...args, "/usr/bin/id", "-u"])).trim();
  };
  {
    await using lab = await startLab();
    assert.equal(await userOf(lab.pid, "/usr/sbin/kea-dhcp4"), "0");
  }
  await using contained = await startLab({ kea: "2.6", ownProcessIds: true });
  assert.equal(await userOf(contained.pid, "/usr/sbin/kea-dhcp4"), String(NOBODY));
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
