/**
 * Rules as `iptables-save` and `ip6tables-save` write them.
 *
 * @module
 */

import { matchesAddress } from "./addresses.ts";
import { and, not, or, type Tristate } from "./tristate.ts";
import type { Packet } from "./packet.ts";
import { type Action, type Chain, conditional, type Rule, type Table } from "./walk.ts";

/** Chains that the kernel enters. */
const HOOKS: Readonly<Record<string, string>> = {
  PREROUTING: "prerouting",
  INPUT: "input",
  OUTPUT: "output",
  POSTROUTING: "postrouting",
  FORWARD: "forward",
};

const ACTIONS: Readonly<Record<string, Action["kind"] & ("accept" | "drop" | "return")>> = {
  ACCEPT: "accept",
  DROP: "drop",
  REJECT: "drop",
  RETURN: "return",
};

/** Targets that let the packet go on through the chain as it is, for a firewall. */
const GO_ON = [
  "LOG",
  "NFLOG",
  "ULOG",
  "MARK",
  "CONNMARK",
  "CLASSIFY",
  "AUDIT",
  "CHECKSUM",
  "TCPMSS",
];

/** Parses what the program writes of one family. */
export function iptablesTables(text: string, family: "ip" | "ip6"): Table[] {
  const tables: Table[] = [];
  let chains = new Map<string, Chain & { rules: Rule[] }>();
  for (const line of text.split("\n")) {
    const table = /^\*(\S+)/.exec(line)?.[1];
    const chain = /^:(\S+) (\S+)/.exec(line);
    const rule = /^-A (\S+) ?(.*)$/.exec(line);
    if (table !== undefined) {
      chains = new Map();
      tables.push({ family, name: table, chains });
    } else if (chain !== null) {
      const [, name, policy] = chain as unknown as [string, string, string];
      chains.set(name, {
        name,
        rules: [],
        // A chain of a person's own has no policy.
        hook: policy === "-" ? null : HOOKS[name] ?? null,
        devices: null,
        policy: policy === "DROP" ? "drop" : "accept",
      });
    } else if (rule !== null) {
      chains.get(rule[1]!)?.rules.push(ruleOf(line, wordsOf(rule[2]!)));
    }
  }
  return tables;
}

/** Words of a rule; those in quotation marks may hold blanks. */
function wordsOf(text: string): string[] {
  return Array.from(
    text.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g),
    ([, quoted, plain]) => quoted?.replace(/\\(.)/g, "$1") ?? plain!,
  );
}

type Condition = (packet: Packet) => Tristate;

function ruleOf(text: string, words: readonly string[]): Rule {
  const conditions: Condition[] = [];
  let action: Action = { kind: "continue" };
  let isNegated = false;
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (word === "!") isNegated = true;
    // What matches by a module comes with its options; a name alone says nothing.
    else if (word === "-m") at++;
    else if (word === "-j" || word === "-g") {
      action = actionOf(words[++at] ?? "", word === "-g");
      // What follows are the target's own options.
      break;
    } else {
      const condition = CONDITIONS[word];
      // One that is not known may have any number of values.
      const value = words[at + 1] ?? "";
      const negated = isNegated;
      isNegated = false;
      if (condition === undefined) {
        conditions.push(() => null);
        while (at + 1 < words.length && !/^(-|!$)/.test(words[at + 1]!)) at++;
        continue;
      }
      at++;
      conditions.push((packet) => {
        const answer = condition(packet, value);
        return negated ? not(answer) : answer;
      });
    }
  }
  return {
    text,
    actionsOn: (packet) =>
      conditional(and(conditions.map((condition) => condition(packet))), action),
  };
}

function actionOf(target: string, isGoto: boolean): Action {
  const kind = ACTIONS[target];
  if (kind !== undefined) return { kind };
  if (GO_ON.includes(target)) return { kind: "continue" };
  // Targets of the kernel are written in capitals; they change the packet, or give it to a program.
  if (/^[A-Z0-9]+$/.test(target) && TARGETS.includes(target)) return { kind: "unknown" };
  return { kind: isGoto ? "goto" : "jump", chain: target };
}

const TARGETS = [
  ...["CT", "NOTRACK", "DNAT", "SNAT", "MASQUERADE", "REDIRECT", "NETMAP", "NFQUEUE", "QUEUE"],
  ...["TPROXY", "TEE", "SET", "DSCP", "TOS", "TTL", "HL", "RATEEST", "SYNPROXY", "TRACE", "LED"],
  ...["IDLETIMER", "HMARK", "SECMARK", "CONNSECMARK", "TCPOPTSTRIP", "CLUSTERIP"],
];

/** What options mean for a packet. */
const CONDITIONS: Readonly<Record<string, (packet: Packet, value: string) => Tristate>> = {
  "-p": (_, value) => ["udp", "17", "all", "0"].includes(value),
  "-i": ({ direction, device }, value) => direction === "in" && isDevice(device, value),
  "-o": ({ direction, device }, value) => direction === "out" && isDevice(device, value),
  "-s": ({ source }, value) => or(value.split(",").map((one) => matchesAddress(one, source))),
  "-d": ({ destination }, value) =>
    or(value.split(",").map((one) => matchesAddress(one, destination))),
  "--src-range": ({ source }, value) => matchesAddress(value, source),
  "--dst-range": ({ destination }, value) => matchesAddress(value, destination),
  "--sport": ({ sourcePort }, value) => isPort(sourcePort, value),
  "--dport": ({ destinationPort }, value) => isPort(destinationPort, value),
  "--sports": ({ sourcePort }, value) => isPort(sourcePort, value),
  "--dports": ({ destinationPort }, value) => isPort(destinationPort, value),
  "--ports": ({ sourcePort, destinationPort }, value) =>
    or([isPort(sourcePort, value), isPort(destinationPort, value)]),
  "--ctstate": isState,
  "--state": isState,
  "--dst-type": ({ destinationType }, value) =>
    or(value.split(",").map((one) => one.toLowerCase() === destinationType)),
  "--pkt-type": ({ destinationType, direction }, value) =>
    direction === "out"
      ? null
      : value === (destinationType === "multicast" ? "multicast" : "unicast"),
  "--comment": () => true,
  // Of protocols and headers that a DHCP packet has not.
  "--icmp-type": () => false,
  "--rt-type": () => false,
  "--icmpv6-type": () => false,
};

function isDevice(device: string | null, value: string): Tristate {
  if (device === null) return value === "+" ? true : null;
  return value.endsWith("+") ? device.startsWith(value.slice(0, -1)) : device === value;
}

function isPort(port: number, value: string): boolean {
  return value.split(",").some((one) => {
    const [first, last] = one.split(":") as [string, string?];
    // ":70" begins with 0, "60:" ends with the last.
    return Number(first) <= port && port <= (last === "" ? 65535 : Number(last ?? first));
  });
}

function isState({ states }: Packet, value: string): Tristate {
  const named = value.toLowerCase().split(",");
  const held = states.map((state) => named.includes(state));
  return held.every((one) => one === held[0]) ? held[0]! : null;
}
