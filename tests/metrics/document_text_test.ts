import assert from "node:assert/strict";
import type { CaptureRecord } from "../../metrics/capture.ts";
import { documentText } from "../../metrics/document_text.ts";
import { documentOf } from "../../metrics/document_builder.ts";
import { recordsOf } from "./fixtures/captures.ts";
import { END, HEADER, sampleAt } from "./capture_records.ts";

const CAPTURES: readonly (readonly [what: string, records: readonly CaptureRecord[]])[] = [
  ["a real run", await recordsOf("v4")],
  ["a real run of DHCPv6", await recordsOf("v6")],
  ["a real run with a database", await recordsOf("sql")],
  ["a run without a window", [HEADER, END]],
  ["a run with one empty window", [HEADER, sampleAt(0, {}), sampleAt(1, {}), END]],
  [
    "a window of unanswered packets alone",
    [
      { ...HEADER, server: { ...HEADER.server, host: '"],\u2028\u{1F980}' } },
      sampleAt(0, {}),
      sampleAt(1, { "@received": [[1, 1, 3, 900]] }),
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
