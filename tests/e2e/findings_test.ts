/** Each cause of long times is made for real, and is the first that `explain` finds. Needs root, Kea, g++, PostgreSQL. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { cpuGroup } from "../../tools/lab/cpu_group.ts";
import { delayingHooks } from "../../tools/lab/delaying_hooks.ts";
import { type Lab, type LabOptions, startLab } from "../../tools/lab/lab.ts";
import { startSlowFileSystem } from "../../tools/lab/slow_file_system.ts";
import { waitFor, waitingHooks } from "../../tools/lab/waiting_hooks.ts";
import { delayingProxy } from "./delaying_proxy.ts";
import { assertFirst, explained, onOneCpu, realTime, undisturbed } from "./explained.ts";
import { reconfigure } from "./reconfigure.ts";
import { runs, until } from "./run_script.ts";

/** Starts a lab with a hook library of the lab's. */
async function labWith(parameters: unknown, options: LabOptions = {}): Promise<Lab> {
  return await startLab({ ...options, hooks: [{ path: await delayingHooks(), parameters }] });
}

for (const [cause, rule] of [["lock", "lock"], ["memory", "paging"]] as const) {
  Deno.test(`packets that wait for ${cause}: ${rule}`, async () => {
    await using slow = await startSlowFileSystem(20);
    await using lab = await startLab({ hooks: [{ path: await waitingHooks("2.2") }] });
    await waitFor(lab, [cause], 20, slow.folder);
    await using _ = await cpuGroup([lab.pid, slow.pid], null);
    const sentence = assertFirst(await explained(lab), rule);
    if (cause === "lock") assert.match(sentence, /waiting_hooks/);
  });
}

Deno.test("a CPU quota", async () => {
  await using slow = await startSlowFileSystem(5);
  await using lab = await startLab({ threads: 0, hooks: [{ path: await waitingHooks("2.2") }] });
  await waitFor(lab, ["running"], 5, slow.folder);
  await using _ = await cpuGroup([lab.pid], 0.2);
  assertFirst(await explained(lab, { rate: 60 }), "cpu_quota");
});

Deno.test("a busy neighbour on the same CPU", async () => {
  await using slow = await startSlowFileSystem(5);
  await using lab = await startLab({
    hooks: [{ path: await waitingHooks("2.2") }],
  });
  // Who needs a CPU for a moment only gets it from the scheduler soon enough.
  await waitFor(lab, ["running"], 5, slow.folder);
  await onOneCpu(lab);
  const burning = Array.from({ length: 2 }, () =>
    new Deno.Command("setpriv", {
      args: [
        ...["--pdeathsig", "KILL", "nice", "-n", "-5", "taskset", "-c", "0"],
        ...["sh", "-c", "while :; do :; done"],
      ],
    }).spawn());
  try {
    assertFirst(await explained(lab, { rate: 5 }), "busy_neighbour");
  } finally {
    for (const child of burning) child.kill("SIGKILL");
    await Promise.all(burning.map(({ status }) => status));
  }
});

Deno.test("too many threads for a CPU", async () => {
  await using slow = await startSlowFileSystem(5);
  await using lab = await startLab({
    threads: 8,
    hooks: [{ path: await waitingHooks("2.2") }],
  });
  await waitFor(lab, ["running"], 20, slow.folder);
  await onOneCpu(lab);
  await using _ = await undisturbed(lab);
  // Five times what a CPU can do, so that all threads are busy although perfdhcp may have to wait for its own.
  assertFirst(await explained(lab, { rate: 250, exchanges: 300 }), "too_many_threads");
});

Deno.test("too few threads", async () => {
  await using lab = await labWith({ burn_us: { pkt4_receive: 900 } }, {
    threads: 1,
  });
  await realTime(lab);
  // The thread is busy for seconds, whenever the requests come.
  assertFirst(await explained(lab, { rate: 1000, exchanges: 2000 }), "too_few_threads");
});

Deno.test("a slow hook library, by name, and DEBUG logging", async () => {
  await using lab = await labWith({ sleep: { pkt4_receive: 5 } });
  await using _ = await undisturbed(lab);
  assert.match(
    assertFirst(await explained(lab), "slow_hook_library"),
    /delaying_hooks.*pkt4_receive/,
  );
  await reconfigure(lab, (dhcp) => {
    dhcp["hooks-libraries"] = [];
    Object.assign(dhcp["loggers"][0], { severity: "DEBUG", debuglevel: 99 });
  });
  const debugging = await explained(lab, { base: "00:0c:02:00:00:00" });
  assertFirst(debugging, "debug_logging");
  assert.equal(debugging.findings.length, 1);
});

Deno.test("packets that a hook library parks", async () => {
  await using lab = await labWith({ point: "leases4_committed", park: 60 });
  await using _ = await undisturbed(lab);
  assert.match(assertFirst(await explained(lab), "parked_packets"), /leases4_committed/);
});

Deno.test("a slow disk under the lease file, and under the log", async () => {
  await using slow = await startSlowFileSystem(10);
  // With more threads, they also wait for each other.
  await using lab = await startLab({ threads: 1 });
  await using _ = await cpuGroup([lab.pid, slow.pid], null);
  const path = (name: string) => join(slow.folder, name);
  await reconfigure(lab, (dhcp) => dhcp["lease-database"].name = path("leases.csv"));
  assertFirst(await explained(lab), "slow_lease_file");
  await reconfigure(lab, (dhcp) => {
    dhcp["lease-database"].name = join(lab.directory, "leases.csv");
    const [logger] = dhcp["loggers"];
    for (const options of ["output_options", "output-options"]) {
      if (logger[options] !== undefined) logger[options][0].output = path("kea.log");
    }
  });
  assertFirst(await explained(lab, { base: "00:0c:02:00:00:00" }), "other_disk");
});

Deno.test("a slow SQL statement by name, and a database that is far away", async () => {
  await using lab = await startLab({ backend: "postgresql" });
  await lab.database!.sql(
    "CREATE FUNCTION slow() RETURNS trigger AS 'BEGIN PERFORM pg_sleep(0.02); RETURN NEW; END' " +
      "LANGUAGE plpgsql; " +
      "CREATE TRIGGER slow BEFORE INSERT ON lease4 FOR EACH ROW EXECUTE FUNCTION slow()",
  );
  await using _ = await undisturbed(lab);
  const slow = await explained(lab, { rate: 20 });
  assert.match(assertFirst(slow, "slow_statement"), /insert_lease4/);

  await lab.database!.sql("DROP TRIGGER slow ON lease4");
  const folder = join(lab.directory, "database");
  // Far enough that a busy machine, which holds up the proxy, too, adds little to it.
  await using far = await delayingProxy(join(folder, ".s.PGSQL.5432"), 15);
  await reconfigure(lab, (dhcp) => dhcp["lease-database"].host = far.folder);
  // So few that they are answered on a busy machine, too, where a round trip takes longer.
  const few = { rate: 5, exchanges: 53, base: "00:0c:02:00:00:00" };
  const distant = await explained(lab, few);
  assert.match(assertFirst(distant, "far_database"), /far away/);
});

Deno.test("a cleanup of the lease file on Kea's only CPU", async () => {
  await using lab = await startLab();
  const old = lab.pid;
  Deno.kill(old, "SIGTERM");
  await until(() => !runs(old), "Kea ended");
  await Deno.writeTextFile(join(lab.directory, "leases.csv"), leases(150_000));
  await lab.restart();
  // So does kea-lfc: a real-time process gives its CPU to no other of its priority.
  await onOneCpu(lab);
  // Before the servers of other tests.
  await realTime(lab, 30);
  await reconfigure(lab, (dhcp) => dhcp["lease-database"]["lfc-interval"] = 8);
  assertFirst(await explained(lab, { rate: 40, exchanges: 800 }), "cleanup");
});

/** A lease file with many leases. */
function leases(count: number): string {
  const head = "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev," +
    "hostname,state,user_context";
  const expire = Math.floor(Date.now() / 1000) + 4000;
  const lines = Array.from({ length: count }, (_, index) => {
    const [high, middle, low] = [index >> 16, index >> 8 & 255, index & 255];
    const hardware = [2, 0, 1, high, middle, low].map((byte) => byte.toString(16).padStart(2, "0"));
    const address = [10, 70 + high, middle, low].join(".");
    return `${address},${hardware.join(":")},,4000,${expire},1,0,0,,0,`;
  });
  return [head, ...lines, ""].join("\n");
}
