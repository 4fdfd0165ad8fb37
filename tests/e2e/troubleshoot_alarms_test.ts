/** What is no fault is none for troubleshoot: each is made for real, and a client gets its lease. Needs root and Kea. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { type Lab, startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import type { Finding } from "../../tools/troubleshoot/check.ts";
import { troubleshoot } from "../../tools/troubleshoot/troubleshoot.ts";
import { holdPort } from "./hold_port.ts";
import { reconfigure } from "./reconfigure.ts";
import { childrenOf, must, ROOT, until } from "./run_script.ts";

const findingsOf = (lab: Lab): Promise<Finding[]> =>
  troubleshoot({ selector: String(lab.pid), probeFrom: null }, () => {});

/** The folder of a new group of the CPU controller, where this host has one to give. */
async function newCpuGroup(): Promise<string | null> {
  for (const mounted of ["cpu", "cpu,cpuacct", ""]) {
    const folder = join("/sys/fs/cgroup", mounted, `kea-test-${crypto.randomUUID().slice(0, 8)}`);
    const made = await Deno.mkdir(folder).then(() => true, () => false);
    if (!made) continue;
    for (const file of ["cpu.cfs_quota_us", "cpu.max"]) {
      const path = join(folder, file);
      const value = file === "cpu.max" ? "50000 100000" : "50000";
      if (await Deno.stat(path).then(() => true, () => false)) {
        await Deno.writeTextFile(path, value);
        return folder;
      }
    }
    await Deno.remove(folder);
  }
  return null;
}

Deno.test("troubleshoot raises no false alarm where a relay's clients get their leases", async () => {
  await using lab = await startLab({ sockets: "udp" });
  const inNetns = ["ip", "-n", lab.serverNetns];
  // A link that is down, and another on which another server has the port.
  await must(...inNetns, "link", "add", "idle", "type", "veth", "peer", "name", "idle-end");
  await must(...inNetns, "link", "add", "other", "type", "veth", "peer", "name", "other-end");
  await must(...inNetns, "address", "add", "192.168.122.1/24", "dev", "other");
  await reconfigure(lab, (dhcp) => {
    // All clients are behind relays; the server's own link has no subnet.
    dhcp.subnet4[0].subnet = "10.128.0.0/12";
    dhcp.subnet4[0].pools = [{ pool: "10.129.0.0-10.129.255.255" }];
    dhcp["interfaces-config"].interfaces = ["*"];
    // As long as a path can be.
    dhcp["control-socket"]["socket-name"] = `${lab.directory}/`.padEnd(107, "x");
  });
  // What the file says, the server has not loaded.
  const path = join(lab.directory, "kea.json");
  const file = JSON.parse(await Deno.readTextFile(path));
  file.Dhcp4["interfaces-config"].interfaces = [];
  file.Dhcp4.subnet4 = [];
  await Deno.writeTextFile(path, JSON.stringify(file));
  await using _other = await holdPort(lab.serverNetns, "192.168.122.1");
  const group = await newCpuGroup();
  if (group !== null) await Deno.writeTextFile(join(group, "cgroup.procs"), String(lab.pid));
  const report = await runPerfdhcp(lab, { rate: 50, exchanges: 3 });
  assert.equal(report["REQUEST-ACK"]!.received, 3);

  const findings = await findingsOf(lab);
  const found = (name: string) => findings.find(({ check }) => check === name)!;
  const text = JSON.stringify(findings, null, 2);
  const bad = findings.filter(({ status }) => status === "problem" || status === "not_known");
  assert.deepEqual(bad, [], text);
  assert.match(found("interfaces up").found, /^all but .*idle.*, which "\*" passes over$/, text);
  assert.match(found("addresses").found, /clients come through relays$/);
  assert.match(found("others on the port").found, /^python3 \(process \d+\) on 192\.168\.122\.1: /);
  assert.equal(found("control socket").status, "ok");
  if (group !== null) assert.match(found("threads").found, / on 0\.5 cores/);
  await lab[Symbol.asyncDispose]();
  if (group !== null) await Deno.remove(group);
});

/** A client that takes two leases through a relay and declines both. */
const DECLINING = `
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("10.77.0.2", 67)); s.settimeout(20)
def ask(client, kind, options, answered=True):
    mac = bytes([2, 0, 0, 0, 0, client])
    head = struct.pack("!4BIHH4s4s4s4s16s192x", 1, 1, 6, 0, client, 0, 0, b"", b"", b"",
        socket.inet_aton("10.77.0.2"), mac)
    s.sendto(head + b"\\x63\\x82\\x53\\x63" + bytes([53, 1, kind]) + options + b"\\xff", ("10.77.0.1", 67))
    if answered: return s.recv(2000)[16:20]
server = bytes([54, 4]) + socket.inet_aton("10.77.0.1")
for client in (1, 2):
    offered = bytes([50, 4]) + ask(client, 1, b"")
    ask(client, 3, offered + server)
    ask(client, 4, offered + server, False)
# The next client is answered after they were declined.
ask(3, 1, b"")
print("declined")
`;

Deno.test("troubleshoot counts a declined address once, and the next client gets the one that is left", async () => {
  await using lab = await startLab({ threads: 0 });
  await reconfigure(lab, (dhcp) => dhcp.subnet4[0].pools = [{ pool: "10.65.0.0-10.65.0.3" }]);
  assert.equal(
    await must("ip", "netns", "exec", lab.clientNetns, "python3", "-c", DECLINING),
    "declined\n",
  );
  const findings = await findingsOf(lab);
  const { status, found } = findings.find(({ check }) => check === "pools")!;
  assert.deepEqual([status, found], ["ok", "2 addresses are free"]);
  const report = await runPerfdhcp(lab, { rate: 10, exchanges: 5, clients: 1 });
  assert.ok(report["REQUEST-ACK"]!.received > 0);
});

/** Asks as a client, as a process of its own. */
const ASKING = `
import { ANSWER_CHECK } from "./tools/troubleshoot/answer_check.ts";
import { describeServer } from "./discovery/servers.ts";
await ANSWER_CHECK.look({ server: await describeServer(Number(Deno.args[0])), probeFrom: Deno.args[1] });
`;

/** The process that a process started and that is the client; null before and after. */
async function clientOf(parent: number): Promise<number | null> {
  for (const child of await childrenOf(parent)) {
    const command = await Deno.readTextFile(`/proc/${child}/cmdline`).catch(() => "");
    if (command.includes("dora_client.ts") && command.includes("deno")) return child;
  }
  return null;
}

Deno.test("a client of troubleshoot that is stopped in its exchange leaves nothing", async () => {
  await using lab = await startLab();
  // So that the client waits for an answer.
  Deno.kill(lab.pid, "SIGSTOP");
  const links = () => must("ip", "-d", "-n", lab.clientNetns, "link", "show");
  const before = await links();
  for (const signal of ["SIGINT", "SIGKILL"] as const) {
    const asking = new Deno.Command(Deno.execPath(), {
      args: ["eval", ASKING, String(lab.pid), lab.clientNetns],
      cwd: ROOT,
      stdout: "null",
      stderr: "null",
    }).spawn();
    let client: number | null = null;
    // Once its link is up, the client is on its way.
    await until(async () => {
      client = await clientOf(asking.pid);
      const routes = await Deno.readTextFile(`/proc/${client}/net/route`).catch(() => "");
      return client !== null && /^kp/m.test(routes);
    }, "the client asks");
    asking.kill(signal);
    await asking.status;
    // The namespace and its link go with the only process in it.
    await until(() => Deno.stat(`/proc/${client}`).then(() => false, () => true), "it is gone");
    assert.equal(await links(), before, signal);
  }
  Deno.kill(lab.pid, "SIGCONT");
});
