#!/usr/bin/env -S deno run -A
/**
 * `deno task install`: installs the Debian packages that are missing, after saying which and why,
 * and mounts tracefs.
 *
 * @module
 */

import { Command } from "npm:@commander-js/extra-typings@15.1.0";
import { exitWith } from "../command_line.ts";

/** A program or a file, the package that brings it, and what it is for. */
interface Need {
  readonly program: string;
  readonly debianPackage: string;
  readonly why: string;
}

const NEEDS: readonly Need[] = [
  { program: "bpftrace", debianPackage: "bpftrace", why: "runs the probes" },
  { program: "objdump", debianPackage: "binutils", why: "finds and proves probe sites" },
  { program: "ss", debianPackage: "iproute2", why: "reads what the kernel dropped; the lab" },
  {
    program: "setpriv",
    debianPackage: "util-linux",
    why: "ends bpftrace and Kea with their parent",
  },
  { program: "ping", debianPackage: "iputils-ping", why: "checks that a server is there" },
  { program: "kea-dhcp4", debianPackage: "kea-dhcp4-server", why: "the lab's server" },
  { program: "perfdhcp", debianPackage: "kea-admin", why: "the lab's clients" },
  { program: "chromium", debianPackage: "chromium", why: "tests open the report in a browser" },
  { program: "tmux", debianPackage: "tmux", why: "tests look at the live view in a terminal" },
  {
    program: "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    debianPackage: "fonts-dejavu-core",
    why: "text in PNG pictures",
  },
  { program: "javac", debianPackage: "default-jdk-headless", why: "the Hollow producer" },
  { program: "mvn", debianPackage: "maven", why: "builds the Hollow producer" },
  { program: "openssl", debianPackage: "openssl", why: "tests make a certificate" },
  { program: "curl", debianPackage: "curl", why: "tests run the commands of the guides" },
  { program: "nft", debianPackage: "nftables", why: "tests put a firewall before a server" },
  {
    program: "sshd",
    debianPackage: "openssh-server",
    why: "tests copy the wrapper as its hint says",
  },
  { program: "scp", debianPackage: "openssh-client", why: "the same" },
  { program: "sudo", debianPackage: "sudo", why: "the same" },
  { program: "tcpdump", debianPackage: "tcpdump", why: "tests compare times with the wire" },
  { program: "debootstrap", debianPackage: "debootstrap", why: "tests run newer bpftraces" },
];

const TRACEFS = "/sys/kernel/tracing";

/**
 * Installs what is missing.
 *
 * @param assumeYes install without asking; a person on a terminal is asked otherwise.
 * @throws {Error} when something is missing and cannot or must not be installed.
 */
export async function ensureInstalled(assumeYes: boolean): Promise<void> {
  const missing: Need[] = [];
  for (const need of NEEDS) if (!await onPath(need.program)) missing.push(need);
  if (missing.length > 0) {
    for (const { debianPackage, program, why } of missing) {
      console.error(`missing: ${debianPackage} (${program}): ${why}`);
    }
    const packages = [...new Set(missing.map(({ debianPackage }) => debianPackage))];
    const line = `apt-get install ${packages.join(" ")}`;
    if (Deno.uid() !== 0) throw new Error(`Cannot install as user ${Deno.uid()}: sudo ${line}`);
    if (!assumeYes && !(Deno.stdin.isTerminal() && confirm(`Run "${line}"?`))) {
      throw new Error(`Cannot go on without these packages: ${line}`);
    }
    await install(packages);
  }
  await mountTracefs();
}

async function install(packages: readonly string[]): Promise<void> {
  // Kea's packages start a server when they are installed; nobody asked for one here.
  const policy = "/usr/sbin/policy-rc.d";
  const ours = await Deno.writeTextFile(policy, "#!/bin/sh\nexit 101\n", {
    createNew: true,
    mode: 0o755,
  }).then(() => true, (error) => {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw error;
  });
  try {
    await apt("update");
    await apt("install", "-y", "--no-install-recommends", ...packages);
  } finally {
    if (ours) await Deno.remove(policy);
  }
}

async function apt(...args: string[]): Promise<void> {
  console.error(`apt-get ${args.join(" ")}`);
  const { success, stderr } = await new Deno.Command("apt-get", {
    args: ["-q", ...args],
    env: { DEBIAN_FRONTEND: "noninteractive" },
    stdin: "null",
    stdout: "null",
  }).output();
  if (success) return;
  const words = new TextDecoder().decode(stderr).trim().split("\n").at(-1);
  throw new Error(`Cannot install packages, apt-get ${args[0]} says: ${words}`);
}

async function mountTracefs(): Promise<void> {
  // Its own files are root's alone, so looking into it would tell others that it is not there.
  const mounts = await Deno.readTextFile("/proc/self/mounts");
  if (mounts.split("\n").some((line) => line.split(" ")[1] === TRACEFS)) return;
  if (Deno.uid() !== 0) {
    throw new Error(`tracefs is not mounted: sudo mount -t tracefs tracefs ${TRACEFS}`);
  }
  const { success, stderr } = await new Deno.Command("mount", {
    args: ["-t", "tracefs", "tracefs", TRACEFS],
  }).output();
  if (!success) {
    throw new Error(`Cannot mount tracefs: ${new TextDecoder().decode(stderr).trim()}`);
  }
}

async function onPath(program: string): Promise<boolean> {
  if (program.startsWith("/")) return await exists(program);
  const folders = `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin`.split(":");
  for (const folder of folders) if (await exists(`${folder}/${program}`)) return true;
  return false;
}

const exists = (path: string) => Deno.stat(path).then(() => true, () => false);

if (import.meta.main) {
  const command = new Command("install")
    .description("Install the Debian packages that are missing, after saying which and why (root).")
    .option("-y, --yes", "install without asking")
    .allowExcessArguments(false)
    .addHelpText("after", "\nExamples:\n  deno task install\n  sudo ./denow task install --yes")
    .exitOverride((error) => Deno.exit(error.exitCode === 0 ? 0 : 2));
  await command.parseAsync(Deno.args, { from: "user" });
  await exitWith(async () => {
    await ensureInstalled(command.opts().yes ?? false);
    return 0;
  });
}
