/** A lab works, and nothing of it remains, however it ends. Needs root and Kea. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { keaCommand } from "../../discovery/control_channel.ts";
import { labsOf } from "../../tools/lab/leftovers.ts";
import { type Lab, startLab } from "../../tools/lab/lab.ts";
import { type PerfdhcpReport, runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { finished, must, runs, runScript, startScript, until } from "./run_script.ts";

const LAB = "tools/lab.ts";

/** What a lab makes on the machine. */
type Made = Pick<Lab, "pid" | "clientNetns" | "serverNetns" | "directory">;

/** The parts of a lab that are still there. */
async function remaining(lab: Made): Promise<string[]> {
  const there = [];
  for (
    const path of [
      `/run/netns/${lab.clientNetns}`,
      `/run/netns/${lab.serverNetns}`,
      `/run/kea-ebpf-monitoring/labs/${lab.serverNetns.replace(/-s$/, "")}`,
      lab.directory,
    ]
  ) {
    if (await Deno.stat(path).then(() => true, () => false)) there.push(path);
  }
  if (await runs(lab.pid)) there.push(`process ${lab.pid}`);
  return there;
}

/** The settings that a test needs, as `lab` and `env` print them. */
const SETTINGS = ["PID", "CLIENT_NETNS", "SERVER_NETNS", "DIRECTORY"].map((name) =>
  `KEA_LAB_${name}`
);

/** Whether all settings are there, to the ends of their lines: a pipe hands them out in pieces. */
function hasSettings(text: string): boolean {
  return SETTINGS.every((name) => new RegExp(`^${name}=.+\n`, "m").test(text));
}

/** The lab that printed its settings. */
function labIn(settings: string): Made {
  const value = (name: string) => {
    const line = new RegExp(`^${name}=(.+)$`, "m").exec(settings);
    if (line === null) throw new Error(`No ${name} among the settings of the lab: ${settings}`);
    return line[1]!;
  };
  return {
    pid: Number(value("KEA_LAB_PID")),
    clientNetns: value("KEA_LAB_CLIENT_NETNS"),
    serverNetns: value("KEA_LAB_SERVER_NETNS"),
    directory: value("KEA_LAB_DIRECTORY"),
  };
}

/** Starts the script with a command that writes its settings into a file, and waits for them. */
async function startInLab(script: string): Promise<{ lab: Made; child: Deno.ChildProcess }> {
  const file = await Deno.makeTempFile({ prefix: "kea-lab-test-" });
  const child = startScript(LAB, ["--", "sh", "-c", `env >"${file}"; ${script}`]);
  const settings = () => Deno.readTextFile(file);
  await until(async () => hasSettings(await settings()), "the lab runs");
  const lab = labIn(await settings());
  await Deno.remove(file);
  return { lab, child };
}

/** Each packet was answered; on a busy machine perfdhcp sends a few more than it was asked for. */
function assertAnswered(report: PerfdhcpReport, exchanges: number): void {
  for (const exchange of ["DISCOVER-OFFER", "REQUEST-ACK"]) {
    const { sent, received } = report[exchange]!;
    assert.ok(sent >= exchanges && received === sent, JSON.stringify(report));
  }
}

for (const sockets of ["raw", "udp"] as const) {
  for (const threads of [0, 2]) {
    Deno.test(`startLab() answers every exchange with ${threads} threads and ${sockets} sockets`, async () => {
      await using lab = await startLab({ sockets, threads });
      const report = await runPerfdhcp(lab, { rate: 200, exchanges: 101 });
      assertAnswered(report, 101);
      const { Dhcp4 } = await keaCommand(lab.controlSocket, "config-get") as {
        Dhcp4: Record<string, Record<string, unknown>>;
      };
      assert.equal(Dhcp4["multi-threading"]!["enable-multi-threading"], threads > 0);
      // Kea leaves the default out.
      assert.equal(Dhcp4["interfaces-config"]!["dhcp-socket-type"] ?? "raw", sockets);
      await lab[Symbol.asyncDispose]();
      assert.deepEqual(await remaining(lab), []);
    });
  }
}

Deno.test("runPerfdhcp() shares no library with the server", async () => {
  await using lab = await startLab();
  const over = new AbortController();
  // Until it was seen.
  const running = runPerfdhcp(lab, { rate: 50, exchanges: 50 * 300, signal: over.signal })
    .catch(() => {});
  const keaLibraries = async (pid: string | number) => {
    const maps = await Deno.readTextFile(`/proc/${pid}/maps`).catch(() => "");
    return new Set(maps.match(/\/\S*lib(kea-|stdc\+\+)\S*/g));
  };
  let clients = new Set<string>();
  await until(
    async () => {
      for (const pid of (await must("ip", "netns", "pids", lab.clientNetns)).trim().split("\n")) {
        clients = await keaLibraries(pid);
        if (clients.size > 5) return true;
      }
      return false;
    },
    "perfdhcp runs",
  );
  assert.ok([...clients].every((path) => path.startsWith(lab.directory)), [...clients].join());
  assert.ok((await keaLibraries(lab.pid)).isDisjointFrom(clients));
  over.abort();
  await running;
});

Deno.test("startLab() runs a Kea that is installed in a folder, if only root can change it", async () => {
  const folder = await Deno.makeTempDir({ prefix: "kea-lab-test-" }) as `/${string}`;
  try {
    const programs = join(folder, "sbin");
    await Deno.mkdir(programs);
    for (const family of [4, 6]) {
      const name = `kea-dhcp${family}`;
      await Deno.copyFile(`/usr/sbin/${name}`, join(programs, name));
    }
    await using lab = await startLab({ kea: folder });
    assert.equal(await Deno.readLink(`/proc/${lab.pid}/exe`), join(programs, "kea-dhcp4"));
    assertAnswered(await runPerfdhcp(lab, { rate: 100, exchanges: 53 }), 53);
    await Deno.chmod(programs, 0o757);
    await assert.rejects(startLab({ kea: folder }), /users other than root can change .*kea-dhcp4/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("startLab() runs beside another lab", async () => {
  await using one = await startLab({ threads: 0 });
  await using other = await startLab();
  const load = { rate: 100, exchanges: 53 };
  const reports = await Promise.all([runPerfdhcp(one, load), runPerfdhcp(other, load)]);
  for (const report of reports) assertAnswered(report, load.exchanges);
});

Deno.test("lab says why Kea does not start and leaves nothing", async () => {
  await using _other = await startLab();
  const child = startScript(LAB, ["--hook", "/nowhere/libdhcp_none.so", "--", "true"]);
  const { code, stderr } = await finished(child);
  assert.equal(code, 1);
  assert.match(stderr, /Cannot start Kea, it ended: .*libdhcp_none\.so/);
  assert.deepEqual(await labsOf(child.pid), []);
});

Deno.test("lab hands its settings to a command, exits with its status and leaves nothing", async () => {
  const { code, stdout } = await runScript(LAB, [
    "--threads",
    "0",
    "--",
    "sh",
    "-c",
    "env; exit 7",
  ]);
  assert.equal(code, 7);
  assert.match(stdout, /^KEA_LAB_FAMILY=4$/m);
  assert.match(stdout, /^KEA_LAB_SERVER_ADDRESS=10\.77\.0\.1$/m);
  assert.deepEqual(await remaining(labIn(stdout)), []);
});

Deno.test("lab leaves no process that its command left in its namespaces", async () => {
  const left =
    'ip netns exec "$KEA_LAB_CLIENT_NETNS" sleep 300 >/dev/null 2>&1 & echo "left $!"; sleep 0.3';
  const { code, stdout } = await runScript(LAB, ["--", "sh", "-c", `env; ${left}`]);
  assert.equal(code, 0);
  assert.equal(await runs(Number(/^left (\d+)$/m.exec(stdout)![1])), false);
  assert.deepEqual(await remaining(labIn(stdout)), []);
});

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  Deno.test(`lab passes ${signal} on to its command once and leaves nothing`, async () => {
    const { lab, child } = await startInLab(
      `trap 'echo caught; n=$((n + 1))' ${signal.slice(3)}; n=40
       while [ $n = 40 ]; do sleep 0.1; done; sleep 0.3; exit $n`,
    );
    child.kill(signal);
    const { code, stdout } = await finished(child);
    assert.deepEqual({ code, stdout }, { code: 41, stdout: "caught\n" });
    assert.deepEqual(await remaining(lab), []);
  });

  Deno.test(`lab without a command ends with ${signal} and leaves nothing`, async () => {
    const child = startScript(LAB, []);
    const end = new Response(child.stderr).text();
    let settings = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      settings += text;
      if (hasSettings(settings)) break;
    }
    child.kill(signal);
    assert.equal((await child.status).code, 0, await end);
    assert.deepEqual(await remaining(labIn(settings)), []);
  });
}

Deno.test("lab gets a terminal's ^C to its command once", async () => {
  const script = new Deno.Command("script", {
    args: [
      ...["--quiet", "--return", "--command"],
      `exec ${Deno.execPath()} run -A ${LAB} -- sh -c 'trap "echo caught" INT; env; echo ready; sleep 2; sleep 0.5; exit 9'`,
      "/dev/null",
    ],
    cwd: join(import.meta.dirname!, "..", ".."),
    env: { SHELL: "/bin/sh" },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const keys = script.stdin.getWriter();
  let text = "";
  let pressed = false;
  for await (const part of script.stdout.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (pressed || !text.includes("ready\r\n")) continue;
    await keys.write(new Uint8Array([3]));
    pressed = true;
  }
  await keys.close();
  assert.equal((await script.status).code, 9, text);
  assert.equal(text.match(/caught/g)?.length, 1, text);
  assert.deepEqual(await remaining(labIn(text.replaceAll("\r", ""))), []);
});

Deno.test("startLab() clears what a lab that was killed left", async () => {
  const { lab, child } = await startInLab("exec sleep 300");
  child.kill("SIGKILL");
  await finished(child);
  await until(async () => !await runs(lab.pid), "the killed lab's server is gone");
  assert.ok((await remaining(lab)).includes(lab.directory));
  await using _next = await startLab();
  assert.deepEqual(await remaining(lab), []);
});
