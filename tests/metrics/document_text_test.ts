import assert from "node:assert/strict";
import { type CaptureRecord, readCapture } from "../../metrics/capture.ts";
import { documentText } from "../../metrics/document_text.ts";
import { documentOf } from "../../metrics/windows.ts";
import { END, HEADER, packed, sampleAt } from "./capture_records.ts";

const REAL = new URL("fixtures/kea-2.2.0-bpftrace-0.17.0-deep.ndjson", import.meta.url);

const CAPTURES: readonly (readonly [what: string, records: readonly CaptureRecord[]])[] = [
  ["a real run", await Array.fromAsync(readCapture((await Deno.open(REAL)).readable))],
  ["a run without a window", [HEADER, END]],
  ["a run with one empty window", [HEADER, sampleAt(0, {}), sampleAt(1, {}), END]],
  [
    "a window of unanswered packets alone",
    [
      { ...HEADER, server: { ...HEADER.server, host: '"],\u2028\u{1F980}' } },
      sampleAt(0, {}),
      sampleAt(1, { "@received": { "1,1": packed(3, 900, 40) } }),
    ],
  ],
];

for (const [what, records] of CAPTURES) {
  for (const pretty of [false, true]) {
    Deno.test(`documentText() writes ${what} as documentOf() has it${pretty ? ", pretty" : ""}`, async () => {
      let text = "";
      for await (const piece of documentText(asyncOf(records), pretty)) {
        text += new TextDecoder().decode(piece);
      }
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(await documentOf(records))));
      assert.equal(text, `${JSON.stringify(JSON.parse(text), null, pretty ? 2 : 0)}\n`);
    });
  }
}

async function* asyncOf(records: readonly CaptureRecord[]) {
  yield* records;
}
