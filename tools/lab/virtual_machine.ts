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
import { childEnvironment, outputOf } from "../../system/run.ts";
import { onEndSignals } from "../../system/signals.ts";
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

/** Where the machine's second drive is, and the script on it that runs the command. */
const [DRIVE, START] = ["/mnt", "start"];

/** Runs the command when the machine has booted, and ends the machine. */
const UNIT = "virtual-machine.service";

/** Lines of a shell that install the kernel of a release; `$1` is the mirror. */
const installOf = (release: string) =>
  `grep -q " ${release} main" /etc/apt/sources.list || echo "deb $1 ${release} main" >> /etc/apt/sources.list
apt-get -q update
apt-get -qy install --no-install-recommends initramfs-tools "linux-image-cloud-amd64/${release}"
systemctl enable ${UNIT}
`;

/**
 * Boots a machine, runs a command in it as root, and yields the lines that it prints. Everything that the machine
 * changes is gone afterwards. It is emulated: programs take 10 to 30 times as long as here.
 * However the machine ends, the lines end: the caller must know the last one.
 *
 * @param files copied into the machine: absolute paths of files and folders by their names in its folder `/mnt`.
 * @param command lines of a shell, in that folder.
 * @param limitMs how long it may run once it is made, milliseconds.
 * @throws {LabError} when it cannot be made, or is ended by the limit or by a signal.
 */
export async function* linesOfMachine(
  { name, release, kernelOf, packages }: VirtualMachine,
  files: Readonly<Record<string, string>>,
  command: string,
  limitMs: number,
): AsyncGenerator<string> {
  const root = await ensureRoot({
    ...{ name, release },
    packages: ["systemd", "systemd-sysv", "dbus", ...packages],
    files: {
      // A machine without its drive ends, too, as the unit says.
      "etc/fstab": `/dev/vdb ${DRIVE} ext4 rw,nofail 0 2\n`,
      [`etc/systemd/system/${UNIT}`]: await Deno.readTextFile(join(import.meta.dirname!, UNIT)),
    },
    script: installOf(kernelOf),
  });
  const stop = new AbortController();
  using _signals = onEndSignals((name) => stop.abort(new LabError(`Stopped by ${name}`)));
  const { signal } = stop;
  const make = (...argv: readonly string[]) =>
    outputOf(
      ["setpriv", "--pdeathsig", "KILL", "--", ...argv],
      (why) =>
        signal.aborted
          ? signal.reason
          : new LabError(`Cannot make a virtual machine, ${argv[0]} says: ${why}`),
      { limitMs: 600_000, signal },
    );
  await using folder = await privateFolder("machine", join(ownFolder("cache"), "machines"));
  const drive = join(folder.path, "drive");
  await Deno.mkdir(drive);
  for (const [name, path] of Object.entries(files)) {
    await make("cp", "-a", path, join(drive, name));
  }
  const start = join(drive, START);
  await Deno.writeTextFile(start, `#!/bin/sh\ncd ${DRIVE}\n${command}\n`);
  await chmod(start, 0o755);
  const images = [[root, 4], [drive, 2]] as const;
  const options = [];
  for (const [index, [content, gigabytes]] of images.entries()) {
    const image = join(folder.path, `${index}.img`);
    await make("mke2fs", "-q", "-t", "ext4", "-d", content, image, `${gigabytes}G`);
    options.push("-drive", `file=${image},if=virtio,format=raw`);
  }
  const limit = setTimeout(() => {
    stop.abort(new LabError(`A virtual machine has run for ${limitMs / 60_000} min: it is ended`));
  }, limitMs);
  try {
    yield* printedBy(
      [
        // Not by KVM: where the host is a virtual machine itself, it may be there and boot nothing.
        ...["qemu-system-x86_64", "-accel", "tcg,thread=multi"],
        ...["-cpu", "max", "-smp", "2", "-m", "2048"],
        ...["-kernel", join(root, "vmlinuz"), "-initrd", join(root, "initrd.img")],
        // A kernel that panics ends the machine.
        ...["-append", "root=/dev/vda rw console=ttyS0 panic=-1", "-no-reboot"],
        ...["-nic", "none", "-display", "none", "-monitor", "none"],
        ...["-serial", "null", "-serial", "stdio", ...options],
      ],
      signal,
    );
  } finally {
    clearTimeout(limit);
  }
}

/** The lines that a machine prints until it ends. */
async function* printedBy(
  command: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<string> {
  signal.throwIfAborted();
  const child = new Deno.Command("setpriv", {
    args: ["--pdeathsig", "KILL", "--", ...command],
    clearEnv: true,
    env: childEnvironment(),
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
    signal,
  }).spawn();
  try {
    for await (const { text } of linesOf(child.stdout)) yield text;
    const { success } = await child.status;
    signal.throwIfAborted();
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
