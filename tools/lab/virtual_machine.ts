/**
 * A Debian with a kernel that this machine does not run, in a virtual machine, for one command.
 *
 * @module
 */

import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { linesOf } from "../../system/lines.ts";
import { ownFolder } from "../../system/own_folder.ts";
import { privateFolder } from "../../system/private_folder.ts";
import { outputOf } from "../../system/run.ts";
import { ensureRoot } from "./debian_roots.ts";
import { LabError } from "./lab_error.ts";

/** What boots. */
export interface VirtualMachine {
  /** Of its folder in the cache. */
  readonly name: string;
  /** The release of all but the kernel. */
  readonly release: string;
  /** The release that has the kernel. */
  readonly kernelOf: string;
  readonly packages: readonly string[];
}

/** Where the command finds what it needs, and its first line of a shell. */
const [DRIVE, START] = ["/mnt", "start"];

/** Runs the command when the machine has booted, and ends the machine. */
const UNIT = "virtual-machine.service";

const INSTALL = `set -e
mount -t proc proc "$1/proc"
echo "deb $2 $3 main" > "$1/etc/apt/sources.list.d/kernel.list"
chroot "$1" apt-get -q update
chroot "$1" apt-get -qy install --no-install-recommends initramfs-tools "linux-image-cloud-amd64/$3"
chroot "$1" systemctl enable ${UNIT}
`;

/**
 * Boots a machine, runs a command in it as root, and yields the lines that it prints. Everything that the machine
 * changes is gone afterwards. Without hardware that helps, programs run 10 to 30 times as long as here.
 *
 * @param files copied into the machine: absolute paths of files and folders by their names in its folder `/mnt`.
 * @param command lines of a shell, in that folder.
 * @param options.limitMs how long it may run, milliseconds.
 * @param options.signal its abort ends the machine.
 * @throws {LabError} when it cannot be made, or is ended.
 */
export async function* linesOfMachine(
  machine: VirtualMachine,
  files: Readonly<Record<string, string>>,
  command: string,
  { limitMs, signal }: { readonly limitMs: number; readonly signal: AbortSignal },
): AsyncGenerator<string> {
  const asked = (...command: [string, ...string[]]) =>
    outputOf(
      command,
      (why) => new LabError(`Cannot make a virtual machine, ${command[0]} says: ${why}`),
      { limitMs: 600_000, signal },
    );
  const root = await ensureRoot({
    name: machine.name,
    release: machine.release,
    packages: ["systemd", "systemd-sysv", "dbus", ...machine.packages],
    finish: (root, mirror) => addKernel(root, mirror, machine.kernelOf),
  });
  await using folder = await privateFolder("machine", join(ownFolder("cache"), "machines"));
  const drive = join(folder.path, "drive");
  await Deno.mkdir(drive);
  for (const [name, path] of Object.entries(files)) {
    await asked("cp", "-a", path, join(drive, name));
  }
  const start = join(drive, START);
  await Deno.writeTextFile(start, `#!/bin/sh\ncd ${DRIVE}\n${command}\n`);
  await chmod(start, 0o755);
  const images = [[root, 4], [drive, 2]] as const;
  const options = [];
  for (const [index, [content, gigabytes]] of images.entries()) {
    const image = join(folder.path, `${index}.img`);
    await asked("mke2fs", "-q", "-t", "ext4", "-d", content, image, `${gigabytes}G`);
    options.push("-drive", `file=${image},if=virtio,format=raw`);
  }
  yield* printedBy(
    [
      ...["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2"],
      ...["-m", "2048", "-kernel", join(root, "vmlinuz"), "-initrd", join(root, "initrd.img")],
      // A kernel that panics ends the machine.
      ...["-append", "root=/dev/vda rw console=ttyS0 panic=-1", "-no-reboot"],
      ...["-nic", "none", "-display", "none", "-monitor", "none"],
      ...["-serial", "null", "-serial", "stdio", ...options],
    ],
    AbortSignal.any([signal, AbortSignal.timeout(limitMs)]),
  );
}

/** The lines that a machine prints until it ends. */
async function* printedBy(
  command: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<string> {
  const child = new Deno.Command("setpriv", {
    args: ["--pdeathsig", "KILL", "--", ...command],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
    signal,
  }).spawn();
  try {
    for await (const { text } of linesOf(child.stdout)) yield text.replace(/\r$/, "");
    const { success } = await child.status;
    if (signal.aborted) throw new LabError(`A virtual machine was ended: ${signal.reason}`);
    if (!success) throw new LabError("Cannot run a virtual machine: qemu failed");
  } finally {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await child.status;
  }
}

/** Installs a kernel and what the machine does when it has booted. */
async function addKernel(root: string, mirror: string, release: string): Promise<void> {
  await Deno.writeTextFile(join(root, "etc/fstab"), `/dev/vdb ${DRIVE} ext4 rw 0 2\n`);
  const unit = join(import.meta.dirname!, UNIT);
  await Deno.copyFile(unit, join(root, "etc/systemd/system", UNIT));
  await outputOf(
    [
      ...["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"],
      ...["--", "sh", "-c", INSTALL, "sh", root, mirror, release],
    ] as [string, ...string[]],
    (why) => new LabError(`Cannot install the kernel of Debian ${release}: ${why}`),
    { limitMs: 900_000, environment: { DEBIAN_FRONTEND: "noninteractive" } },
  );
}
