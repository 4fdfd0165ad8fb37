/** Bad input and missing parts: one line with the remedy, the right status, nothing lost. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { readCapture } from "../../metrics/capture.ts";
import { startLab } from "../../tools/lab/lab.ts";
import { labOfFile } from "./lab_of_file.ts";
import { type Finished, finished, must, ROOT, runScript, UNPRIVILEGED } from "./run_script.ts";

const MONITOR = "tools/kea_monitor_complete.ts";

const lab = labOfFile();

/** Runs the monitor behind a shell line, in mount and process namespaces of its own. */
function runIn(
  setUp: string,
  args: readonly string[],
  flags: readonly string[] = ["-m"],
): Promise<Finished> {
  const monitor = [Deno.execPath(), "run", "-A", "--quiet", join(ROOT, MONITOR), ...args];
  return finished(
    new Deno.Command("unshare", {
      args: [...flags, "sh", "-c", `${setUp}; exec "$@"`, "sh", ...monitor],
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn(),
  );
}

function assertRefused({ code, stdout, stderr }: Finished, status: number, words: RegExp): void {
  assert.equal(code, status, stderr);
  assert.match(stderr, words);
  assert.equal(stdout, "");
  assert.ok(!/^\s+at /m.test(stderr), `a stack trace: ${stderr}`);
}

Deno.test("monitor refuses wrong usage with status 2", async () => {
  for (
    const [args, words] of [
      [["--duration", "0"], /Expected a number from 1 to/],
      [["--duration", "abc"], /Expected a number from 1 to/],
      [["--interval", "60"], /Expected a number from 0.2 to 10/],
      [["--profile", "wild"], /light, standard, deep/],
      [["--duraton", "5"], /Did you mean --duration/],
      [["leftover"], /too many arguments/],
    ] as const
  ) {
    assertRefused(await runScript(MONITOR, args), 2, words);
  }
});

Deno.test("monitor names what it cannot watch, with status 1", async () => {
  assertRefused(await runScript(MONITOR, ["--server", "dhcp9"]), 1, /a process id, dhcp4 or dhcp6/);
  assertRefused(
    await runScript(MONITOR, ["--server", "4194303"]),
    1,
    /Cannot find process 4194303/,
  );
  assertRefused(
    await runScript(MONITOR, ["--server", String(Deno.pid)]),
    1,
    /expected kea-dhcp4 or kea-dhcp6, it runs .*deno/,
  );
});

Deno.test("monitor says when no Kea runs", async () => {
  const refused = await runIn("true", [], ["-m", "-p", "-f", "--mount-proc"]);
  assertRefused(refused, 1, /Cannot find a running kea-dhcp4 or kea-dhcp6: start it/);
});

Deno.test("monitor lists the servers when several run", async () => {
  const one = lab();
  await using two = await startLab();
  const refused = await runScript(MONITOR, []);
  assertRefused(refused, 1, /give one with --server PID/);
  assert.ok(refused.stderr.includes(String(one.pid)) && refused.stderr.includes(String(two.pid)));
});

Deno.test("monitor names each thing that the host lacks, with its remedy", async () => {
  for (
    const [setUp, words] of [
      ["umount /sys/kernel/tracing", /tracefs is not mounted: mount -t tracefs/],
      ["mount -t tmpfs none /sys/kernel/btf", /no type information \(BTF\)/],
      ["mount -t tmpfs none /sys/kernel/tracing/events/syscalls", /no system-call tracepoints/],
    ] as const
  ) {
    assertRefused(await runIn(setUp, ["--server", "1"]), 1, words);
  }
});

Deno.test("monitor refuses to run without root", async () => {
  const monitor = [Deno.execPath(), "run", "-A", "--quiet", join(ROOT, MONITOR)];
  const [program, ...args] = [...UNPRIVILEGED, ...monitor];
  const refused = await finished(
    new Deno.Command(program!, {
      args,
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn(),
  );
  assertRefused(refused, 1, /Cannot attach probes as user 65534, expected root/);
});

Deno.test("monitor refuses to run without bpftrace", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const program of ["nsenter", "sh"]) {
      await Deno.symlink(`/usr/bin/${program}`, join(folder, program));
    }
    const withoutBpftrace = await runScript(MONITOR, ["--server", String(lab().pid)], {
      env: { PATH: folder },
    });
    assertRefused(withoutBpftrace, 1, /it is not installed: apt-get install bpftrace/);

    await Deno.writeTextFile(join(folder, "bpftrace"), "#!/bin/sh\necho bpftrace v0.14.0\n", {
      mode: 0o755,
    });
    const old = await runScript(MONITOR, ["--server", String(lab().pid)], {
      env: { PATH: folder },
    });
    assertRefused(old, 1, /Cannot use bpftrace 0.14.0, expected 0.17 or later/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("monitor does not touch a folder that it cannot or must not write to", async () => {
  const server = ["--server", String(lab().pid)];
  assertRefused(
    await runScript(MONITOR, [...server, "-o", "/proc/kea"]),
    1,
    /Cannot write to "\/proc\/kea".*give another folder with -o/,
  );
  const folder = await Deno.makeTempDir();
  try {
    const earlier = join(folder, "capture.ndjson");
    await Deno.writeTextFile(earlier, "earlier\n");
    assertRefused(
      await runScript(MONITOR, [...server, "-o", folder]),
      1,
      /it already has a capture/,
    );
    assert.equal(await Deno.readTextFile(earlier), "earlier\n");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("monitor on a full disk says so, detaches, and leaves a readable capture", async () => {
  const folder = await Deno.makeTempDir();
  await must("mount", "-t", "tmpfs", "-o", "size=16k", "none", folder);
  try {
    const refused = await runScript(MONITOR, [
      ...["--server", String(lab().pid), "-o", folder, "--duration", "600", "--interval", "0.2"],
    ]);
    assert.equal(refused.code, 1, refused.stderr);
    assert.match(refused.stderr, /error: .*No space left/);
    const file = await Deno.open(join(folder, "capture.ndjson"));
    const records = await Array.fromAsync(readCapture(file.readable));
    assert.ok(records.length >= 2);
    assert.equal(records[0]!.type, "capture");
  } finally {
    await must("umount", "--lazy", folder);
    await Deno.remove(folder);
  }
});

Deno.test("monitor --plan shows sites and costs, and attaches nothing", async () => {
  const plan = await runScript(MONITOR, ["--server", String(lab().pid), "--plan"]);
  assert.equal(plan.code, 0, plan.stderr);
  assert.match(plan.stdout, /allocation\.start\.0 +0x[0-9a-f]+ +emulated, 3 us per hit/);
  assert.match(plan.stdout, /us of the server's CPU per exchange/);
  const json = await runScript(MONITOR, ["--server", String(lab().pid), "--plan", "--json"]);
  assert.equal(JSON.parse(json.stdout).server.pid, lab().pid);
});

Deno.test("monitor --json prints the document alone on standard output", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { code, stdout, stderr } = await runScript(MONITOR, [
      ...["--server", String(lab().pid), "--json", "--duration", "1", "--profile", "light"],
      ...["-o", join(folder, "run")],
    ]);
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout).schema, "kea-metrics/1");
    const written = await Deno.readTextFile(join(folder, "run", "metrics.json"));
    assert.deepEqual(JSON.parse(written), JSON.parse(stdout));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
