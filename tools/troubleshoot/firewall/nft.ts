/**
 * Rules as `nft -j list ruleset` writes them (libnftables-json(5)).
 *
 * @module
 */

import { conditionOf, type Json, lookUp, type Sets } from "./nft_conditions.ts";
import type { Packet } from "./packet.ts";
import { and, type Tristate } from "./tristate.ts";
import { type Action, type Chain, conditional, type Rule, type Table } from "./walk.ts";

/** Statements after which a packet goes on through its chain as it is, for a firewall. */
const GO_ON = ["counter", "log", "continue", "set", "add", "update", "meter", "ct helper", "last"];

/**
 * Parses what nft lists.
 *
 * @param json of `nft -j list ruleset`.
 * @param text of `nft -a list ruleset`: how people read the same rules.
 * @throws {SyntaxError} when it is no JSON.
 */
export function nftTables(json: string, text: string): Table[] {
  const objects = (JSON.parse(json) as { nftables?: Json[] }).nftables ?? [];
  const texts = ruleTexts(text);
  const sets: Sets = new Map();
  const tables = new Map<string, Omit<Table, "chains"> & { chains: Map<string, OpenChain> }>();
  const idOf = ({ family, table }: Json) => `${family} ${table}`;
  for (const object of objects) {
    const [kind, value] = Object.entries(object)[0] as [string, Json];
    if (kind === "table") {
      const id = `${value.family} ${value.name}`;
      if (isDormant(value, text)) continue;
      tables.set(id, { family: String(value.family), name: String(value.name), chains: new Map() });
    } else if (kind === "set" || kind === "map") {
      sets.set(`${idOf(value)} ${value.name}`, value);
    } else if (kind === "chain") {
      tables.get(idOf(value))?.chains.set(String(value.name), {
        name: String(value.name),
        rules: [],
        hook: typeof value.hook === "string" ? value.hook : null,
        devices: value.dev === undefined ? null : [value.dev].flat().map(String),
        policy: value.policy === "drop" ? "drop" : "accept",
      });
    } else if (kind === "rule") {
      const name = texts.get(`${idOf(value)} ${value.handle}`) ?? `rule ${value.handle}`;
      const statements = Array.isArray(value.expr) ? value.expr as Json[] : [{ unreadable: null }];
      tables.get(idOf(value))?.chains.get(String(value.chain))?.rules.push({
        text: `${name} (${value.family} ${value.table} ${value.chain})`,
        actionsOn: (packet) => actionsOf(packet, statements, sets, idOf(value)),
      });
    }
  }
  return [...tables.values()];
}

/** A chain that is being read. */
interface OpenChain extends Chain {
  readonly rules: Rule[];
}

/** A table may be there and asleep. */
function isDormant({ family, name, flags }: Json, text: string): boolean {
  if ([flags].flat().includes("dormant")) return true;
  const at = text.indexOf(`table ${family} ${name} {`);
  return at >= 0 && /^[^\n]*\n\s*flags [^\n]*\bdormant\b/.test(text.slice(at, at + 1000));
}

/** Rules by table and handle. */
function ruleTexts(text: string): Map<string, string> {
  const texts = new Map<string, string>();
  let table = "";
  for (const line of text.split("\n")) {
    const started = /^table (\S+ \S+) \{/.exec(line)?.[1];
    if (started !== undefined) table = started;
    const rule = /^\s+(.*) # handle (\d+)$/.exec(line);
    if (rule !== null && !rule[1]!.endsWith("{")) texts.set(`${table} ${rule[2]}`, rule[1]!);
  }
  return texts;
}

/** What the statements of a rule may do, one after the other. */
function actionsOf(
  packet: Packet,
  statements: readonly Json[],
  sets: Sets,
  table: string,
): readonly Action[] {
  const answers: Tristate[] = [];
  for (const statement of statements) {
    const [kind, value] = Object.entries(statement)[0] as [string, Json | null];
    if (kind === "match") {
      answers.push(conditionOf(packet, value!, sets, table));
      if (answers.at(-1) === false) return [{ kind: "continue" }];
    } else if (kind === "limit" || kind === "quota" || kind === "xt" || kind === "ct count") {
      // Whether they let it go on depends on other packets, or is not shown.
      answers.push(null);
      if (kind === "xt" && value?.type === "target") return conditional(null, { kind: "unknown" });
    } else if (kind === "vmap") {
      return mapped(and(answers), packet, value!, sets, table);
    } else if (kind === "mangle" && isMark(value!)) {
      continue;
    } else if (!GO_ON.includes(kind)) {
      return conditional(and(answers), actionOf(kind, value));
    }
  }
  return [{ kind: "continue" }];
}

function actionOf(kind: string, value: Json | null): Action {
  if (kind === "accept" || kind === "drop" || kind === "return") return { kind };
  if (kind === "reject") return { kind: "drop" };
  if (kind === "jump" || kind === "goto") return { kind, chain: String(value?.target) };
  // It is changed, or given to a program, or this statement is not known.
  return { kind: "unknown" };
}

/** Marks are for other rules, which do not know them here. */
function isMark({ key }: Json): boolean {
  return typeof key === "object" && key !== null && ("meta" in key || "ct" in key);
}

/** What a verdict map may do: the verdicts of the keys that may be the packet's. */
function mapped(
  before: Tristate,
  packet: Packet,
  { key, data }: Json,
  sets: Sets,
  table: string,
): readonly Action[] {
  const { found, isComplete } = lookUp(packet, key, data, sets, table);
  const actions = found.map((verdict): Action => {
    const [kind, value] = typeof verdict === "string"
      ? [verdict, null]
      : Object.entries(verdict as Json)[0] as [string, Json | null];
    return kind === "continue" ? { kind } : actionOf(kind, value);
  });
  return before === true && isComplete ? actions : [...actions, { kind: "continue" }];
}
