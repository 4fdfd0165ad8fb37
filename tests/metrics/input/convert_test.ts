import assert from "node:assert/strict";
import { readCapture } from "../../../metrics/capture.ts";
import { piecesOf } from "../../../system/file_bytes.ts";
import { parseDocument } from "../../../metrics/document.ts";
import { documentOf } from "../../../metrics/document_builder.ts";
import { convert } from "../../../metrics/input/convert.ts";
import { pathOf } from "../fixtures/captures.ts";

const CAPTURE = pathOf("v4");
const OUTPUT = new URL("fixtures/values-bpftrace-0.17.0.txt", import.meta.url);

async function converted(input: Iterable<Uint8Array>, pretty = false): Promise<string> {
  let text = "";
  for await (const piece of convert(input, pretty)) text += new TextDecoder().decode(piece);
  return text;
}

const bytes = (text: string) => [new TextEncoder().encode(text)];

const fixture = (name: string) =>
  Deno.readTextFileSync(new URL(`fixtures/${name}`, import.meta.url));

/** What jq makes of bpftrace's JSON, with the members in its order or sorted. */
function rewritten(json: string, indentation: number, isSorted = false): string[] {
  return json.split("\n").filter((line) => line !== "").map((line) => {
    const { type, data, ...more } = JSON.parse(line);
    return JSON.stringify(
      isSorted ? { ...more, data, type } : { type, ...more, data },
      null,
      indentation,
    );
  });
}

for (const version of ["0.17.0", "0.23.2", "0.27.1"]) {
  const json = fixture(`utf8-bpftrace-${version}.ndjson`);
  const warning = "ERROR: Unknown error -1: couldn't set RLIMIT_MEMLOCK for bpftrace.\n";
  for (
    const [what, text] of [
      ["behind a warning", warning + json],
      ["as jq . prints it", rewritten(json, 2).join("\n")],
      ["as jq -c prints it", rewritten(json, 0).join("\n")],
      ["as jq -S -c prints it", rewritten(json, 0, true).join("\n")],
      ["as jq -s prints it", `[\n${rewritten(json, 2).join(",\n").replaceAll(/^/gm, "  ")}\n]\n`],
      ["as jq -s -c prints it", `[${rewritten(json, 0).join(",")}]\n`],
      ["in color", json.replaceAll(/"[^"]*"/g, "\x1b[34;1m$&\x1b[m")],
      ["with line ends of Windows", json.replaceAll("\n", "\r\n")],
      ["with a byte order mark", `\ufeff${json}`],
    ] as const
  ) {
    Deno.test(`convert() reads JSON of bpftrace ${version} ${what}`, async () => {
      const { printed: _, ...expected } = JSON.parse(await converted(bytes(json)));
      const { printed: __, ...document } = JSON.parse(await converted(bytes(text)));
      assert.deepEqual(document, expected);
      assert.equal(document.totals.length, 7);
    });
  }

  const text = fixture(`values-bpftrace-${version}.txt`);
  for (
    const [what, changed] of [
      ["with line ends of Windows", text.replaceAll("\n", "\r\n")],
      ["as script writes it", text.replaceAll("\n", "\r\r\n")],
      ["in color", text.replaceAll(/^@\w*/gm, "\x1b[35m\x1b[K$&\x1b[m\x1b[K")],
    ] as const
  ) {
    Deno.test(`convert() reads text of bpftrace ${version} ${what}`, async () => {
      assert.equal(await converted(bytes(changed)), await converted(bytes(text)));
    });
  }

  for (
    const [what, prefix, message] of [
      ["docker logs -t", "2026-11-25T07:02:33.123456789Z ", /give docker logs without -t$/],
      ["journald", "Nov 25 07:02:33 host bpftrace[123]: ", /give journalctl -o cat$/],
      ["docker compose", "trace-1  | ", /give docker compose logs --no-log-prefix$/],
    ] as const
  ) {
    Deno.test(`convert() refuses the prefix of ${what}, bpftrace ${version}`, async () => {
      for (const each of [text, json]) {
        const lines = bytes(each.replaceAll(/^(?=.)/gm, prefix));
        await assert.rejects(converted(lines), { name: "BpftraceOutputError", message });
      }
    });
  }
}

Deno.test("convert() says which helper failed in JSON behind a warning, and is PARTIAL", async () => {
  const { capture } = JSON.parse(
    await converted(bytes(
      `WARNING: Addrspace is not set\n` +
        `{"type": "helper_error", "helper": "probe_read_str", "retcode": -14, "line": 1, "col": 1}\n` +
        `{"type": "map", "data": {"@x": 1}}\n`,
    )),
  );
  assert.equal(capture.verdict, "PARTIAL");
  assert.deepEqual(capture.reasons, ["helper_error: probe_read_str (line 2)"]);
});

Deno.test("convert() keeps what a command prints among JSON as text", async () => {
  const { capture, printed, totals } = JSON.parse(
    await converted(bytes(
      '{"type": "attached_probes", "data": {"probes": 1}}\n' +
        '[1/2] building\nchild\n{"type": "map", "data": {"@x": 1}}\n',
    )),
  );
  assert.equal(capture.verdict, "COMPLETE");
  assert.deepEqual(printed.newest, ["[1/2] building", "child"]);
  assert.equal(totals.length, 1);
});

/** Bytes of UTF-16. */
function utf16(text: string, mark: boolean): Uint8Array[] {
  const units = [...mark ? [0xfeff] : [], ...text.split("").map((each) => each.charCodeAt(0))];
  return [new Uint8Array(Uint16Array.from(units).buffer)];
}

const gzip = async (text: string) =>
  await Array.fromAsync(new Blob([text]).stream().pipeThrough(new CompressionStream("gzip")));

for (
  const [what, input, message] of [
    ["gzip", await gzip("@x: 1\n"), /is compressed: give what gzip -dc makes of it$/],
    ["UTF-16", utf16("@x: 1\n", true), /is UTF-16: give what iconv/],
    ["UTF-16 without a mark", utf16("@x: 1\n", false), /is UTF-16: give what iconv/],
    ["a program", [await Deno.readFile("/bin/ls")], /is no text, it holds a zero byte$/],
    ["a list of users", bytes("root:x:0:0:root:/root:/bin/bash\n"), /expected a capture/],
    ["a page", bytes("<!DOCTYPE html>\n<p>502 Bad Gateway</p>\n"), /expected a capture/],
    ["a talk", bytes("@ann: hello\n@bob: hi\n"), /expected a capture/],
    ["other JSON", bytes('{"name": "x", "type": "module"}\n'), /expected a capture/],
    ["other pretty JSON", bytes('{\n  "name": "x"\n}\n'), /line 3 .*type "null" is not known$/],
    [
      "two runs of text",
      bytes("Attaching 1 probe...\n@x: 1\nAttaching 1 probe...\n"),
      /line 3 .*another run/,
    ],
    [
      "two runs of JSON",
      bytes('{"type": "attached_probes", "data": {"probes": 1}}\n'.repeat(2)),
      /line 2 .*another run/,
    ],
    [
      "a capture behind text",
      bytes('Watching\n{"type":"capture","version":1}\n'),
      /line 2 .*a capture begins/,
    ],
    [
      "a line of 65 MiB",
      Array(65).fill(new Uint8Array(2 ** 20).fill(65)),
      /line 1 has over 64 MiB$/,
    ],
  ] as const
) {
  Deno.test(`convert() refuses ${what}, in one line`, async () => {
    await assert.rejects(converted(input), (error: Error) => {
      assert.match(error.message, message);
      assert.match(error.name, /^(?:InputError|BpftraceOutputError)$/);
      return true;
    });
  });
}

Deno.test("convert() is PARTIAL where text ends in the middle of a line or of a histogram", async () => {
  const bar = `[2, 4)                 1 |${"@".repeat(52)}|\n`;
  for (const text of ["@x: 12\n@y: 1", `@x: 1\n@h:\n${bar}`, "@x: 1\n@k[\n    vfs_read+0\n"]) {
    const { capture } = JSON.parse(await converted(bytes(text)));
    assert.deepEqual([capture.verdict, capture.reasons.length], ["PARTIAL", 1], text);
  }
});

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
    [
      "a capture of another version",
      '{"type":"capture","version":1}\n',
      /version 1: expected version 2/,
    ],
  ] as const
) {
  Deno.test(`convert() refuses ${what}, in one line`, async () => {
    await assert.rejects(converted(bytes(text)), (error: Error) => {
      assert.match(error.message, message);
      return true;
    });
  });
}
