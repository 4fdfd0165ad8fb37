/**
 * The Debian package in booted containers: systemd 252 and 257. Needs root, and Debian releases, which it
 * installs into the cache.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { BOOTED_RELEASES, BootedContainer } from "../../tools/lab/booted_container.ts";
import { buildPackage } from "../../tools/package/build_package.ts";
import { curl } from "./curl.ts";
import { must, until } from "./run_script.ts";

const SERVICE = "kea-ebpf-exporter.service";
const SOCKET = "kea-ebpf-exporter.socket";

/** A group that may read the metrics; of Debian's own. */
const GROUP = "daemon";

/** Files that systemd, dpkg and man make by themselves. */
const OF_SYSTEM = /^\/(proc|sys|dev|run|tmp|var\/(tmp|log|lib\/(dpkg|systemd)|cache\/ldconfig))\//;

/** What the unit must hold, as `systemctl show` prints it. */
const HARDENING = [
  "CapabilityBoundingSet=cap_dac_read_search cap_setgid cap_setuid cap_sys_ptrace cap_sys_admin",
  ...["NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes", "PrivateTmp=yes"],
  ...["PrivateDevices=yes", "ProtectKernelTunables=yes", "ProtectKernelModules=yes"],
  ...["ProtectKernelLogs=yes", "ProtectControlGroups=yes", "ProtectClock=yes"],
  ...["ProtectHostname=yes", "ProtectProc=invisible", "ProcSubset=pid", "RestrictNamespaces=net"],
  ...["RestrictRealtime=yes", "LockPersonality=yes", "LimitCORE=0"],
];

/** A program of the container that must end well; what it prints. */
async function inside(container: BootedContainer, ...command: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await container.run(...command);
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert.equal(code, 0, `${command.join(" ")}: ${text(stdout)}${text(stderr)}`);
  return text(stdout);
}

/** A property of the service. */
async function show(container: BootedContainer, property: string): Promise<string> {
  const shown = await inside(container, "systemctl", "show", "--value", "-p", property, SERVICE);
  return shown.trim();
}

async function filesIn(container: BootedContainer): Promise<string[]> {
  const list = await inside(container, "find", "/", "-xdev");
  return list.split("\n").filter((path) => !OF_SYSTEM.test(`${path}/`)).sort();
}

/** Waits for a status line; the journal says why it does not come. */
async function says(container: BootedContainer, status: RegExp): Promise<void> {
  await until(async () => status.test(await show(container, "StatusText")), `${status}`).catch(
    async (error) => {
      const journal = await inside(
        container,
        "journalctl",
        "--no-pager",
        "-n",
        "30",
        "-u",
        SERVICE,
      );
      throw new Error(`${error.message}: "${await show(container, "StatusText")}"\n${journal}`);
    },
  );
}

/** The socket unit, as docs/service.md enables it: a group may connect, and a connection starts the service. */
async function hasSocket(container: BootedContainer): Promise<void> {
  const dropIn = `/etc/systemd/system/${SOCKET}.d`;
  const path = "/run/kea-ebpf-exporter.sock";
  const get = () => curl("--unix-socket", container.path(path), "http://localhost/metrics");
  await inside(container, "systemd-analyze", "verify", "--man=no", SOCKET);
  assert.equal((await container.run("systemctl", "is-enabled", SOCKET)).code, 1);
  assert.equal((await get()).status, 0);
  await inside(container, "systemctl", "stop", SERVICE);
  await inside(container, "mkdir", dropIn);
  await Deno.writeTextFile(
    container.path(`${dropIn}/group.conf`),
    `[Socket]\nSocketGroup=${GROUP}\n`,
  );
  await inside(container, "systemctl", "daemon-reload");
  await inside(container, "systemctl", "enable", "--now", SOCKET);
  const access = await inside(container, "stat", "--format=%U %G %a", path);
  assert.equal(access.trim(), `root ${GROUP} 660`);
  const { status, body } = await get();
  assert.equal(status, 200);
  assert.match(body, /^kea_ebpf_exporter_info\{/m);
  assert.equal(await show(container, "ActiveState"), "active");
  await inside(container, "rm", "-r", dropIn);
  // The limit of starts is five in ten minutes, and the rest of the test needs them.
  await inside(container, "systemctl", "reset-failed", SERVICE);
}

const folder = await Deno.makeTempDir({ dir: "/var/tmp", prefix: "kea-package-test-" });
let archive: string;

Deno.test.beforeAll(async () => {
  archive = await buildPackage(folder);
});

Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

Deno.test("lintian finds no error in the package, and man none in its page", async () => {
  await must("lintian", "--allow-root", "--fail-on", "error", archive);
  const root = join(folder, "unpacked");
  await must("dpkg-deb", "-x", archive, root);
  const page = join(root, "usr/share/man/man1/kea-ebpf-monitoring.1.gz");
  const { stderr } = await new Deno.Command("man", {
    args: ["--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page],
    env: { LC_ALL: "C.UTF-8", MANROFFSEQ: "" },
    stdout: "null",
  }).output();
  assert.equal(new TextDecoder().decode(stderr), "");
});

for (const release of BOOTED_RELEASES) {
  Deno.test(`the package is installed, works, is upgraded and purged, Debian ${release}`, async () => {
    await using container = await BootedContainer.boot(release);
    const before = await filesIn(container);
    const install = async () => {
      await Deno.copyFile(archive, container.path("/run/package.deb"));
      await inside(container, "dpkg", "--force-confdef", "--install", "/run/package.deb");
    };
    await install();
    // A first install starts nothing.
    assert.equal(await show(container, "ActiveState"), "inactive");
    await inside(container, "systemd-analyze", "verify", "--man=no", SERVICE);
    await inside(container, "systemd-analyze", "security", "--threshold=33", SERVICE);
    const shown = (await inside(container, "systemctl", "show", SERVICE)).split("\n");
    assert.deepEqual(HARDENING.filter((property) => !shown.includes(property)), []);

    // Debian's own unit runs Kea, as user _kea.
    await inside(container, "systemctl", "start", "kea-dhcp4-server");
    await inside(container, "systemctl", "enable", "--now", SERVICE);
    await says(container, /^Watching dhcp4 \(pid \d+, \d+ programs/);
    const journal = await inside(container, "journalctl", "-o", "json", "-u", SERVICE);
    assert.match(journal, /Listening on /);
    // Nothing that is there was refused by the hardening.
    assert.doesNotMatch(journal, /was replaced|Cannot|Operation not permitted/);
    await inside(container, "systemctl", "stop", "kea-dhcp4-server");
    await says(container, /^Waiting for a Kea DHCP server$/);
    await hasSocket(container);

    // A process that does not answer is replaced.
    const dropIn = `/run/systemd/system/${SERVICE}.d`;
    await inside(container, "mkdir", "-p", dropIn);
    await Deno.writeTextFile(
      container.path(`${dropIn}/fast.conf`),
      "[Service]\nWatchdogSec=5\nRestartSec=1\n",
    );
    await inside(container, "systemctl", "daemon-reload");
    await inside(container, "systemctl", "restart", SERVICE);
    const hung = await show(container, "MainPID");
    await inside(container, "sh", "-c", `kill -STOP ${hung}`);
    await until(async () => await show(container, "NRestarts") === "1", "systemd has restarted it");
    await says(container, /^Waiting for a Kea DHCP server$/);
    assert.notEqual(await show(container, "MainPID"), hung);

    // An upgrade keeps the options, and the service runs on with the new files.
    const options = "/etc/default/kea-ebpf-exporter";
    await Deno.writeTextFile(container.path(options), 'ARGS="--profile light"\n');
    const old = await show(container, "MainPID");
    await install();
    assert.equal(await Deno.readTextFile(container.path(options)), 'ARGS="--profile light"\n');
    assert.equal(await show(container, "ActiveState"), "active");
    assert.notEqual(await show(container, "MainPID"), old);
    const started = await inside(
      container,
      "cat",
      `/proc/${await show(container, "MainPID")}/cmdline`,
    );
    assert.match(started, /exporter\.ts\0--profile\0light/);

    // Wrong options are no reason to try again and again.
    await Deno.writeTextFile(container.path(options), 'ARGS="--no-such-option"\n');
    await container.run("systemctl", "restart", SERVICE);
    await until(async () => await show(container, "ActiveState") === "failed", "it has failed");
    assert.equal(await show(container, "ExecMainStatus"), "2");

    await Deno.writeTextFile(container.path(options), 'ARGS=""\n');
    await inside(container, "systemctl", "reset-failed", SERVICE);
    await inside(container, "systemctl", "start", "kea-dhcp4-server");
    await inside(container, "systemctl", "start", SERVICE);
    await says(container, /^Watching dhcp4 /);
    await inside(container, "systemctl", "stop", SERVICE);
    const processes = await inside(
      container,
      "sh",
      "-c",
      "cat /proc/[0-9]*/comm 2>/dev/null || true",
    );
    assert.doesNotMatch(processes, /^(bpftrace|deno)$/m);
    await inside(container, "systemctl", "stop", "kea-dhcp4-server");

    await inside(container, "systemctl", "start", SERVICE);
    await inside(container, "dpkg", "--remove", "kea-ebpf-monitoring");
    assert.equal(await show(container, "ActiveState"), "inactive");
    await inside(container, "rm", "-r", dropIn);
    await inside(container, "dpkg", "--purge", "kea-ebpf-monitoring");
    assert.deepEqual((await filesIn(container)).filter((path) => !before.includes(path)), []);
  });
}
