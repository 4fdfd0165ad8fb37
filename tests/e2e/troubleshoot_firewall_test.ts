/**
 * What troubleshoot says of firewalls, real ones among them, compared with whether a client gets a lease.
 * Needs root, Kea, nftables, firewalld and ufw.
 */

import assert from "node:assert/strict";
import { configurationOf } from "../../discovery/configuration/server_configuration.ts";
import { interfacesOf } from "../../discovery/network_addresses.ts";
import { describeServer } from "../../discovery/servers.ts";
import { type Lab, startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import type { CheckResult } from "../../tools/troubleshoot/check.ts";
import { FIREWALL_CHECK } from "../../tools/troubleshoot/firewall_check.ts";
import { must } from "./run_script.ts";

/** Runs a script where a lab's server has its network, with mounts of its own. */
async function atServer(lab: Lab, script: string): Promise<void> {
  await must("ip", "netns", "exec", lab.serverNetns, "unshare", "--mount", "sh", "-ec", script);
}

/** What the check says of a lab as it is. */
async function firewallOf(lab: Lab): Promise<CheckResult> {
  return await FIREWALL_CHECK.look({
    selector: undefined,
    probeFrom: null,
    canLook: true,
    server: await describeServer(lab.pid),
    configuration: await configurationOf(lab.pid, lab.family),
    whyNoConfiguration: "",
    interfaces: await interfacesOf(lab.pid, lab.family),
    controlSocket: lab.controlSocket,
  });
}

/** Whether one of three clients gets a lease. */
async function isServed(lab: Lab): Promise<boolean> {
  const report = await runPerfdhcp(lab, { rate: 50, exchanges: 3 });
  const last = lab.family === 4 ? "REQUEST-ACK" : "REQUEST-REPLY";
  return (report[last]?.received ?? 0) > 0;
}

/** ufw with settings of its own, and nothing of the host's. */
const ufw = (commands: string) =>
  `mount -t tmpfs tmpfs /run
  mkdir /run/own; cp -a /etc/ufw /run/own/; cp /etc/default/ufw /run/own/default
  mount --bind /run/own/ufw /etc/ufw; mount --bind /run/own/default /etc/default/ufw
  ufw --force enable
  ${commands}`;

/** firewalld with a bus and settings of its own. It ends, and its rules stay. */
const firewalld = (commands: string) =>
  `mount -t tmpfs tmpfs /run
  mkdir /run/dbus /run/own; cp -a /etc/firewalld /run/own/
  mount --bind /run/own/firewalld /etc/firewalld
  bus=$(dbus-daemon --system --fork --print-pid)
  firewalld --nofork --nopid >/run/own/log 2>&1 &
  daemon=$!
  trap 'kill -KILL $daemon $bus' EXIT
  until firewall-cmd --state >/dev/null 2>&1; do kill -0 $daemon; sleep 0.1; done
  ${commands}`;

/** A base chain and what stands before it in a table. */
const nft = (chain: string, before = "") =>
  `nft 'table inet f { ${before} chain c { type filter hook ${chain} }; }'`;

/** What is set up, and whether a client gets a lease; null where that depends on what is not known. */
interface Situation {
  readonly what: string;
  readonly script: string;
  readonly served: boolean | null;
  /** What the verdict has to name. */
  readonly by?: RegExp;
}

// Those that track connections come first, and among them those that let nothing in: a connection that
// was let in once goes on for a while.
const SITUATIONS: readonly Situation[] = [
  {
    what: "firewalld, as it is installed",
    script: firewalld(""),
    served: false,
    by: /reject.*inet firewalld filter_IN_public/,
  },
  {
    what: "ufw, as it is installed",
    script: ufw(""),
    served: false,
    by: /ufw-skip-to-policy-input/,
  },
  {
    what: "ufw that lets DHCP in",
    script: ufw("ufw allow in on lab-server to any port 67 proto udp"),
    served: true,
  },
  {
    what: "firewalld that lets DHCP in",
    script: firewalld("firewall-cmd --add-service=dhcp"),
    served: true,
  },
  {
    what: "a policy of drop",
    script: nft("input priority 0; policy drop; tcp dport 22 accept;"),
    served: false,
    by: /policy of chain inet f c/,
  },
  {
    what: "a policy of drop with a range of ports let in",
    script: nft("input priority 0; policy drop; udp dport 60-70 accept;"),
    served: true,
  },
  {
    what: "a range of ports",
    script: nft("input priority 0; udp dport 60-70 drop;"),
    served: false,
    by: /udp dport 60-70 drop/,
  },
  {
    what: "a set of ports",
    script: nft(
      "input priority 0; udp dport @ports drop;",
      "set ports { type inet_service; flags interval; elements = { 1-60, 66-68 }; };",
    ),
    served: false,
    by: /udp dport @ports drop/,
  },
  {
    what: "a chain that is jumped to",
    script: nft(
      "prerouting priority 0; iifname lab-server jump j;",
      "chain j { ip saddr 10.0.0.0/8 udp dport 67 drop; };",
    ),
    served: false,
    by: /udp dport 67 drop \(inet f j\)/,
  },
  {
    what: "a verdict map",
    script: nft(
      "input priority 0; iifname . udp dport vmap { lab-server . 67 : jump j, lo . 67 : accept };",
      "chain j { drop; };",
    ),
    served: false,
    by: /drop \(inet f j\)/,
  },
  {
    what: "answers",
    script: nft("output priority 0; udp sport 67 drop;"),
    served: false,
    by: /^the answer .* udp sport 67 drop/,
  },
  {
    what: "another interface, behind a rule that accepts",
    script: nft("input priority 0; udp dport 67 accept; iifname wan0 udp dport 67 drop; drop;"),
    served: true,
  },
  {
    what: "other sources",
    script: nft("input priority 0; ip saddr != { 10.77.0.0/24, 10.79.0.1-10.79.0.9 } drop;"),
    served: true,
  },
  {
    what: "the link's own hook",
    script: "nft 'table netdev f { chain c { " +
      "type filter hook ingress device lab-server priority 0; udp dport 67 drop; }; }'",
    served: false,
    by: /udp dport 67 drop \(netdev f c\)/,
  },
  {
    what: "iptables of the older kind",
    script: "iptables-legacy -A INPUT -i lab+ -p udp -m multiport --dports 53,66:68 -j REJECT",
    served: false,
    by: /-A INPUT .*REJECT/,
  },
  {
    what: "a rule that depends on the rate",
    script: nft("input priority 0; udp dport 67 limit rate over 100000/second drop;"),
    served: null,
    by: /limit rate over 100000\/second/,
  },
  {
    what: "a rule that is not understood",
    script: nft("input priority 0; @th,16,16 67 meta length 60000 drop;"),
    served: null,
    by: /depends on: .*drop/,
  },
];

Deno.test("troubleshoot says of a firewall before UDP sockets what becomes of a client", async (t) => {
  await using lab = await startLab({ sockets: "udp" });
  assert.deepEqual((await firewallOf(lab)).status, "ok");
  assert.equal(await isServed(lab), true);
  for (const { what, script, served, by } of SITUATIONS) {
    await t.step(what, async () => {
      try {
        await atServer(lab, script);
        const verdict = await firewallOf(lab);
        const shown = JSON.stringify(verdict);
        const expected = served === null ? "not_known" : served ? "ok" : "problem";
        assert.equal(verdict.status, expected, shown);
        if (by !== undefined) assert.match(`${verdict.found} ${verdict.means}`, by);
        assert.equal(await isServed(lab), served ?? true, shown);
      } finally {
        await atServer(lab, "nft flush ruleset; iptables-legacy -F");
      }
    });
  }
});

Deno.test("troubleshoot knows which firewall raw sockets pass", async () => {
  await using lab = await startLab();
  await atServer(lab, nft("input priority 0; policy drop;"));
  const passed = await firewallOf(lab);
  assert.deepEqual([passed.status, await isServed(lab)], ["note", true], JSON.stringify(passed));
  await atServer(
    lab,
    "nft 'table netdev f { chain c { " +
      "type filter hook egress device lab-server priority 0; udp sport 67 drop; }; }'",
  );
  const stopped = await firewallOf(lab);
  assert.deepEqual([stopped.status, await isServed(lab)], ["problem", false]);
  assert.match(stopped.found, /^the answer .* udp sport 67 drop/);
});

Deno.test("troubleshoot walks ufw's rules for DHCPv6", async () => {
  await using lab = await startLab({ family: 6 });
  await atServer(lab, ufw(""));
  const stopped = await firewallOf(lab);
  assert.deepEqual([stopped.status, await isServed(lab)], ["problem", false]);
  await atServer(lab, ufw("ufw allow 547/udp"));
  const passed = await firewallOf(lab);
  assert.deepEqual([passed.status, await isServed(lab)], ["ok", true], JSON.stringify(passed));
});
