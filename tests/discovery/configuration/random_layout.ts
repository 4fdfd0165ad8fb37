/** Values written down as Kea's grammar allows, in a random layout of comments, commas and includes. */

import fc from "fast-check";

/** Numbers that Kea, too, prints with all of their digits. */
const numbers = fc.oneof(
  fc.integer(),
  fc.integer({ min: -3999, max: 3999 }).map((quarters) => quarters / 4),
  fc.constantFrom(0.05, 1e21, -2.5e-9),
);

/** JSON values whose strings hold what comments and directives are made of, too. */
export const values: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(null, true, false),
    numbers,
    fc.string({ unit: fc.constantFrom(...'a"\\/*#<?>[]{},:\n\t\0é') }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.string({ unit: fc.constantFrom(..."abc#/]}") }), tie("value"), {
      maxKeys: 4,
      noNullPrototype: true,
    }),
  ),
})).value;

/** A text, and the files that it includes. */
export interface Layout {
  readonly text: string;
  readonly files: Readonly<Record<string, string>>;
}

const BETWEEN = [
  "",
  " ",
  "\n",
  "\t\r\n ",
  '# ] } , " /* <?include "none"?>\n',
  "// [ { : ' */ \\\n",
  '/* "unclosed ] } \n # // <? */',
  "/**/",
  `${"#".repeat(50)}\n`,
  "/***/ //\n",
] as const;

/**
 * Writes a value down.
 *
 * @param random numbers that decide everything, none negative.
 */
export function layout(value: unknown, random: () => number): Layout {
  const pick = <T>(from: readonly T[]) => from[random() % from.length]!;
  const files: Record<string, string> = {};
  const tokens = tokensOf(value, () => random() % 3);
  /** Joins tokens; some runs of them become a file of their own, which need not be whole values. */
  const join = (part: readonly string[], depth: number): string => {
    let text = pick(BETWEEN);
    for (let at = 0; at < part.length;) {
      const length = 1 + random() % part.length;
      if (depth < 10 && random() % 8 === 0) {
        const name = `${Object.keys(files).length}.json`;
        files[name] = "";
        files[name] = join(part.slice(at, at + length), depth + 1);
        const [a, b, c] = [pick(["", " ", "\n"]), pick(["", "\t"]), pick(["", " \r\n"])];
        text += `<?${a}include${b}"${name}"${c}?>`;
        at += length;
      } else {
        text += part[at++];
      }
      text += pick(BETWEEN);
    }
    return text;
  };
  return { text: join(tokens, 0), files };
}

function tokensOf(value: unknown, commas: () => number): string[] {
  if (typeof value === "number") return [numberText(value, commas())];
  if (typeof value === "string") return [stringText(value)];
  if (value === null || typeof value === "boolean") return [String(value)];
  const isList = Array.isArray(value);
  const items = isList
    ? value.map((item) => tokensOf(item, commas))
    : Object.entries(value as object).map((
      [name, item],
    ) => [stringText(name), ":", ...tokensOf(item, commas)]);
  // At least one between two, any number behind the last.
  const separated = items.flatMap((item, index) => [
    ...item,
    ...Array<string>(Math.max(index + 1 < items.length ? 1 : 0, commas())).fill(","),
  ]);
  return [isList ? "[" : "{", ...separated, isList ? "]" : "}"];
}

/** A number as JSON has it, without its leading zero, or with more of them. */
function numberText(value: number, way: number): string {
  const text = String(value).replace("e+", "e");
  if (way === 1) return text.replace(/^(-?)0\./, "$1.");
  return way === 2 && /^-?\d+$/.test(text) ? text.replace(/^(-?)/, "$100") : text;
}

const stringText = (value: string) => JSON.stringify(value).replaceAll("/", "\\/");
