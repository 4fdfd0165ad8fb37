/** What monitor says for the Mac works as it stands. Needs root, Kea, bpftrace, ssh and sudo. */

import assert from "node:assert/strict";
import { join } from "node:path";
import type { MetricsDocument } from "../../metrics/document.ts";
import { startLab } from "../../tools/lab/lab.ts";
import { finished, ROOT, startScript, until } from "./run_script.ts";

const MONITOR = "tools/kea_monitor_complete.ts";

/** An SSH server in a network namespace, and the folder of a user who may come in. */
async function startSsh(netns: string, folder: string) {
  const run = async (...command: string[]) => {
    const { success, stderr } = await new Deno.Command(command[0]!, { args: command.slice(1) })
      .output();
    assert.ok(success, new TextDecoder().decode(stderr));
  };
  const [home, host] = [join(folder, "ssh"), join(folder, "host")];
  await Deno.mkdir(home, { mode: 0o700 });
  await run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", host);
  await run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", join(home, "id_ed25519"));
  await Deno.copyFile(join(home, "id_ed25519.pub"), join(folder, "authorized"));
  await Deno.writeTextFile(join(home, "config"), "StrictHostKeyChecking accept-new\n");
  const configuration = join(folder, "sshd_config");
  await Deno.writeTextFile(
    configuration,
    `HostKey ${host}\nAuthorizedKeysFile ${join(folder, "authorized")}\nPermitRootLogin yes\n` +
      "UsePAM no\nStrictModes no\nPidFile none\nSubsystem sftp internal-sftp\n",
  );
  await Deno.mkdir("/run/sshd", { recursive: true });
  const child = new Deno.Command("ip", {
    args: [
      ...["netns", "exec", netns, "setpriv", "--pdeathsig", "KILL", "--"],
      ...["/usr/sbin/sshd", "-D", "-e", "-f", configuration],
    ],
    stdin: "null",
    stderr: "null",
  }).spawn();
  return {
    home,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      await child.status;
    },
  };
}

Deno.test("monitor's lines for the Mac bring the wrapper there and send traffic", async () => {
  const folder = await Deno.makeTempDir({ prefix: "kea-hint-test-" });
  try {
    await using lab = await startLab();
    await using ssh = await startSsh(lab.serverNetns, folder);
    const output = join(folder, "output");
    // The server's network is the monitor's own, as on a host with a Kea.
    const monitor = new Deno.Command("nsenter", {
      args: [
        ...[`--net=/run/netns/${lab.serverNetns}`, Deno.execPath(), "run", "-A"],
        ...[join(ROOT, MONITOR), "--server", String(lab.pid), "--duration", "120", "-o", output],
        ...["--no-visualization", "--json"],
      ],
      env: { NO_COLOR: "1", SUDO_USER: "" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    let log = "";
    const reading = (async () => {
      for await (const text of monitor.stderr.pipeThrough(new TextDecoderStream())) log += text;
    })();
    const printed = new Response(monitor.stdout).text();
    await until(
      () => Promise.resolve(/ Watching pid |^Watching pid /m.test(log)),
      30,
      "it watches",
    );
    const [, scp, send] = /:\n {2}(scp .*)\n {2}(sudo deno .*)\n/.exec(log)!;
    assert.match(send!, / -d 10\.77\.0\.1$/);

    // On the other machine: its own home, a folder of its own, and Deno where sudo looks.
    const [place, programs] = [join(folder, "elsewhere"), join(folder, "bin")];
    for (const path of [place, programs]) await Deno.mkdir(path);
    await Deno.symlink(Deno.execPath(), join(programs, "deno"));
    await Deno.mkdir("/root/.ssh", { recursive: true, mode: 0o700 });
    const { code, stdout, stderr } = await new Deno.Command("ip", {
      args: [
        ...["netns", "exec", lab.clientNetns, "unshare", "--mount", "sh", "-ec"],
        `mount --bind "$1" /root/.ssh; mount --bind "$2" /usr/local/bin; cd "$3"\n${scp}\n${send}`,
        ...["sh", ssh.home, programs, place],
      ],
      env: { HOME: "/root", DENO_DIR: join(folder, "cache") },
      stdin: "null",
    }).output();
    const text = new TextDecoder().decode(stdout);
    assert.equal(code, 0, text + new TextDecoder().decode(stderr));
    assert.match(text, /^DISCOVER-OFFER: 1000 sent, (1000|9\d\d) answered, \d+ not$/m);
    assert.deepEqual(
      Array.from(Deno.readDirSync(place), ({ name }) => name),
      ["dras_wrapper.ts"],
    );

    monitor.kill("SIGINT");
    assert.equal((await monitor.status).code, 0);
    await reading;
    const { ledger } = JSON.parse(await printed) as MetricsDocument;
    assert.equal(ledger!.answered["DHCPOFFER"], 1000);
    assert.ok(ledger!.answered["DHCPACK"]! >= 900);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("monitor has no lines for the Mac when the server's network is not its own", async () => {
  await using lab = await startLab();
  const folder = await Deno.makeTempDir({ prefix: "kea-hint-test-" });
  try {
    const { code, stderr } = await finished(startScript(MONITOR, [
      ...["--server", String(lab.pid), "--duration", "1", "-o", join(folder, "output")],
      "--no-visualization",
    ]));
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, /scp|dras/);
    assert.match(stderr, /^The server has its own network .* 10\.77\.0\.1 can be reached/m);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("monitor --no-traffic says nothing of it", async () => {
  await using lab = await startLab();
  const folder = await Deno.makeTempDir({ prefix: "kea-hint-test-" });
  try {
    const child = startScript(MONITOR, [
      ...["--server", String(lab.pid), "--duration", "1", "-o", join(folder, "output")],
      ...["--no-visualization", "--no-traffic"],
    ]);
    const { stderr, code } = await child.output();
    assert.equal(code, 0);
    assert.doesNotMatch(new TextDecoder().decode(stderr), /scp|dras|its own network/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
