/**
 * What a firewall does with a packet, as far as its rules are understood: each rule's possible actions are
 * followed, so that what is not understood makes the answer "not known" only where it matters.
 *
 * @module
 */

import type { Tristate } from "./tristate.ts";
import type { Packet } from "./packet.ts";

/** What a rule can do; `continue` also where it does not match. */
export type Action =
  | { readonly kind: "accept" | "drop" | "return" | "continue" | "unknown" }
  | { readonly kind: "jump" | "goto"; readonly chain: string };

/** A rule. */
export interface Rule {
  /** As the program shows it that lists it. */
  readonly text: string;
  /** What it may do with a packet; one action where that is decided. */
  readonly actionsOn: (packet: Packet) => readonly Action[];
}

/** A chain of rules. */
export interface Chain {
  /** Unique among the chains of one table. */
  readonly name: string;
  readonly rules: readonly Rule[];
  /** Where the kernel enters it; null where only other chains lead to it. */
  readonly hook: string | null;
  /** Interfaces of a chain of family netdev; null for all. */
  readonly devices: readonly string[] | null;
  readonly policy: "accept" | "drop";
}

/** A table. */
export interface Table {
  /** `inet`, `ip`, `ip6`, `netdev`, `bridge`, ... */
  readonly family: string;
  readonly name: string;
  readonly chains: ReadonlyMap<string, Chain>;
}

/** What becomes of a packet, and by what. */
export interface Fate {
  readonly verdict: "accepted" | "dropped" | "not_known";
  /** The rule or policy that drops it, or the first that could not be decided; null where it passes. */
  readonly by: string | null;
}

/** Rules looked at for one packet before that is given up: chains of chains may multiply. */
const MOST_STEPS = 200_000;

/** What becomes of a packet: every chain on its way must let it pass. */
export function fateOf(packet: Packet, tables: readonly Table[]): Fate {
  let unknown: Fate | null = null;
  for (const table of tables) {
    for (const chain of table.chains.values()) {
      if (!isOnTheWay(packet, table, chain)) continue;
      const fate = fateInChain(packet, table, chain);
      if (fate.verdict === "dropped") return fate;
      if (fate.verdict === "not_known") unknown ??= fate;
    }
  }
  return unknown ?? { verdict: "accepted", by: null };
}

function isOnTheWay(packet: Packet, { family }: Table, { hook, devices }: Chain): boolean {
  if (hook === null) return false;
  const { device } = packet;
  const isThere = devices === null || device === null || devices.includes(device);
  if (family === "netdev") return isThere && hook === packet.linkHook;
  if (family === "bridge") return packet.isBridge && packet.hooks.includes(hook);
  if (family !== "inet" && family !== (packet.family === 4 ? "ip" : "ip6")) return false;
  return packet.hooks.includes(hook) || (family === "inet" && hook === packet.linkHook && isThere);
}

/** All ways that a packet may take through a chain. */
interface Ways {
  /** Actions that end it, and the rules that do so. */
  readonly ends: readonly { readonly kind: "accept" | "drop" | "unknown"; readonly by: string }[];
  /** Whether it may reach the end of the chain. */
  readonly isPassed: boolean;
}

function fateInChain(packet: Packet, table: Table, chain: Chain): Fate {
  const walk = new Walk(packet, table);
  const { ends, isPassed } = walk.through(chain);
  const where = `${table.family} ${table.name} ${chain.name}`;
  const all = isPassed
    ? [...ends, { kind: chain.policy, by: `the policy of chain ${where}` } as const]
    : ends;
  if (walk.isTooLong) return { verdict: "not_known", by: `chain ${where} has too many rules` };
  if (all.every(({ kind }) => kind === "accept")) return { verdict: "accepted", by: null };
  if (all.every(({ kind }) => kind === "drop")) return { verdict: "dropped", by: all[0]!.by };
  return {
    verdict: "not_known",
    by: walk.undecided ?? all.find(({ kind }) => kind !== "accept")!.by,
  };
}

/** One packet's ways through one table. */
class Walk {
  /** The first rule that could not be decided. */
  undecided: string | null = null;
  #steps = 0;
  readonly #packet: Packet;
  readonly #table: Table;
  readonly #done = new Map<string, Ways>();

  constructor(packet: Packet, table: Table) {
    this.#packet = packet;
    this.#table = table;
  }

  get isTooLong(): boolean {
    return this.#steps > MOST_STEPS;
  }

  through(chain: Chain): Ways {
    const done = this.#done.get(chain.name);
    if (done !== undefined) return done;
    const ends: Ways["ends"][number][] = [];
    let [isPassed, goesOn] = [false, true];
    for (const { text, actionsOn } of chain.rules) {
      if (this.#steps++ > MOST_STEPS) break;
      const actions = actionsOn(this.#packet);
      if (actions.length > 1) this.undecided ??= text;
      goesOn = false;
      for (const action of actions) {
        if (action.kind === "continue") goesOn = true;
        else if (action.kind === "return") isPassed = true;
        else if (action.kind === "jump" || action.kind === "goto") {
          const target = this.#table.chains.get(action.chain);
          const ways: Ways = target === undefined
            ? { ends: [{ kind: "unknown", by: text }], isPassed: false }
            : this.through(target);
          for (const end of ways.ends) ends.push(end);
          if (ways.isPassed && action.kind === "jump") goesOn = true;
          if (ways.isPassed && action.kind === "goto") isPassed = true;
        } else {
          if (action.kind === "unknown") this.undecided ??= text;
          ends.push({ kind: action.kind, by: text });
        }
      }
      if (!goesOn) break;
    }
    const ways = { ends: distinct(ends), isPassed: isPassed || goesOn };
    this.#done.set(chain.name, ways);
    return ways;
  }
}

/** One end of each kind says as much as all of them. */
function distinct(ends: Ways["ends"]): Ways["ends"] {
  return [...new Map(ends.toReversed().map((end) => [end.kind, end])).values()];
}

/** What a rule may do that has a condition and an action. */
export function conditional(answer: Tristate, action: Action): readonly Action[] {
  if (answer === true) return [action];
  return answer === false ? [{ kind: "continue" }] : [action, { kind: "continue" }];
}
