/**
 * One map for the counts of many: the kernel's memory is taken for every key that a map may have.
 *
 * bpftrace makes a map of `count()` or `sum()` with room for all of its keys (`MAP_KEYS`), on each CPU that the kernel is
 * prepared for, when it starts. Most maps of our programs have some hundred keys at most. Before bpftrace gets a program,
 * this merges those with numbers for keys, and afterwards splits what it prints. Pure.
 *
 * @module
 */

import type { Json } from "../metrics/input/exact_json.ts";
import type { Maps } from "./printed_maps.ts";
import { withoutComments } from "./render.ts";

/** A program whose counts are in one map. */
export interface MergedCounts {
  readonly program: string;
  /**
   * The maps as the original program has them, from those that bpftrace printed.
   *
   * @throws {RangeError} for a key of no map.
   */
  readonly split: (printed: Maps) => Maps;
  /** The name of a map that bpftrace printed, in words for people. */
  readonly titleOf: (map: string) => string;
}

/** The map of all counts: `@counts[number of the map, its keys, 0 for each that it has less than others]`. */
const MERGED = "@counts";

/**
 * Maps that stay alone. Requests are read after their answers (see `ProbeProgram.maps`), and bpftrace reads the keys of
 * one map in any order. The others may need very many keys: by stage, callout, address, client, relay or interface.
 */
const ALONE: ReadonlySet<string> = new Set([
  "@received",
  "@stage",
  "@wait",
  "@callouts",
  "@mariadb",
  "@mariadb_failed",
  "@clients",
  "@relays",
  "@relay_time",
  "@interface_time",
]);

/** A statement that counts: map, keys, and what is added; nothing for `count()`. */
const COUNTING = /(@\w+)(?:\[([^\]]*)\])? = (?:count\(\)|sum\(([^;]*)\));/g;

/** A key that is a number: of variables, numbers, registers, casts and operators. */
const NUMBER = /^(?:\$\w+\b|\b\d\w*\b|reg\("\w+"\)|\(u?int64\)|[-+*&|^()<>\s])+$/;

/**
 * Merges the maps of a program that count by numbers. Maps with a text among their keys, and those without keys, which
 * take next to no memory, stay as they are.
 *
 * Keys become signed and values unsigned, of 64 bits: bpftrace wants one type for each in all uses of a map.
 *
 * @param program as `render()` makes it.
 * @throws {SyntaxError} for a program that uses its counts in a way that this does not know.
 *
 * @example
 * ```ts
 * const { program, split } = mergeCounts("BEGIN { @a[7] = count(); @b[1, 2] = sum(9); print(@a); print(@b); }");
 * program; // BEGIN { @counts[0, 7, 0] = sum(1); @counts[1, 1, 2] = sum(9); print(@counts); }, and casts
 * split({ "@counts": { "0,7,0": 1, "1,1,2": 9 } }); // { "@a": { "7": 1 }, "@b": { "1,2": 9 } }
 * ```
 */
export function mergeCounts(program: string): MergedCounts {
  const lengths = keyLengths(program);
  const names = [...lengths.keys()];
  const longest = Math.max(0, ...lengths.values());

  let isPrinted = false;
  const merged = program.replace(COUNTING, (statement, map, keys, added = "1") => {
    // Without keys: in a comment.
    if (keys === undefined || !lengths.has(map)) return statement;
    const parts = [String(names.indexOf(map)), ...keys.split(",")];
    const padded = [...parts, ...Array(longest - lengths.get(map)!).fill("0")];
    return `${MERGED}[${padded.map((part) => `(int64)(${part.trim()})`).join(", ")}] = ` +
      `sum((uint64)(${added}));`;
  }).replace(/(\s*)print\((@\w+)\);/g, (print, space, map) => {
    if (!lengths.has(map)) return print;
    const isFirst = !isPrinted;
    isPrinted = true;
    return isFirst ? `${space}print(${MERGED});` : "";
  });

  return {
    program: merged,
    split: ({ [MERGED]: counts, ...others }) => {
      const maps: Record<string, Record<string, Json>> = {};
      for (const [key, value] of Object.entries(counts ?? {})) {
        const [number, ...parts] = key.split(",");
        const name = names[Number(number)];
        if (name === undefined) throw new RangeError(`Key "${key}" of ${MERGED} is of no map`);
        (maps[name] ??= {})[parts.slice(0, lengths.get(name)).join()] = value;
      }
      return { ...maps, ...others };
    },
    titleOf: (map) => map === MERGED ? `The map of ${names.join(", ")}` : map,
  };
}

/** The maps to merge, and how many keys each has. */
function keyLengths(program: string): Map<string, number> {
  const code = withoutComments(program);
  const counting = [...code.matchAll(COUNTING)];
  if (counting.length !== [...code.matchAll(/\b(?:count|sum)\s*\(/g)].length) {
    throw new SyntaxError("A count() or sum() is not written as `@map[keys] = count();`");
  }
  if (/\/\/.*\bprint\(/.test(program)) throw new SyntaxError("A comment has a print()");
  if (code.includes(MERGED)) throw new SyntaxError(`A map has the name ${MERGED} already`);
  const texts = code.matchAll(/(\$\w+) = str\(/g).map(([, name]) => name!).toArray();
  const isText = (keys: string) =>
    /\bstr\(|\bcomm\b/.test(keys) || keys.match(/\$\w+/g)?.some((name) => texts.includes(name));

  const lengths = new Map<string, number>();
  const expectedUses = new Map<string, number>();
  for (const [statement, map, keys] of counting) {
    if (keys === undefined || ALONE.has(map!) || isText(keys)) continue;
    const parts = keys.split(",");
    const length = lengths.get(map!) ?? parts.length;
    if (parts.length !== length || !parts.every((part) => NUMBER.test(part))) {
      throw new SyntaxError(`Keys are not the numbers expected: ${statement}`);
    }
    lengths.set(map!, length);
    expectedUses.set(map!, (expectedUses.get(map!) ?? 1) + 1);
  }
  for (const [map, expected] of expectedUses) {
    const uses = code.match(new RegExp(`${map}\\b`, "g"))!.length;
    if (uses !== expected || !code.includes(`print(${map});`)) {
      throw new SyntaxError(`${map} is not only counted, by its keys, and printed once`);
    }
  }
  return lengths;
}
