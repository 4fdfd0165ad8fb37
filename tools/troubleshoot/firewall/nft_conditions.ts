/**
 * Whether a packet is what an expression of nftables' JSON says.
 *
 * @module
 */

import { matchesAddress } from "./addresses.ts";
import type { Packet } from "./packet.ts";
import { and, not, or, type Tristate } from "./tristate.ts";

/** An object of nftables' JSON. */
export type Json = { readonly [name: string]: unknown };

/** Sets and maps by family, table and name. */
export type Sets = Map<string, Json>;

/**
 * What an expression gives for a packet: all values that it may have, null where that is not known,
 * `absent` where the packet has no such field, so that the rule does not match.
 */
type Values = readonly (string | number)[] | null | "absent";

/** Whether a `match` holds. */
export function conditionOf(packet: Packet, match: Json, sets: Sets, table: string): Tristate {
  const { op, left, right } = match as { op: string; left: unknown; right: unknown };
  const route = routeAnswer(packet, left, right);
  if (route !== undefined) return op === "!=" ? not(route) : op === "==" ? route : null;
  const parts = partsOf(packet, left);
  if (parts.includes("absent")) return false;
  const elements = elementsOf(right, sets, table);
  if (elements === null) return null;
  const isAmong = or(elements.map((element) => isElement(parts, element)));
  if (op === "==" || op === "in") return isAmong;
  if (op === "!=") return not(isAmong);
  const [values] = parts;
  if (!Array.isArray(values) || typeof right !== "number") return null;
  return agreed(values.map((value) => compared(Number(value), op, right)));
}

/**
 * What a map gives for a packet.
 *
 * @returns the values that it may give, and whether one of them is given for certain.
 */
export function lookUp(
  packet: Packet,
  key: unknown,
  data: unknown,
  sets: Sets,
  table: string,
): { readonly found: readonly unknown[]; readonly isComplete: boolean } {
  const parts = partsOf(packet, key);
  if (parts.includes("absent")) return { found: [], isComplete: false };
  const pairs = elementsOf(data, sets, table);
  if (pairs === null) return { found: [{ unknown: null }], isComplete: false };
  const found: unknown[] = [];
  let [isComplete, other] = [false, undefined as unknown];
  for (const pair of pairs) {
    if (!Array.isArray(pair)) return { found: [{ unknown: null }], isComplete: false };
    const [element, value] = pair as [unknown, unknown];
    if (element === "*") {
      other = value;
      continue;
    }
    const answer = isElement(parts, element);
    if (answer !== false) found.push(value);
    if (answer === true) isComplete = true;
  }
  if (isComplete || other === undefined) return { found, isComplete };
  return { found: [...found, other], isComplete: true };
}

function compared(value: number, op: string, right: number): Tristate {
  if (op === "<") return value < right;
  if (op === ">") return value > right;
  if (op === "<=") return value <= right;
  return op === ">=" ? value >= right : null;
}

/** What all of them say; null where they differ. */
function agreed(answers: readonly Tristate[]): Tristate {
  return answers.every((one) => one === answers[0]) ? answers[0] ?? null : null;
}

/** Elements of the right side: of a set, named or not, or the one that it is; null: not known. */
function elementsOf(right: unknown, sets: Sets, table: string): readonly unknown[] | null {
  if (typeof right === "string" && right.startsWith("@")) {
    const set = sets.get(`${table} ${right.slice(1)}`);
    // Other packets change such a set.
    const flags = [set?.flags].flat();
    if (set === undefined || flags.includes("dynamic") || flags.includes("timeout")) return null;
    return Array.isArray(set.elem) ? set.elem : [];
  }
  if (Array.isArray(right)) return right;
  if (typeof right === "object" && right !== null && "set" in right) {
    return [(right as Json).set].flat();
  }
  return [right];
}

/** Whether the values of all parts are in an element of a set. */
function isElement(parts: readonly Values[], element: unknown): Tristate {
  const plain = typeof element === "object" && element !== null && "elem" in element
    ? ((element as Json).elem as Json).val
    : element;
  const named = typeof plain === "object" && plain !== null && "concat" in plain
    ? (plain as Json).concat as unknown[]
    : [plain];
  if (named.length !== parts.length) return null;
  return and(parts.map((values, index) => {
    const one = named[index];
    if (one === "*") return true;
    if (values === "absent") return false;
    const address = addressText(one);
    if (values === null) return address === null ? null : matchesAddress(address, null);
    return agreed(values.map((value) => isValue(value, one, address)));
  }));
}

function isValue(value: string | number, named: unknown, address: string | null): Tristate {
  if (address !== null && typeof value === "string") return matchesAddress(address, value);
  if (typeof named === "number" || typeof named === "boolean") return value === named;
  if (typeof named === "string") {
    // Two names of one kind of packet.
    if (value === "unicast" && named === "host") return true;
    return named.endsWith("*") ? String(value).startsWith(named.slice(0, -1)) : value === named;
  }
  const range = (named as Json | null)?.range;
  if (!Array.isArray(range) || typeof value !== "number") return null;
  return Number(range[0]) <= value && value <= Number(range[1]);
}

/** An address, a range or a subnet as one text; null where it is something else. */
function addressText(named: unknown): string | null {
  if (typeof named === "string") return /^[0-9a-f.]*[.:][0-9a-f.:]*$/i.test(named) ? named : null;
  if (typeof named !== "object" || named === null) return null;
  const { prefix, range } = named as { prefix?: Json; range?: unknown[] };
  if (prefix !== undefined) return `${prefix.addr}/${prefix.len}`;
  const [first, last] = range ?? [];
  return typeof first === "string" && addressText(first) !== null ? `${first}-${last}` : null;
}

/** What is asked of the routes; undefined where it is something else. */
function routeAnswer(packet: Packet, left: unknown, right: unknown): Tristate | undefined {
  const fib = (left as Json | null)?.fib as Json | undefined;
  if (fib === undefined) return undefined;
  const flags = [fib.flags].flat();
  if (fib.result === "type" && flags.includes("daddr") && !flags.includes("iif")) {
    return typeof right === "string" ? right === packet.destinationType : null;
  }
  // Whether there is a way back to the source by the interface on which it came.
  const isReversePath = fib.result === "oif" && flags.includes("saddr") && flags.includes("iif");
  if (!isReversePath || !packet.isSourceOnLink || packet.direction === "out") return null;
  return typeof right === "boolean" ? right : null;
}

function partsOf(packet: Packet, expression: unknown): readonly Values[] {
  const concat = (expression as Json | null)?.concat;
  return Array.isArray(concat)
    ? concat.map((part) => valuesOf(packet, part))
    : [valuesOf(packet, expression)];
}

function valuesOf(packet: Packet, expression: unknown): Values {
  if (typeof expression !== "object" || expression === null) return null;
  const { meta, payload, ct } = expression as { meta?: Json; payload?: Json; ct?: Json };
  if (meta !== undefined) return metaOf(packet, String(meta.key));
  if (payload !== undefined) return fieldOf(packet, payload);
  if (ct?.key === "state") return packet.states;
  // Where something translates addresses, that rule itself is not understood.
  if (ct?.key === "status" && packet.direction === "in") return ["none"];
  return null;
}

function metaOf(packet: Packet, key: string): Values {
  const { direction, device, family, destinationType } = packet;
  const own = device === null ? null : [device];
  switch (key) {
    case "iifname":
    case "iif":
      return direction === "in" ? own : "absent";
    case "oifname":
    case "oif":
      return direction === "out" ? own : "absent";
    case "l4proto":
      return ["udp"];
    case "nfproto":
      return [family === 4 ? "ipv4" : "ipv6"];
    case "protocol":
      return [family === 4 ? "ip" : "ip6"];
    case "pkttype":
      if (direction === "out") return null;
      return [destinationType === "multicast" ? "multicast" : "unicast"];
    default:
      return null;
  }
}

function fieldOf(packet: Packet, { protocol, field }: Json): Values {
  const address = (one: string | null) => one === null ? null : [one];
  // Raw bytes have no names.
  if (protocol === undefined) return null;
  if (protocol === "udp" || protocol === "th") {
    if (field === "dport") return [packet.destinationPort];
    return field === "sport" ? [packet.sourcePort] : null;
  }
  if (protocol === "ip" || protocol === "ip6") {
    if ((protocol === "ip") !== (packet.family === 4)) return "absent";
    if (field === "saddr") return address(packet.source);
    if (field === "daddr") return address(packet.destination);
    return field === "protocol" || field === "nexthdr" ? ["udp"] : null;
  }
  return protocol === "ether" || protocol === "vlan" ? null : "absent";
}
