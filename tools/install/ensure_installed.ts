/**
 * Lists the Debian packages that are missing with reasons, installs them, and mounts tracefs.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { say } from "../../system/command_line.ts";
import { childEnvironment, lastWordsOf, outputOf } from "../../system/run.ts";
import { parseStat } from "../../system/proc.ts";
import { onEndSignals } from "../../system/signals.ts";

/** What to install for. */
export const PURPOSES = ["monitor", "lab", "databases", "suites", "kernels", "tests"] as const;

/** A purpose to install for. */
export type Purpose = typeof PURPOSES[number];

/** A program or a file, its package, and what it is for. */
type Need = readonly [program: string, debianPackage: string, why: string];

const NEEDS: Readonly<Record<Purpose, readonly Need[]>> = {
  monitor: [
    ["bpftrace", "bpftrace", "runs the probes"],
    ["objdump", "binutils", "finds and verifies probe sites"],
    ["ss", "iproute2", "shows addresses and sockets; the lab"],
    ["setpriv", "util-linux", "ends bpftrace and Kea with their parent"],
    ["ping", "iputils-ping", "checks that a server is there"],
    [
      "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
      "fonts-dejavu-core",
      "text in PNG pictures",
    ],
  ],
  lab: [
    ["kea-dhcp4", "kea-dhcp4-server", "the lab's server"],
    ["kea-dhcp6", "kea-dhcp6-server", "the same for DHCPv6"],
    ["perfdhcp", "kea-admin", "the lab's clients"],
  ],
  databases: [
    ["/usr/lib/postgresql", "postgresql", "a lab's lease database"],
    ["psql", "postgresql-client", "the same"],
    ["mariadbd", "mariadb-server-core", "the same"],
    ["mariadb", "mariadb-client-core", "the same"],
  ],
  suites: [["mmdebstrap", "mmdebstrap", "brings newer Keas and bpftraces"]],
  tests: [
    // It is in no other package: moreutils has a `parallel`, too.
    ["env_parallel", "parallel", "runs several files of tests at a time"],
    ["chromium", "chromium", "tests open the report in a browser"],
    ["tmux", "tmux", "tests look at the live view in a terminal"],
    ["javac", "default-jdk-headless", "the Hollow producer"],
    ["mvn", "maven", "builds the Hollow producer"],
    ["openssl", "openssl", "tests make a certificate"],
    ["curl", "curl", "tests run the commands of the guides"],
    ["nft", "nftables", "tests put a firewall before a server"],
    ["firewalld", "firewalld", "the same"],
    ["ufw", "ufw", "the same"],
    ["dbus-daemon", "dbus", "firewalld needs it"],
    ["sshd", "openssh-server", "tests copy the wrapper as its hint says"],
    ["scp", "openssh-client", "the same"],
    ["sudo", "sudo", "the same"],
    ["python3", "python3", "tests and benchmarks compare with it"],
    ["strace", "strace", "the same"],
    ["/usr/include/kea/hooks/hooks.h", "kea-dev", "tests build a hook library"],
    ["/usr/include/boost/shared_ptr.hpp", "libboost-dev", "the same"],
    ["g++", "g++", "the same"],
    ["systemd-nspawn", "systemd-container", "tests boot the service in a container"],
    ["lintian", "lintian", "tests look at the package"],
    ["tcpdump", "tcpdump", "tests compare times with the wire"],
    ["systemd-socket-activate", "systemd", "tests hand over a socket"],
  ],
  kernels: [
    ["qemu-system-x86_64", "qemu-system-x86", "boots other kernels"],
    ["mke2fs", "e2fsprogs", "makes their disks"],
  ],
};

/** The purpose whose needs each has, too. */
const INCLUDED: Readonly<Record<Purpose, Purpose | null>> = {
  ...{ monitor: null, lab: "monitor", databases: "lab", suites: "databases" },
  ...{ kernels: "suites", tests: "suites" },
};

/** What a purpose needs, and the purposes that it includes. */
function needsOf(purpose: Purpose): readonly Need[] {
  const included = INCLUDED[purpose];
  return [...included === null ? [] : needsOf(included), ...NEEDS[purpose]];
}

const TRACEFS = "/sys/kernel/tracing";

/**
 * Installs what is missing.
 *
 * @param purpose what to install for.
 * @param assumeYes install without asking; otherwise a user on a terminal is asked.
 * @throws {Error} when something is missing and cannot or must not be installed.
 */
export async function ensureInstalled(purpose: Purpose, assumeYes: boolean): Promise<void> {
  const needs = needsOf(purpose);
  const missing: Need[] = [];
  for (const need of needs) if (!onPath(need[0])) missing.push(need);
  if (missing.length > 0) {
    for (const [program, debianPackage, why] of missing) {
      say(`missing: ${debianPackage} (${program}): ${why}`);
    }
    const packages = [...new Set(missing.map(([, debianPackage]) => debianPackage))];
    const line = `apt-get install ${packages.join(" ")}`;
    if (Deno.uid() !== 0) throw new Error(`Cannot install as user ${Deno.uid()}: sudo ${line}`);
    if (!assumeYes && !(Deno.stdin.isTerminal() && confirm(`Run "${line}"?`))) {
      throw new Error(`Cannot continue without these packages: ${line}`);
    }
    await install(packages);
  }
  await mountTracefs();
}

/** Debian's packages run this before they start a service. */
const POLICY = "/usr/sbin/policy-rc.d";

/** The second line of our policy. */
const MARK = "# of deno task install, kea-ebpf-monitoring";

/**
 * A policy that denies starts only while a process runs. If it is left behind, it does no harm.
 */
export function startPolicy(pid: number): string {
  const { startTicks } = parseStat(Deno.readTextFileSync(`/proc/${pid}/stat`));
  return `#!/bin/sh
${MARK}
# Kea's packages start a server when they are installed; no one asked for one here.
[ "$(sed 's/.*) //' /proc/${pid}/stat 2>/dev/null | cut -d' ' -f20)" = ${startTicks} ] && exit 101
exit 0
`;
}

async function install(packages: readonly string[]): Promise<void> {
  const found = await Deno.readTextFile(POLICY).catch(() => null);
  // A policy of the administrator stays.
  const isOurs = found === null || found.split("\n")[1] === MARK;
  if (isOurs) {
    await Deno.writeTextFile(POLICY, startPolicy(Deno.pid), { mode: 0o755 });
  }
  try {
    await apt("update");
    await apt("install", "-y", "--no-install-recommends", ...packages);
  } finally {
    if (isOurs) await Deno.remove(POLICY);
  }
}

async function apt(...args: string[]): Promise<void> {
  say(`apt-get ${args.join(" ")}`);
  const child = new Deno.Command("apt-get", {
    // Wait for the lock of another apt-get.
    args: ["-q", "-o", "DPkg::Lock::Timeout=300", ...args],
    clearEnv: true,
    env: childEnvironment({ DEBIAN_FRONTEND: "noninteractive" }),
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let stoppedBy: Deno.Signal | null = null;
  using _signals = onEndSignals((signal) => {
    stoppedBy = signal;
    child.kill(signal);
  });
  const { success, stderr } = await child.output();
  if (stoppedBy !== null) throw new Error(`Stopped by ${stoppedBy}: run it again to continue`);
  if (success) return;
  const words = lastWordsOf({ stderr });
  throw new Error(`Cannot install packages, apt-get ${args[0]} says: ${words}`);
}

async function mountTracefs(): Promise<void> {
  // Only root can read its files, so for other users they would seem to be missing.
  const mounts = await Deno.readTextFile("/proc/self/mounts");
  if (mounts.split("\n").some((line) => line.split(" ")[1] === TRACEFS)) return;
  if (Deno.uid() !== 0) {
    throw new Error(`tracefs is not mounted: sudo mount -t tracefs tracefs ${TRACEFS}`);
  }
  await outputOf(
    ["mount", "-t", "tracefs", "tracefs", TRACEFS],
    (why) => new Error(`Cannot mount tracefs: ${why}`),
  );
}

function onPath(program: string): boolean {
  if (program.startsWith("/")) return existsSync(program);
  const folders = `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin`.split(":");
  for (const folder of folders) if (existsSync(`${folder}/${program}`)) return true;
  return false;
}
