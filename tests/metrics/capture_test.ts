import assert from "node:assert/strict";
import fc from "fast-check";
import { CaptureError, type CaptureRecord, readCapture } from "../../metrics/capture.ts";
import { parseDocument } from "../../metrics/document.ts";
import { documentOf } from "../../metrics/document_builder.ts";
import { pathOf } from "./fixtures/captures.ts";
import { END, HEADER, sampleAt, streamOf } from "./capture_records.ts";

const RECORDS: readonly CaptureRecord[] = [
  { ...HEADER, server: { ...HEADER.server, host: "zürich-\u{1F980}" } },
  sampleAt(1, {}),
  sampleAt(2, { "@processing": [[1, 2, 104, 3, 30_000]] }),
  { type: "note", elapsed_ns: 2e9, reason: "bpftrace lost 1 of its own events" },
  sampleAt(3, { "@processing": [[1, 2, 104, 5, 50_000]] }),
  END,
];
const TEXT = RECORDS.map((record) => `${JSON.stringify(record)}\n`).join("");

Deno.test("readCapture() reads what was written, in pieces of any size", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 5000 }), async (piece) => {
      assert.deepEqual(await Array.fromAsync(readCapture(streamOf(TEXT, piece))), RECORDS);
    }),
    { numRuns: 20 },
  );
});

Deno.test("readCapture() reads a capture cut at any byte up to the cut, and it becomes a document", async () => {
  const bytes = new TextEncoder().encode(TEXT);
  const headerLength = bytes.indexOf(10) + 1;
  for (let cut = headerLength; cut < bytes.length; cut++) {
    const whole = bytes.subarray(0, cut).filter((byte) => byte === 10).length;
    const records = await Array.fromAsync(readCapture(streamOf(bytes.subarray(0, cut))));
    assert.deepEqual(records, RECORDS.slice(0, whole), `cut at ${cut}`);
    const { capture, windows } = await documentOf(records);
    assert.equal(capture.verdict, "PARTIAL");
    assert.ok(capture.reasons.includes("The capture was cut off: it has no end"), `cut at ${cut}`);
    assert.equal(
      windows.length,
      Math.max(0, records.filter((r) => r.type === "sample").length - 1),
    );
  }
});

Deno.test("readCapture() says that a capture cut in its header holds nothing", async () => {
  for (const cut of [0, 1, 100]) {
    await assert.rejects(Array.fromAsync(readCapture(streamOf(TEXT.slice(0, cut)))), {
      name: "CaptureError",
      message: "Cannot read the capture: it has no complete line",
    });
  }
});

const [HEADER_LINE] = TEXT.split("\n");
const REFUSED: readonly (readonly [why: string, text: string, message: RegExp])[] = [
  ["not JSON", `${HEADER_LINE}\n{"type":"note",\n`, /line 2 of the capture: it is not JSON$/],
  [
    "a field that is missing",
    `${HEADER_LINE}\n{"type":"note"}\n`,
    /line 2 of the capture: elapsed_ns:/,
  ],
  ["an unknown type", `${HEADER_LINE}\n\n{"type":"x"}\n`, /line 3 of the capture: type:/],
  [
    "a row that is none",
    `${HEADER_LINE}\n${
      JSON.stringify(sampleAt(1, { "@sent": [[1, 2, 1, 300]] })).replace("[1,2,1,300]", "{}")
    }\n`,
    /line 2 of the capture: maps\.@sent: expected rows of numbers and texts$/,
  ],
  ["another version", '{"type":"capture","version":1}\n', /version 1: expected version 2$/],
  ["another format", '{"schema":"kea-metrics/1"}\n', /its first line is not of type "capture"$/],
  ["a second capture", TEXT + TEXT, /line 7 of the capture: another capture begins here, give one/],
  ["a header behind notes", `${HEADER_LINE}\n${HEADER_LINE}\n`, /line 2 of the capture: another/],
  ["empty lines alone", "\n\n", /it has no complete line$/],
  ["a line that is no object", "null\n", /its first line is not of type "capture"$/],
];

for (const [why, text, message] of REFUSED) {
  Deno.test(`readCapture() refuses ${why}, in one line`, async () => {
    await assert.rejects(Array.fromAsync(readCapture(streamOf(text))), (error) => {
      assert.ok(error instanceof CaptureError);
      assert.match(error.message, message);
      assert.ok(!error.message.includes("\n"));
      return true;
    });
  });
}

const sampleWith = (row: string) =>
  `${HEADER_LINE}\n${JSON.stringify(sampleAt(0, {}))}\n${
    JSON.stringify(sampleAt(1, { "@processing": [[1]] })).replace("[1]", row)
  }\n`;

for (
  const [what, row, message] of [
    ["without a count", "[]", /record 3 .*does not end with what it counts$/],
    ["with a fraction for its count", "[1,2,100,1.5,3]", /does not end with what it counts$/],
    ["with a negative count", "[1,2,100,-1,3]", /does not end with what it counts$/],
    ["with text for its sum", '[1,2,100,1,"3"]', /does not end with what it counts$/],
    ["without a bucket", "[1,3]", /names no bucket$/],
    ["with a bucket that no program has", "[1,2,10000,1,3]", /names no bucket$/],
  ] as const
) {
  Deno.test(`documentOf() refuses a row ${what}, in one line`, async () => {
    await assert.rejects(documentOf(readCapture(streamOf(sampleWith(row)))), (error) => {
      assert.ok(error instanceof CaptureError);
      assert.match(error.message, message);
      assert.ok(!error.message.includes("\n"));
      return true;
    });
  });
}

Deno.test("readCapture() refuses damage by its line or reads on, whatever is damaged", async () => {
  const lines = (await Deno.readTextFile(pathOf("v4"))).split("\n").slice(0, 4);
  const bytes = new TextEncoder().encode(`${lines.join("\n")}\n`);
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(255), async (at, byte) => {
      const damaged = bytes.slice();
      damaged[at] = byte;
      try {
        const document = await documentOf(readCapture(streamOf(damaged, 65_536)));
        parseDocument(JSON.parse(JSON.stringify(document)));
      } catch (error) {
        assert.ok(error instanceof Error && error.name === "CaptureError", String(error));
        assert.match(error.message, /line \d|record \d|first line|version/);
      }
    }),
    { numRuns: 2000 },
  );
});
