/** Reading what Kea's grammar allows. That Kea reads the same is held in tests/e2e/configuration_test.ts. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { parseConfiguration } from "../../../discovery/configuration/parse.ts";
import { layout, values } from "./random_layout.ts";

const parse = (text: string, files: Readonly<Record<string, string>> = {}) =>
  parseConfiguration(text, (path) => {
    assert.ok(path in files, path);
    return files[path]!;
  });

const READ: Readonly<Record<string, readonly [text: string, value: unknown]>> = {
  "a comma before a comment that holds brackets": [
    '{ "a": 1,\n// one of ] or }, as in relay4[0]\n"b": [ 2, # ]\n 3 /* ] */ ] }',
    { a: 1, b: [2, 3] },
  ],
  "commas behind the last, and several": ['{ "a": [ 1,, 2, ],, }', { a: [1, 2] }],
  "numbers as people write them": [
    "[ .5, 5., -.5, 007, -010, 1e3, .5E-1, +0.8, -0 ]",
    [0.5, 5, -0.5, 7, -10, 1000, 0.05, 0.8, -0],
  ],
  "integers of 64 bits": [
    "[ 4294967295, 9223372036854775807, -9223372036854775808, 0000000000000000000000001 ]",
    [4294967295, 2 ** 63, -(2 ** 63), 1],
  ],
  "strings with escapes": [
    String.raw`[ "\"\\\/\b\f\n\r\t\u00e9\u0000", "// # /* <?include" ]`,
    ['"\\/\b\f\n\r\t\u00e9\0', "// # /* <?include"],
  ],
  "names that objects have": ['{ "__proto__": 1 }', JSON.parse('{ "__proto__": 1 }')],
  "an include in each kind of comment": [
    '// <?include "none"?>\n# <?include "none"?>\n/* <?include "none"?> */ true',
    true,
  ],
  "a long line of # behind a comma": [`[ 1,\n${"#".repeat(100_000)}\n 2 ]`, [1, 2]],
  "a long line of / behind a comma": [`[ 1,\n${"/".repeat(100_000)}\n 2 ]`, [1, 2]],
  "a string of escapes": [`"${"\\\\".repeat(100_000)}"`, "\\".repeat(100_000)],
  "many comments behind a comma": [`[ 1, ${"/**/\n".repeat(100_000)} 2 ]`, [1, 2]],
};

for (const [what, [text, value]] of Object.entries(READ)) {
  Deno.test(`parseConfiguration() reads ${what}`, () => {
    assert.deepEqual(parse(text), value);
  });
}

Deno.test("parseConfiguration() reads included files, whatever white space the directive has", () => {
  for (const directive of ['<?include"x"?>', '<? include "x" ?>', '<?\n\tinclude\r"x"\n?>']) {
    assert.deepEqual(parse(`{ "a": ${directive} 3 ] }`, { x: "[ 1, # \n 2," }), { a: [1, 2, 3] });
  }
});

Deno.test("parseConfiguration() follows includes as deep as Kea does", () => {
  const chain = (length: number) =>
    Object.fromEntries(
      Array.from(
        { length },
        (_, index) => [`${index}`, index + 1 < length ? `<?include "${index + 1}"?>` : "1"],
      ),
    );
  assert.equal(parse('<?include "0"?>', chain(11)), 1);
  assert.throws(() => parse('<?include "0"?>', chain(12)), /included more than 11 deep/);
});

const REFUSED: Readonly<Record<string, RegExp>> = {
  "": /^line 1: expected a value, found the end$/,
  '{\n"a" 1 }': /^line 2: expected :, found a value$/,
  "{ 1: 2 }": /^line 1: expected a name, found a value$/,
  "[ , 1 ]": /expected a value, found ,/,
  "[ 1 2 ]": /expected , or \], found a value/,
  "[ 1 }": /expected , or \], found }/,
  "1 2": /expected the end, found a value/,
  '{ "a": 1, "a": 2 }': /a name that its map has already/,
  "[ 1 /* ]": /a comment that does not end/,
  '[ "a\n" ]': /a string with a character that must be escaped/,
  '[ "a': /a string that does not end/,
  '[ "\\u0100" ]': /a string with a character that must be escaped/,
  "[ - ]": /a number that is none/,
  "[ . ]": /a number that is none/,
  "[ e5 ]": /a number that is none/,
  "[ 9223372036854775808 ]": /a number that is none, or too large/,
  "[ True ]": /a character that cannot stand there/,
  "[ \ufeff ]": /a character that cannot stand there/,
  '<?include ""?>': /a directive that is not/,
  '<?include "x">': /a directive that does not end/,
  '<?include "open"?>': /^line 2 of the included "open": a comment that does not end$/,
  [`${"[".repeat(1000)}${"]".repeat(1000)}`]: /lists and maps more than 200 deep/,
};

for (const [text, why] of Object.entries(REFUSED)) {
  Deno.test(`parseConfiguration() refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
    assert.throws(() => parse(text, { x: "1", open: "[ \n/*" }), { message: why });
  });
}

Deno.test("parseConfiguration() says nothing of what a file holds that is none", () => {
  const shadow = "root:$6$secret$hash:19000:0:99999:7:::\n";
  for (const text of [shadow, `{ "a": ${shadow}`, `"${shadow}`, `1${shadow}`]) {
    assert.throws(
      () => parse(text),
      (error: Error) => !/root|secret|hash|6|19000/.test(error.message),
    );
  }
});

/** Milliseconds of CPU that this thread has had, whatever else this machine does. */
function cpuTime(): number {
  return Number(Deno.readTextFileSync("/proc/thread-self/schedstat").split(" ")[0]) / 1e6;
}

/** What a text takes of a CPU until it is read or refused, milliseconds. */
function timeOf(text: string): number {
  const started = cpuTime();
  try {
    parse(text);
  } catch (error) {
    assert.equal((error as Error).name, "ConfigurationSyntaxError");
  }
  return cpuTime() - started;
}

Deno.test("parseConfiguration() reads or refuses a megabyte of any single character in under a second of CPU", () => {
  for (let code = 0; code < 256; code++) {
    const many = (count: number) => String.fromCharCode(code).repeat(count);
    const less = many(100_000);
    for (
      const whole of [many(1_000_000), `{ "a": 1,${less}`, `[ "${less}`, `[ 1, "\\${less}"`]
    ) {
      const time = timeOf(whole);
      assert.ok(time < 1000, `${time} ms for character ${code}`);
    }
  }
});

Deno.test("parseConfiguration() reads values through any layout of comments, commas and includes", () => {
  fc.assert(
    fc.property(values, fc.infiniteStream(fc.nat()), (value, random) => {
      const { text, files } = layout(value, () => random.next().value);
      assert.deepEqual(parse(text, files), value);
    }),
    { numRuns: 500, seed: 14 },
  );
});

Deno.test("parseConfiguration() reads or refuses whatever becomes of a configuration on its way", () => {
  const piece = fc.constantFrom(...'"\\{}[],:#/*<?>-+.0e\n\0\xff', "/*", "<?include", "//", "");
  const change = fc.tuple(fc.nat(), fc.nat({ max: 5 }), piece);
  fc.assert(
    fc.property(
      values,
      fc.infiniteStream(fc.nat()),
      fc.array(change, { minLength: 1, maxLength: 4 }),
      (value, random, changes) => {
        const { text, files } = layout(value, () => random.next().value);
        const changed = changes.reduce((text, [at, length, piece]) => {
          const from = at % (text.length + 1);
          return text.slice(0, from) + piece + text.slice(from + length);
        }, text);
        try {
          parseConfiguration(changed, (path) => files[path] ?? "[]");
        } catch (error) {
          assert.equal((error as Error).name, "ConfigurationSyntaxError", changed);
        }
      },
    ),
    { numRuns: 2000, seed: 14 },
  );
});
