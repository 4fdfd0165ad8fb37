import assert from "node:assert/strict";
import { readCapture } from "../../metrics/capture.ts";
import { piecesOf } from "../../metrics/bytes.ts";
import { parseDocument } from "../../metrics/document.ts";
import { documentOf } from "../../metrics/windows.ts";
import { convert } from "../../hollow/convert.ts";

const CAPTURE = new URL(
  "../metrics/fixtures/kea-2.2.0-bpftrace-0.17.0-deep.ndjson",
  import.meta.url,
);
const OUTPUT = new URL("fixtures/bpftrace-0.17.0.txt", import.meta.url);

async function converted(input: Iterable<Uint8Array>, pretty = false): Promise<string> {
  let text = "";
  for await (const piece of convert(input, pretty)) text += new TextDecoder().decode(piece);
  return text;
}

const bytes = (text: string) => [new TextEncoder().encode(text)];

for (const pretty of [false, true]) {
  Deno.test(`convert() makes a capture its document, pretty: ${pretty}`, async () => {
    const whole = await documentOf(readCapture((await Deno.open(CAPTURE)).readable));
    using file = Deno.openSync(CAPTURE);
    const document = JSON.parse(await converted(piecesOf(file), pretty));
    assert.deepEqual(document, JSON.parse(JSON.stringify(whole)));
    parseDocument(document);
  });
}

Deno.test("convert() takes output of bpftrace in pieces of any size", async () => {
  const all = await Deno.readFile(OUTPUT);
  const pieces = (size: number) =>
    Array.from(
      { length: Math.ceil(all.length / size) },
      (_, at) => all.subarray(at * size, at * size + size),
    );
  const whole = await converted([all]);
  for (const size of [1, 7, 1000]) assert.equal(await converted(pieces(size)), whole);
  assert.equal(JSON.parse(whole).totals.length > 20, true);
});

for (
  const [what, text, message] of [
    ["nothing", "", /^Cannot convert the input: it is empty$/],
    ["empty lines", "\n \n", /^Cannot convert the input: it is empty$/],
    ["a document", '{"schema":"kea-metrics/1","server":{}}', /is a document of kea-metrics\/1/],
    ["a pretty document", '{\n  "schema": "kea-metrics/1",\n', /is a document of kea-metrics\/1/],
    ["a capture of another version", '{"type":"capture","version":2}\n', /version 1 is wanted/],
  ] as const
) {
  Deno.test(`convert() refuses ${what}, in one line`, async () => {
    await assert.rejects(converted(bytes(text)), (error: Error) => {
      assert.match(error.message, message);
      return true;
    });
  });
}
