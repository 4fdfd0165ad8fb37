/**
 * Attackers beside a server get nothing of root, and keep no one from watching the server. Needs root, Kea,
 * bpftrace and g++.
 */

import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { join } from "node:path";
import { DiscoveryError } from "../../discovery/discovery_error.ts";
import { describeServer, runningKeas } from "../../discovery/servers.ts";
import { parseDocument } from "../../metrics/document.ts";
import { openSpool } from "../../hollow/push/spool.ts";
import { type Lab, startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { endlessLibrary, HostileProcesses } from "./hostile_processes.ts";
import { total } from "../../metrics/totals.ts";
import { startMonitor } from "./monitored.ts";
import {
  childrenOf,
  type Finished,
  finished,
  follow,
  runs,
  runScript,
  startScript,
  until,
} from "./run_script.ts";
import { assertComplete } from "./watched.ts";
import { StartedPrograms } from "./started_programs.ts";

const EXCHANGES = 101;

const [MONITOR, HOLLOW_MONITOR, TROUBLESHOOT] = [
  "tools/kea_monitor_complete.ts",
  "hollow/ebpf_hollow_monitor.ts",
  "tools/troubleshoot_kea_server.ts",
];

/** Control characters that act on a terminal; lines end with the only one that is ours. */
const ACTS = /[^\P{Cc}\n]/u;

/** What stands in a file that root alone may read. */
const SECRET = "words-for-root-alone";

/** A producer that is not there: windows wait in the spool. */
const PRODUCER = "http://127.0.0.1:9/api";

/** How many packets of a kind the windows in a spool have. */
async function spooled(folder: string, message: string): Promise<number> {
  using spool = await openSpool(folder, { say: () => {} });
  let count = 0;
  for (let next = await spool.first(); next !== null; next = await spool.first()) {
    for (const record of next.records) {
      const { metric, labels } = record;
      if (metric !== "packet_processing_time" || !JSON.stringify(labels).includes(message)) {
        continue;
      }
      count += Number(record.count);
    }
    spool.remove(next.sequence);
  }
  return count;
}

Deno.test("attackers beside a server get nothing of root, and it is watched exactly", async (t) => {
  await using hostile = await HostileProcesses.build();
  const { folder } = hostile;
  const secret = join(folder, "secret");
  await Deno.writeTextFile(secret, SECRET, { mode: 0o600 });
  // A program of its own inode: nothing else on this machine starts it.
  const own = await Deno.makeTempDir({ prefix: "kea-own-" });
  await Deno.chmod(own, 0o755);
  await Deno.copyFile("/usr/sbin/kea-dhcp4", join(own, "kea-dhcp4"));
  await Deno.chmod(join(own, "kea-dhcp4"), 0o755);
  const spool = await Deno.makeTempDir({ prefix: "kea-spool-" });
  // What an attacker laid where symbol files once were.
  const trap = join("/tmp", `kea-ebpf-symbols-4190000-${crypto.randomUUID().slice(0, 8)}`);
  await Deno.mkdir(join(trap, "d/".repeat(1000)), { recursive: true });
  // A control socket that answers without end, in the hands of the test.
  const socket = join(folder, "control");
  const listener = Deno.listen({ transport: "unix", path: socket });
  const answering = answerWithoutEnd(listener);
  await using started = await StartedPrograms.trace();

  try {
    await using lab = await startLab({ program: join(own, "kea-dhcp4") });
    const startsOf = async (path: string) => await started.count(await Deno.stat(path));
    const inLab = ["ip", "netns", "exec", lab.serverNetns];
    const pipe = join(folder, "pipe");
    await new Deno.Command("mkfifo", { args: ["-m", "666", pipe] }).output();
    const configurations: Record<string, string> = {
      nothing: '{"Dhcp4":null}',
      strange: '{"Dhcp4":{"hosts-databases":5,"interfaces-config":5,"subnet4":{}}}',
    };
    for (const [name, text] of Object.entries(configurations)) {
      await Deno.writeTextFile(join(folder, name), text);
    }
    await Deno.symlink("/etc/shadow", join(folder, "shadow"));
    const sly = join(folder, "sly");
    await Deno.writeTextFile(
      sly,
      JSON.stringify({
        Dhcp4: {
          "interfaces-config": { interfaces: ["\x1b[2J\x9b2J\x1b]0;mine\x07", "a/example.com"] },
          "control-socket": { "socket-type": "unix", "socket-name": socket },
        },
      }),
    );
    await Deno.mkdir(join(folder, "hooks"));
    const libraries = ["hooks/\x1b[31m.so", "endless.so"].map((name) => join(folder, name));
    for (const path of libraries) await Deno.writeFile(path, endlessLibrary());
    const attackers: Record<string, number> = {};
    for (const name of ["pipe", "nothing", "strange", "shadow"]) {
      attackers[name] = await hostile.start(["-c", join(folder, name)], inLab);
    }
    attackers["zero"] = await hostile.start(["-c", "/dev/zero"], inLab);
    const maps = libraries.flatMap((path) => ["-m", path]);
    attackers["sly"] = await hostile.start(["-c", sly, ...maps, "-e", `@${secret}`], inLab);
    await hostile.startAtOddPath();
    const contained = await hostile.startInContainer(["-c", sly]);
    // A program that runs what stands there now runs itself, and can be written to (CVE-2019-5736).
    await Deno.rename(contained.program, `${contained.program}.old`);
    await Deno.writeTextFile(contained.program, "#!/proc/self/exe\n", { mode: 0o755 });
    const own4 = join(own, "kea-dhcp4");
    let starts = await startsOf(own4);
    let exchanges = 0;
    assert.ok(starts > 0, "the lab starts it, and that is seen");

    const hollow = follow(startScript(HOLLOW_MONITOR, [
      ...["--server", String(lab.pid), "-p", PRODUCER, "--spool", spool, "-i", "1"],
      ...["--profile", "light"],
    ]));
    await t.step("monitor, hollow-monitor, probe and troubleshoot work beside them", async () => {
      await hollow.says(/ Watching pid /);
      const env = { KEA_TEST_TOKEN: SECRET };
      await using monitored = await startMonitor(lab.pid, [], { env });
      const knowsSecret = async (pid: number) =>
        (await Deno.readTextFile(`/proc/${pid}/environ`).catch(() => "")).includes(SECRET);
      assert.ok(await knowsSecret(monitored.child.pid));
      for (const child of await childrenOf(monitored.child.pid)) {
        assert.ok(!await knowsSecret(child), "what is secret to us is secret to children");
      }
      const probing = runScript("probes/kea_metrics.ts", [
        ...["--server", String(lab.pid), "--duration", "2"],
      ]);
      const looking = runScript(TROUBLESHOOT, ["--server", String(lab.pid)]);
      const report = await runPerfdhcp(lab, { rate: 100, exchanges: EXCHANGES });
      // On a busy machine perfdhcp sends a few more than it was asked for.
      exchanges = report["REQUEST-ACK"]!.received;
      assert.ok(exchanges >= EXCHANGES && exchanges === report["DISCOVER-OFFER"]!.received);
      const { document } = await monitored.stop();
      assertComplete(document);
      for (const message of ["DHCPDISCOVER", "DHCPREQUEST"]) {
        assert.equal(total(document, "packet_processing_time", { message }), exchanges);
      }
      assert.equal((await probing).code, 0, (await probing).stderr);
      const { code: health, stdout } = await looking;
      assert.match(stdout, /Healthy\n$/);
      assert.equal(health, 0);
      // Its own test of its configuration, which root alone can have written.
      assert.equal(await startsOf(own4), starts + 1);
    });

    await t.step("which server is meant is asked, whatever the others are", async () => {
      for (const script of [MONITOR, TROUBLESHOOT, "discovery/list_all_functions.ts"]) {
        const { stdout, stderr } = await runScript(script, []);
        assert.match(stdout + stderr, /error: Cannot choose among \d+ servers, give one with/);
        assert.ok(stderr.includes(String(lab.pid)) && !ACTS.test(stdout + stderr), stderr);
      }
    });

    await t.step(
      "what is asked of an attacker's ends, runs nothing of his and acts on no terminal",
      async () => {
        const all: Finished[] = [];
        for (const name of ["pipe", "zero", "shadow", "nothing", "strange", "sly"]) {
          all.push(await runScript(TROUBLESHOOT, ["--server", String(attackers[name])]));
        }
        all.push(await runScript(TROUBLESHOOT, ["--server", String(contained.pid)]));
        const [server, output] = [String(attackers["sly"]), join(folder, "output")];
        all.push(
          await runScript(MONITOR, [
            ...["--server", server, "--duration", "2", "--profile", "light", "-o", output],
            ...["--no-visualization", "--json"],
          ]),
          await runScript(MONITOR, ["--server", server, "--plan"]),
          await runScript("discovery/list_all_functions.ts", ["--server", server]),
          await runScript("discovery/find_mangled_names.ts", ["main", "--server", server]),
          await runScript("discovery/find_available_functions.ts", ["--server", server]),
        );
        for (const { stdout, stderr } of all) {
          assert.ok(!ACTS.test(stdout + stderr), stdout + stderr);
          assert.ok(!(stdout + stderr).includes("example.com"), stdout + stderr);
          assert.doesNotMatch(stderr, /\n {4}at /);
        }
        const everything = all.map(({ stdout, stderr }) => stdout + stderr).join("\n") +
          await Deno.readTextFile(join(output, "capture.ndjson"));
        assert.ok(!everything.includes(SECRET));
        assert.ok(everything.includes(`@${secret}`), "the exception is there under its own name");
        assert.match(all.at(-3)!.stderr, /^Left out: Cannot read .*it printed too much$/m);
        await assert.rejects(Deno.stat(hostile.ran), Deno.errors.NotFound);
      },
    );

    await t.step(
      "a restart of the server is followed, and SIGTERM ends hollow-monitor",
      async () => {
        assert.equal(await startsOf(own4), starts + 1);
        const before = lab.pid;
        Deno.kill(before, "SIGTERM");
        await until(async () => !await runs(before), "the server is gone");
        const after = await lab.restart();
        starts = await startsOf(own4);
        await hollow.says(new RegExp(`Watching pid ${after} `));
        const { code, stdout, stderr } = await runScript("tools/run_kea_monitoring.ts", [
          ...["--server", String(after), "--client-netns", lab.clientNetns, "-n", "53", "-r", "50"],
          ...["-d", lab.serverAddress, "-o", join(own, "run"), "--profile", "light"],
          ...["--no-visualization", "--json"],
        ]);
        assert.equal(code, 0, stderr);
        assert.match(stderr, /COMPLETE/);
        hollow.child.kill("SIGTERM");
        // It would wait for the producer.
        await pause(500);
        hollow.child.kill("SIGTERM");
        assert.equal((await hollow.end).code, 0, hollow.log());
        assert.ok(!ACTS.test(hollow.log()));
        const message = "DHCPDISCOVER";
        const seen = total(parseDocument(JSON.parse(stdout)), "packet_processing_time", {
          message,
        });
        assert.equal(await spooled(spool, message), exchanges + seen);
      },
    );

    await t.step(
      "no program of a watched process was started but to test its configuration",
      async () => {
        assert.equal(await startsOf(own4), starts);
        for (const pid of Object.values(attackers)) {
          assert.equal(await startsOf(`/proc/${pid}/exe`), 1);
        }
        assert.equal(await startsOf(contained.program), 0);
        assert.ok((await Deno.stat(trap)).isDirectory, "folders of others are left alone");
      },
    );
  } finally {
    listener.close();
    await answering;
    for (const path of [own, spool, trap]) await Deno.remove(path, { recursive: true });
  }
});

async function answerWithoutEnd(listener: Deno.UnixListener): Promise<void> {
  for await (const connection of listener) {
    try {
      for (const piece = new Uint8Array(2 ** 20).fill(32);;) await connection.write(piece);
    } catch {
      connection.close();
    }
  }
}

Deno.test("a server is found and described while others come and go, and its end is reported in one line", async () => {
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
      assert.ok(runningKeas().some(({ pid }) => pid === lab.pid));
      await pause(5);
    }
  } finally {
    isOver = true;
    await coming;
  }
  await probeEndsWithItsClient(lab);
  const { pid } = lab;
  Deno.kill(pid, "SIGKILL");
  for (let turn = 0; turn < 20; turn++) {
    await assert.rejects(describeServer(pid), DiscoveryError);
    await pause(5);
  }
});

/** Kills `troubleshoot --probe` while its client asks: the client goes too, and its link with it. */
async function probeEndsWithItsClient(lab: Lab): Promise<void> {
  const args = ["--server", String(lab.pid), "--probe", "--client-netns", lab.clientNetns];
  const child = startScript(TROUBLESHOOT, args);
  const output = finished(child);
  let client: number | undefined;
  await until(
    async () => {
      for (const pid of await childrenOf(child.pid)) {
        const line = await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => "");
        if (line.startsWith(Deno.execPath()) && line.includes("dora_client")) client = pid;
      }
      return client !== undefined;
    },
    "the client asks",
  );
  child.kill("SIGKILL");
  await output;
  await until(async () => !await runs(client!), "the client is gone");
}
