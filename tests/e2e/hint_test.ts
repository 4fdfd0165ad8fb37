/** What monitor says for the Mac works as it stands. Needs root, Kea, bpftrace, ssh and sudo. */

import assert from "node:assert/strict";
import { join } from "node:path";
import type { MetricsDocument } from "../../metrics/document.ts";
import { startLab } from "../../tools/lab/lab.ts";
import { labOfFile } from "./lab_of_file.ts";
import { follow, must, ROOT, runScript } from "./run_script.ts";

const MONITOR = "tools/kea_monitor_complete.ts";

const lab = labOfFile();

/** An SSH server in a network namespace, and the folder of a user who may come in. */
async function startSsh(netns: string, folder: string) {
  const [home, host] = [join(folder, "ssh"), join(folder, "host")];
  await Deno.mkdir(home, { mode: 0o700 });
  await must("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", host);
  await must("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", join(home, "id_ed25519"));
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

for (
  const [family, target, exchange, offer, lease] of [
    [4, "10.77.0.1", "DISCOVER-OFFER", "DHCPOFFER", "DHCPACK"],
    [6, "all", "SOLICIT-ADVERTISE", "ADVERTISE", "REPLY"],
  ] as const
) {
  Deno.test(`monitor's lines for another machine bring the wrapper there and send ${exchange}`, async () => {
    const folder = await Deno.makeTempDir({ prefix: "kea-hint-test-" });
    try {
      await using served = await startLab({ family });
      const { pid, serverNetns, clientNetns } = served;
      await using ssh = await startSsh(serverNetns, folder);
      const output = join(folder, "output");
      // The server's network is the monitor's own, as on a host with a Kea.
      const monitor = follow(
        new Deno.Command("nsenter", {
          args: [
            ...[`--net=/run/netns/${serverNetns}`, Deno.execPath(), "run", "-A", "--quiet"],
            ...[join(ROOT, MONITOR), "--server", String(pid), "--duration", "600", "-o", output],
            ...["--no-visualization", "--json"],
          ],
          env: { NO_COLOR: "1", SUDO_USER: "" },
          stdin: "null",
          stdout: "piped",
          stderr: "piped",
        }).spawn(),
      );
      await monitor.says(/Watching pid /);
      const [, scp, send] = /:\n {2}(scp .*)\n {2}(sudo deno .*)\n/.exec(monitor.log())!;
      assert.equal(send!.split(" -d ")[1], target);

      // On the other machine: its own home, a folder of its own, and Deno where sudo looks.
      const [place, programs] = [join(folder, "elsewhere"), join(folder, "bin")];
      for (const path of [place, programs]) await Deno.mkdir(path);
      await Deno.symlink(Deno.execPath(), join(programs, "deno"));
      await Deno.mkdir("/root/.ssh", { recursive: true, mode: 0o700 });
      const { code, stdout, stderr } = await new Deno.Command("ip", {
        args: [
          ...["netns", "exec", clientNetns, "unshare", "--mount", "sh", "-ec"],
          `mount --bind "$1" /root/.ssh; mount --bind "$2" /usr/local/bin; cd "$3"\n${scp}\n${send}`,
          ...["sh", ssh.home, programs, place],
        ],
        env: { HOME: "/root", DENO_DIR: join(folder, "cache") },
        stdin: "null",
      }).output();
      const text = new TextDecoder().decode(stdout);
      assert.equal(code, 0, text + new TextDecoder().decode(stderr));
      // On a busy machine perfdhcp sends a few more than it was asked for.
      const [, sent] = new RegExp(
        `^${exchange}: (1\\d{3}) sent, (1\\d{3}|9\\d\\d) answered, \\d+ not$`,
        "m",
      ).exec(text)!;
      assert.deepEqual(
        Array.from(Deno.readDirSync(place), ({ name }) => name),
        ["dras_wrapper.ts"],
      );

      monitor.child.kill("SIGINT");
      const { code: status, stdout: printed } = await monitor.end;
      assert.equal(status, 0);
      const { ledger } = JSON.parse(printed) as MetricsDocument;
      assert.equal(ledger!.answered[offer], Number(sent));
      assert.ok(ledger!.answered[lease]! >= 900);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

/** What a short monitor of the lab says. */
async function saidWith(...args: readonly string[]): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "kea-hint-test-" });
  try {
    const { code, stderr } = await runScript(MONITOR, [
      ...["--server", String(lab().pid), "--duration", "1", "-o", join(folder, "output")],
      ...["--profile", "light", "--no-visualization", ...args],
    ]);
    assert.equal(code, 0, stderr);
    return stderr;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("monitor has no lines for the Mac when the server's network is not its own", async () => {
  const said = await saidWith();
  assert.doesNotMatch(said, /scp|dras/);
  assert.match(said, /^The server has its own network .* 10\.77\.0\.1 can be reached/m);
});

Deno.test("monitor --no-traffic says nothing of it", async () => {
  assert.doesNotMatch(await saidWith("--no-traffic"), /scp|dras|its own network/);
});
