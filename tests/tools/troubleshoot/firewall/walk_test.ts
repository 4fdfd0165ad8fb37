import assert from "node:assert/strict";
import { iptablesTables } from "../../../../tools/troubleshoot/firewall/iptables.ts";
import { nftTables } from "../../../../tools/troubleshoot/firewall/nft.ts";
import { packetsOf } from "../../../../tools/troubleshoot/firewall/packet.ts";
import { fateOf, type Table } from "../../../../tools/troubleshoot/firewall/walk.ts";

const LINK = { index: 1, isUp: true, mtu: 1500, dropped: 0 };

/** What becomes of a relay's request to a server on eth0, and of the answer. */
function verdicts(tables: readonly Table[]): string[] {
  const dhcp = {
    "interfaces-config": { interfaces: ["eth0"] },
    subnet4: [{ subnet: "10.64.0.0/12", relay: { "ip-addresses": ["10.77.0.2"] } }],
  };
  const addresses = [{ address: "10.77.0.1", prefix: 12 }];
  const interfaces = [{ ...LINK, name: "eth0", kind: null, addresses }];
  return packetsOf(4, dhcp, interfaces).map((packet) => fateOf(packet, tables).verdict);
}

/** The same behind an input chain with these rules, as nft 1.0.6 lists them. */
function behind(...rules: readonly unknown[][]): string {
  const where = { family: "inet", table: "f", chain: "c" };
  const chain = { family: "inet", table: "f", name: "c", hook: "input", prio: 0, policy: "accept" };
  const nftables = [
    { metainfo: { version: "1.0.6" } },
    { table: { family: "inet", name: "f" } },
    { chain },
    ...rules.map((expr, handle) => ({ rule: { ...where, handle, expr } })),
  ];
  return verdicts(nftTables(JSON.stringify({ nftables }), ""))[0]!;
}

const match = (left: unknown, right: unknown, op = "==") => ({ match: { op, left, right } });
const DROP = { drop: null };
const PORT = { payload: { protocol: "udp", field: "dport" } };

Deno.test("fateOf() is not known where a rule that may drop is not understood, and only there", () => {
  const strange = match({ socket: { key: "mark" } }, 1);
  assert.equal(behind([strange, DROP]), "not_known");
  assert.equal(behind([match(PORT, 53), strange, DROP]), "accepted");
  assert.equal(behind([strange, { accept: null }]), "accepted");
  assert.equal(behind([{ accept: null }], [strange, DROP]), "accepted");
  assert.equal(behind([strange, { accept: null }], [DROP]), "not_known");
  assert.equal(behind([strange, DROP], [DROP]), "dropped");
  assert.equal(behind([{ "a new statement": null }]), "not_known");
  assert.equal(behind([{ xt: { type: "match", name: "u32" } }, DROP]), "not_known");
});

Deno.test("conditionOf() decides what nft writes of a packet", () => {
  const isDropped = (left: unknown, right: unknown, op?: string) =>
    behind([match(left, right, op), DROP]) === "dropped";
  const source = { payload: { protocol: "ip", field: "saddr" } };
  assert.ok(isDropped(PORT, { range: [60, 70] }));
  assert.ok(isDropped(PORT, 66, ">"));
  assert.ok(isDropped({ meta: { key: "iifname" } }, "eth*"));
  assert.ok(isDropped({ meta: { key: "pkttype" } }, "host"));
  assert.ok(isDropped(source, { prefix: { addr: "10.77.0.0", len: 24 } }));
  assert.ok(isDropped(source, { set: ["10.1.1.1", { range: ["10.77.0.0", "10.77.0.9"] }] }));
  assert.ok(isDropped({ concat: [source, PORT] }, { set: [{ concat: ["10.77.0.2", 67] }] }));
  assert.ok(isDropped({ fib: { result: "type", flags: ["daddr"] } }, "local"));
  assert.ok(!isDropped(source, "10.77.0.2", "!="));
  assert.ok(!isDropped({ meta: { key: "pkttype" } }, "multicast"));
  assert.ok(!isDropped({ payload: { protocol: "tcp", field: "dport" } }, 67));
  assert.ok(!isDropped({ payload: { protocol: "ip6", field: "saddr" } }, "fe80::1", "!="));
});

Deno.test("iptablesTables() reads negation, modules, ports and what it does not know", () => {
  const after = (rule: string) => {
    const text = `*filter\n:INPUT ACCEPT [0:0]\n:own - [0:0]\n${rule}\nCOMMIT\n`;
    return verdicts(iptablesTables(text, "ip"))[0];
  };
  const rules = {
    '-A INPUT -p udp -m comment --comment "a -j ACCEPT of none" -m udp --dport 67 -j DROP':
      "dropped",
    "-A INPUT ! -i eth1 -p udp -m multiport --dports 53,66:68 -j DROP": "dropped",
    "-A INPUT ! -s 10.77.0.0/24 -j DROP": "accepted",
    "-A INPUT -g own\n-A own -m addrtype --dst-type LOCAL -j REJECT --reject-with icmp-port-unreachable":
      "dropped",
    "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -j DROP": "dropped",
    "-A INPUT -m recent --rcheck --seconds 5 --name x --mask 255.255.255.255 --rsource -j DROP":
      "not_known",
    "-A INPUT -p udp -m set --match-set bad src -j DROP": "not_known",
    "-A INPUT -p tcp -m set --match-set bad src -j DROP": "accepted",
    "-A INPUT -j NFQUEUE --queue-num 0": "not_known",
  };
  for (const [rule, verdict] of Object.entries(rules)) assert.equal(after(rule), verdict, rule);
});
