import assert from "node:assert/strict";
import { readCapture } from "../../metrics/capture.ts";
import { readChanges } from "../../metrics/capture_changes.ts";
import { documentOf, WindowBuilder } from "../../metrics/windows.ts";
import { WaitingWindows } from "../../metrics/waiting_windows.ts";

const REAL = new URL("fixtures/kea-2.2.0-bpftrace-0.17.0-deep.ndjson", import.meta.url);

async function written(folder: string, pretty: boolean): Promise<string> {
  const builder = new WindowBuilder();
  using windows = new WaitingWindows(folder);
  for await (const record of readChanges((await Deno.open(REAL)).readable)) {
    if (builder.next(record) !== null) windows.add(builder.newest!);
  }
  const parts = [...windows.document(builder.document(), builder.unanswered(), pretty)];
  return parts.map((part) => new TextDecoder().decode(part)).join("");
}

for (const pretty of [false, true]) {
  Deno.test(
    `WaitingWindows.document() is the document that memory would hold, ${
      pretty ? "pretty" : "compact"
    }`,
    async () => {
      const folder = await Deno.makeTempDir();
      try {
        const whole = await documentOf(readCapture((await Deno.open(REAL)).readable));
        const text = await written(folder, pretty);
        assert.equal(text, `${JSON.stringify(JSON.parse(text), null, pretty ? 2 : 0)}\n`);
        assert.deepEqual(JSON.parse(text), whole);
        assert.deepEqual([...Deno.readDirSync(folder)], []);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  );
}

Deno.test("WaitingWindows makes a document without windows", () => {
  using windows = new WaitingWindows(Deno.makeTempDirSync());
  const document = new WindowBuilder();
  document.next({
    ...{ type: "capture", version: 1, tool: "", started: "2026-01-01T00:00:00Z" },
    ...{ interval_seconds: 1, profile: "light", bpftrace: "0.17.0" },
    server: { family: 4, pid: 1, version: "", executable: "", host: "" },
    plan: {
      files: [],
      sites: [],
      operations: [],
      forecast_us_per_exchange: 0,
      not_available: [],
    },
  });
  for (const pretty of [false, true]) {
    const parts = [...windows.document(document.document(), () => [], pretty)];
    const text = parts.map((part) => new TextDecoder().decode(part)).join("");
    assert.deepEqual(JSON.parse(text), document.document());
  }
});

Deno.test("WaitingWindows says where it cannot write", () => {
  assert.throws(() => new WaitingWindows("/nonexistent"), {
    name: "WriteError",
    message: /^Cannot write to "\/nonexistent" \(No such file or directory\): /,
  });
});
