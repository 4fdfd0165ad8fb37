import assert from "node:assert/strict";
import fc from "fast-check";
import { type CaptureRecord, readCapture, type Sample } from "../../metrics/capture.ts";
import { readChanges } from "../../metrics/capture_changes.ts";
import { parseDocument } from "../../metrics/document.ts";
import { documentOf } from "../../metrics/windows.ts";
import { END, HEADER, packed, sampleAt, streamOf } from "./capture_records.ts";

const REAL = new URL("fixtures/kea-2.2.0-bpftrace-0.17.0-deep.ndjson", import.meta.url);

const textOf = (records: readonly CaptureRecord[], blanks = false) =>
  records.map((record) => {
    const line = JSON.stringify(record);
    // Other programs write blanks between the parts.
    return `${blanks ? line.replaceAll(/"(?:[^"\\]|\\.)*"|[,:{}]/g, "$& ") : line}\n`;
  }).join("");

async function bothDocuments(text: string, piece?: number) {
  return await Promise.all([
    documentOf(readCapture(streamOf(text, piece))),
    documentOf(readChanges(streamOf(text, piece))),
  ]);
}

Deno.test("readChanges() leads to the same document of a real run as readCapture()", async () => {
  const text = await Deno.readTextFile(REAL);
  for (const piece of [1, 100, 65_536, 1e9]) {
    const [whole, changes] = await bothDocuments(text, piece);
    assert.deepEqual(changes, whole, `pieces of ${piece}`);
  }
});

Deno.test("readChanges() refuses a second capture, and reads one behind an empty line", async () => {
  const text = await Deno.readTextFile(REAL);
  const lines = text.split("\n").length;
  await assert.rejects(Array.fromAsync(readChanges(streamOf(text + text))), {
    name: "CaptureError",
    message:
      `Cannot read line ${lines} of the capture: another capture begins here, give one at a time`,
  });
  const [whole, changes] = await bothDocuments(`\n${text}`);
  assert.deepEqual(changes, whole);
});

const value = fc.oneof(
  fc.integer(),
  fc.nat(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
);
const key = fc.oneof(
  fc.constantFrom("1,2,104", "1,2,105", "3,5,96", "", "constructor"),
  // The other reader drops this one.
  fc.string({ unit: "binary", maxLength: 6 }).filter((key) => key !== "__proto__"),
);
const maps = fc.dictionary(
  fc.constantFrom("@processing", "@sent", "@exceptions", "@other", "@log"),
  fc.oneof(value, fc.array(fc.tuple(key, value), { maxLength: 8 }).map(Object.fromEntries)),
);

Deno.test("readChanges() sees whatever changes in maps as readCapture() does", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(maps, { maxLength: 6 }),
      fc.boolean(),
      async (all, blanks) => {
        const text = textOf([HEADER, ...all.map((each, at) => sampleAt(at, each)), END], blanks);
        const told = (error: Error) => error.message;
        const [whole, changes] = await Promise.all([
          documentOf(readCapture(streamOf(text))).catch(told),
          documentOf(readChanges(streamOf(text))).catch(told),
        ]);
        assert.deepEqual(changes, whole);
      },
    ),
    { numRuns: 500 },
  );
});

Deno.test("readChanges() follows keys that change places, come and grow, as bpftrace sorts them", async () => {
  const step = fc.tuple(fc.constantFrom("90", "91", "92", "93", "94", "95"), fc.nat(3));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(step, { maxLength: 4 }), { maxLength: 12 }), async (all) => {
      const counts = new Map<string, number>();
      const samples = all.map((steps, at): Sample => {
        for (const [key, count] of steps) counts.set(key, (counts.get(key) ?? 0) + count);
        const sorted = [...counts].toSorted(([, a], [, b]) => a - b);
        return sampleAt(at, {
          "@lease_file_write": Object.fromEntries(
            sorted.map(([key, count]) => [key, packed(count, 1000 * count, 44)]),
          ),
        });
      });
      const [whole, changes] = await bothDocuments(textOf([HEADER, ...samples, END]));
      assert.deepEqual(changes, whole);
    }),
    { numRuns: 300 },
  );
});

Deno.test("readChanges() reads a capture cut at any byte up to the cut", async () => {
  const text = textOf([HEADER, sampleAt(0, {}), sampleAt(1, { "@sent": { "1,2": 5 } }), END]);
  for (let cut = text.indexOf("\n") + 1; cut < text.length; cut++) {
    const [whole, changes] = await bothDocuments(text.slice(0, cut));
    assert.deepEqual(changes, whole, `cut at ${cut}`);
  }
});

const [header] = textOf([HEADER]).split("\n");
const sample = (maps: string) =>
  `${header}\n${JSON.stringify(sampleAt(1, {})).replace('"maps":{}', `"maps":${maps}`)}\n`;

for (
  const [what, text, message] of [
    ["a map of a map", sample('{"@a":{"b":{}}}'), /line 2 .*maps\.@a: an integer is wanted/],
    ["a fraction", sample('{"@a":1.5}'), /line 2 .*maps\.@a: an integer is wanted/],
    ["an exponent", sample('{"@a":{"1":1e3}}'), /line 2 .*maps\.@a: an integer is wanted/],
    ["digits that no double holds", sample('{"@a":9007199254740993}'), /in quotes from 2\^53/],
    ["text for a number", sample('{"@a":{"1":"x"}}'), /maps\.@a: an integer is wanted/],
    ["a leading zero", sample('{"@a":01}'), /maps\.@a: an integer is wanted/],
    ["a key twice", sample('{"@a":{"1":1,"1":2}}'), /maps\.@a: two values for one key/],
    ["an end that is missing", sample('{"@a":{"1":1}'), /line 2 of the capture/],
    ["no maps", sample('""').replace('"maps":"",', ""), /line 2 of the capture: /],
    ["another version", '{"type":"capture","version":2}\n', /version 2, version 1 is wanted/],
    ["nothing", "", /it holds no complete line/],
  ] as const
) {
  Deno.test(`readChanges() refuses ${what}, in one line`, async () => {
    await assert.rejects(Array.fromAsync(readChanges(streamOf(text))), {
      name: "CaptureError",
      message,
    });
  });
}

Deno.test("readChanges() refuses damage by its line or reads on, whatever is damaged", async () => {
  const lines = (await Deno.readTextFile(REAL)).split("\n").slice(0, 4);
  const text = `${lines.join("\n")}\n`;
  const bytes = new TextEncoder().encode(text);
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(255), async (at, byte) => {
      const damaged = bytes.slice();
      damaged[at] = byte;
      try {
        const document = await documentOf(readChanges(streamOf(damaged, 65_536)));
        parseDocument(JSON.parse(JSON.stringify(document)));
      } catch (error) {
        assert.ok(error instanceof Error && error.name === "CaptureError", String(error));
        assert.match(error.message, /line \d|record \d|first line|version/);
      }
    }),
    { numRuns: 2000 },
  );
});
