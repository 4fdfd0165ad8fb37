/** Something is broken for real, and troubleshoot finds it and nothing else. Needs root and Kea. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { keaStatistics } from "../../discovery/control_channel.ts";
import { type Lab, type LabOptions, startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { holdPort } from "./hold_port.ts";
import { editFile, reconfigure } from "./reconfigure.ts";
import { finished, must, ROOT, runs, until } from "./run_script.ts";

const SCRIPT = "tools/troubleshoot_kea_server.ts";

interface Finding {
  readonly check: string;
  readonly status: string;
  readonly found: string;
  readonly means?: string;
  readonly remedy?: string;
  readonly restsOn?: string;
}

/** What troubleshoot finds in a lab; `around` is a command that runs it. */
async function findings(
  lab: Lab,
  args: readonly string[] = [],
  around: readonly string[] = [],
): Promise<{ readonly code: number; readonly findings: readonly Finding[] }> {
  const [program, ...rest] = [
    ...around,
    ...[Deno.execPath(), "run", "-A", "--quiet", join(ROOT, SCRIPT), "--json", ...args],
  ];
  const { code, stdout, stderr } = await finished(
    new Deno.Command(program!, {
      args: rest,
      env: {
        KEA_LAB_PID: String(lab.pid),
        KEA_LAB_CLIENT_NETNS: lab.clientNetns,
        NO_COLOR: "1",
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn(),
  );
  assert.equal(stderr, "");
  return { code, ...JSON.parse(stdout) };
}

const problemsIn = (all: readonly Finding[]) =>
  all.filter(({ status }) => status === "problem").map(({ check }) => check);

async function atServer(lab: Lab, ...command: readonly string[]): Promise<void> {
  await must("ip", "netns", "exec", lab.serverNetns, ...command);
}

/** A command that runs in a mount namespace of its own, after a script has changed it. */
const after = (script: string) => ["unshare", "--mount", "sh", "-ec", `${script}\nexec "$@"`, "sh"];

/** A way to break a lab. */
interface Fault {
  readonly what: string;
  /** Exactly the checks that find it, or what follows from it. */
  readonly found: readonly string[];
  readonly options?: LabOptions;
  readonly break?: (lab: Lab) => Promise<(() => Promise<void>) | void>;
  readonly around?: readonly string[];
  readonly args?: readonly string[];
}

const FAULTS: readonly Fault[] = [
  {
    what: "root lacks capabilities",
    found: ["capabilities"],
    around: ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"],
  },
  {
    what: "the kernel has no types",
    found: ["kernel types (BTF)"],
    around: after("mount -t tmpfs none /sys/kernel/btf"),
  },
  {
    what: "bpftrace does not know a system call's arguments",
    found: ["a probe fires"],
    around: after(
      "mount --bind /dev/null /sys/kernel/tracing/events/syscalls/sys_enter_read/format",
    ),
  },
  {
    what: "tracefs is not there",
    found: ["tracefs"],
    around: after("mount -t tmpfs none /sys/kernel/tracing"),
  },
  {
    what: "bpftrace is not installed",
    found: ["bpftrace"],
    around: after('mount --bind /dev/null "$(command -v bpftrace)"'),
  },
  {
    what: "the kernel lets no uprobe in",
    found: ["a probe fires"],
    // Both of its doors: bpftrace tries the older one, tracefs, where perf's does not open.
    around: after(
      "mount -t tmpfs none /sys/bus/event_source/devices/uprobe\n" +
        "mount --bind /dev/null /sys/kernel/tracing/uprobe_events",
    ),
  },
  {
    what: "the server has ended",
    found: ["Kea running"],
    break: async (lab) => {
      Deno.kill(lab.pid, "SIGKILL");
      await until(async () => !await runs(lab.pid), "it is gone");
    },
  },
  {
    what: "the server is stopped",
    found: ["Kea goes on", "control socket"],
    break: (lab) => {
      Deno.kill(lab.pid, "SIGSTOP");
      return Promise.resolve(() => Promise.resolve(Deno.kill(lab.pid, "SIGCONT")));
    },
  },
  {
    what: "the configuration is half-written",
    found: ["configuration"],
    break: (lab) => Deno.truncate(join(lab.directory, "kea.json"), 100),
  },
  {
    what: "the configuration file names an interface that is none",
    found: ["configuration"],
    break: (lab) => editFile(lab, (dhcp) => dhcp["interfaces-config"].interfaces = ["eth9"]),
  },
  {
    what: "the link is down",
    // Its routes are gone with it.
    found: ["interfaces up", "relays"],
    break: (lab) => atServer(lab, "ip", "link", "set", lab.serverInterface, "down"),
  },
  {
    what: "the interface has an address of another subnet",
    // Relayed clients could be served, were there a route.
    found: ["relays"],
    break: async (lab) => {
      await atServer(lab, "ip", "address", "flush", "dev", lab.serverInterface);
      await atServer(lab, "ip", "address", "add", "192.168.7.1/24", "dev", lab.serverInterface);
    },
  },
  {
    what: "the interface has no address",
    found: ["addresses", "relays"],
    break: (lab) => atServer(lab, "ip", "address", "flush", "dev", lab.serverInterface),
  },
  {
    what: "the configuration has no subnet",
    found: ["addresses"],
    break: (lab) => reconfigure(lab, (dhcp) => dhcp.subnet4 = []),
  },
  {
    what: "the server was configured to listen nowhere, whatever its file says",
    found: ["interfaces", "listening"],
    break: (lab) => reconfigure(lab, (dhcp) => dhcp["interfaces-config"].interfaces = []),
  },
  {
    what: "another process holds the port on all addresses",
    found: ["listening", "others on the port"],
    break: async (lab) => {
      Deno.kill(lab.pid, "SIGKILL");
      const other = await holdPort(lab.serverNetns, "0.0.0.0");
      await lab.restart();
      return () => other[Symbol.asyncDispose]() as Promise<void>;
    },
  },
  {
    what: "the control socket is gone",
    found: ["control socket"],
    break: (lab) => Deno.remove(lab.controlSocket),
  },
  {
    what: "no address is left, so a client gets no answer",
    found: ["pools", "answers a client"],
    args: ["--probe"],
    break: async (lab) => {
      await reconfigure(lab, (dhcp) => dhcp.subnet4[0].pools = [{ pool: "10.65.0.0-10.65.0.49" }]);
      await runPerfdhcp(lab, { rate: 100, exchanges: 71 });
    },
  },
  {
    what: "the lease database is down, by the file of a server that cannot be asked",
    found: ["control socket", "lease database"],
    break: async (lab) => {
      await Deno.remove(lab.controlSocket);
      await editFile(
        lab,
        (dhcp) =>
          dhcp["lease-database"] = {
            type: "postgresql",
            host: "127.0.0.1",
            port: 5999,
            name: "kea",
          },
      );
    },
  },
  {
    what: "the lease file was deleted",
    found: ["lease file"],
    break: (lab) => Deno.remove(join(lab.directory, "leases.csv")),
  },
  {
    what: "the disk is full",
    found: ["disk"],
    break: async (lab) => {
      const small = join(lab.directory, "small");
      await Deno.mkdir(small);
      // Where the server is, and where this test is: the lab's server has mounts of its own.
      const there = ["nsenter", "-t", String(lab.pid), "-m", "--"];
      await must(...there, "mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", small);
      await reconfigure(lab, (dhcp) => dhcp["lease-database"].name = `${small}/leases.csv`);
      await must(...there, "sh", "-c", `head -c 30M /dev/zero >${small}/filler || true`);
    },
  },
  {
    what: "a firewall is against UDP sockets",
    found: ["firewall"],
    options: { sockets: "udp" },
    break: (lab) =>
      atServer(
        lab,
        "nft",
        "table inet f { chain i { type filter hook input priority 0; policy accept; " +
          "udp dport { 67, 547 } counter drop; }; }",
      ),
  },
  {
    what: "the kernel dropped packets",
    found: ["packets dropped"],
    break: async (lab) => {
      Deno.kill(lab.pid, "SIGSTOP");
      try {
        await runPerfdhcp(lab, { rate: 500, exchanges: 1500 });
      } finally {
        Deno.kill(lab.pid, "SIGCONT");
      }
      let [before, received] = [-1, 0];
      await until(async () => {
        [before, received] = [received, (await keaStatistics(lab.controlSocket))["pkt4-received"]!];
        return received === before;
      }, "it has taken what was left");
    },
  },
  {
    what: "the link takes small packets alone",
    found: ["MTU"],
    break: (lab) => atServer(lab, "ip", "link", "set", lab.serverInterface, "mtu", "400"),
  },
  {
    what: "there is no route to a relay",
    found: ["relays"],
    break: (lab) =>
      reconfigure(lab, (dhcp) => dhcp.subnet4[0].relay["ip-addresses"].push("172.31.0.1")),
  },
];

for (const fault of FAULTS) {
  Deno.test(`troubleshoot finds that ${fault.what}, and nothing else`, async () => {
    await using lab = await startLab(fault.options ?? {});
    const repair = await fault.break?.(lab);
    try {
      const { code, findings: all } = await findings(lab, fault.args, fault.around);
      const text = JSON.stringify(all.filter(({ status }) => status !== "ok"), null, 2);
      assert.deepEqual(problemsIn(all), fault.found, text);
      assert.equal(code, 1);
      for (const { status, found, means, remedy } of all) {
        assert.ok(found !== "" && !found.includes("\n"));
        if (status === "problem") assert.ok(means && remedy, text);
      }
    } finally {
      await repair?.();
    }
  });
}

Deno.test("troubleshoot believes the server, and a file only where the server cannot be asked", async () => {
  await using lab = await startLab();
  const interfaces = async () => {
    const { findings: all } = await findings(lab);
    const { status, found, restsOn } = all.find(({ check }) => check === "interfaces")!;
    return [status, found, restsOn];
  };
  await editFile(lab, (dhcp) => dhcp["interfaces-config"].interfaces = []);
  assert.deepEqual(await interfaces(), ["ok", lab.serverInterface, "server"]);
  await Deno.remove(lab.controlSocket);
  assert.deepEqual(await interfaces(), ["problem", "the configuration names no interface", "file"]);
});

Deno.test("troubleshoot finds nothing in a healthy lab, and its client gets a lease", async () => {
  for (const options of [{}, { sockets: "udp", threads: 0 }] satisfies LabOptions[]) {
    await using lab = await startLab(options);
    const { code, findings: all } = await findings(lab, ["--probe"]);
    assert.deepEqual(problemsIn(all), [], JSON.stringify(all, null, 2));
    assert.equal(code, 0);
    assert.ok(all.length >= 30);
    const answer = all.find(({ check }) => check === "answers a client")!;
    if ("sockets" in options) {
      assert.deepEqual([answer.status, answer.found.slice(0, 11)], ["skipped", "UDP sockets"]);
      continue;
    }
    assert.match(
      answer.found,
      /^10\.77\.0\.1 gave 10\.65\.0\.0, offered in \d+ ms; it was released$/,
    );
    const leases = await Deno.readTextFile(join(lab.directory, "leases.csv"));
    assert.match(leases.trim().split("\n").at(-1)!, /^10\.65\.0\.0,.*,0,/);
    assert.deepEqual(
      Array.from(Deno.readDirSync("/run/netns"), ({ name }) => name)
        .filter((name) => name.startsWith("kea-probe")),
      [],
    );
  }
});

Deno.test("troubleshoot finds nothing in a healthy DHCPv6 lab, and names each interface once", async () => {
  await using lab = await startLab({ family: 6 });
  await runPerfdhcp(lab, { rate: 50, exchanges: 11 });
  const { code, findings: all } = await findings(lab);
  assert.deepEqual(problemsIn(all), [], JSON.stringify(all, null, 2));
  assert.equal(code, 0);
  const found = (name: string) => all.find(({ check }) => check === name)!.found;
  assert.equal(found("interfaces"), lab.serverInterface);
  assert.match(found("addresses"), /^fd77::1, fe80:[0-9a-f:]+$/);
  assert.equal(found("pools"), "practically unlimited addresses are free");
  assert.match(found("last packet"), /^22 so far, the last at 20\d\d-/);
});

Deno.test("troubleshoot knows that raw sockets pass a firewall", async () => {
  await using lab = await startLab();
  await atServer(
    lab,
    "nft",
    "table inet f { chain i { type filter hook input priority 0; policy drop; udp dport 67 drop; }; }",
  );
  const { code, findings: all } = await findings(lab, ["--probe"]);
  assert.deepEqual(problemsIn(all), [], JSON.stringify(all, null, 2));
  assert.equal(code, 0);
  assert.match(all.find(({ check }) => check === "firewall")!.means!, /raw sockets bypass/);
});

Deno.test("troubleshoot refuses wrong usage with status 2", async () => {
  const run = (...args: string[]) =>
    finished(
      new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--quiet", join(ROOT, SCRIPT), ...args],
        env: { NO_COLOR: "1" },
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    );
  const probe = await run("--probe");
  assert.equal(probe.code, 2);
  assert.match(probe.stderr, /^error: Cannot probe from the server's own link.*--client-netns/);
  await using _one = await startLab();
  await using _other = await startLab();
  const several = await run();
  assert.equal(several.code, 2, several.stderr);
  assert.match(
    several.stderr,
    /^error: Cannot choose among \d+ servers, give one with --server PID/m,
  );
});
