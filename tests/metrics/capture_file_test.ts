import assert from "node:assert/strict";
import { join } from "node:path";
import { readCapture } from "../../metrics/capture.ts";
import { CaptureFile } from "../../metrics/capture_file.ts";
import { WriteError } from "../../system/replace_file.ts";
import { END, HEADER, sampleAt } from "./capture_records.ts";

const FILE = import.meta.resolve("../../metrics/capture_file.ts");

/** A folder of the test's own. */
async function folder(): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

async function recordsIn(path: string) {
  return await Array.fromAsync(readCapture((await Deno.open(path)).readable));
}

Deno.test("CaptureFile appends records that readCapture() reads, each at once", async () => {
  await using place = await folder();
  const path = join(place.path, "capture.ndjson");
  using file = CaptureFile.create(path);
  file.append(HEADER);
  assert.deepEqual(await recordsIn(path), [HEADER]);
  file.append(sampleAt(1, {}));
  file.append(END);
  assert.deepEqual(await recordsIn(path), [HEADER, sampleAt(1, {}), END]);
});

Deno.test("CaptureFile.create() leaves a file that is there alone", async () => {
  await using place = await folder();
  const path = join(place.path, "capture.ndjson");
  await Deno.writeTextFile(path, "mine");
  assert.throws(() => CaptureFile.create(path), WriteError);
  assert.equal(await Deno.readTextFile(path), "mine");
});

Deno.test("CaptureFile keeps whole lines when there is no room, says so, and goes on with room", async () => {
  await using place = await folder();
  const path = join(place.path, "capture.ndjson");
  // A limit on the size of files ends a write half way, as a full disk does, and needs no root.
  const script = `
    import { CaptureFile } from ${JSON.stringify(FILE)};
    const header = ${JSON.stringify(HEADER)};
    const note = (length) => ({ type: "note", elapsed_ns: 0, reason: "x".repeat(length) });
    using file = CaptureFile.create(Deno.args[0]);
    file.append(header);
    try { file.append(note(10_000)); } catch (error) { console.log(error.message); }
    file.append(note(10));
  `;
  const program = join(place.path, "write.js");
  await Deno.writeTextFile(program, script);
  const { code, stdout, stderr } = await new Deno.Command("bash", {
    args: [
      "-c",
      'trap "" XFSZ; deno="$1"; shift; ulimit -f 4; exec "$deno" run -A --no-code-cache "$@"',
      "bash",
      Deno.execPath(),
      program,
      path,
    ],
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  assert.equal(
    new TextDecoder().decode(stdout),
    `Cannot write "${path}" (File too large): make room; earlier windows are kept\n`,
  );
  assert.deepEqual(await recordsIn(path), [
    HEADER,
    { type: "note", elapsed_ns: 0, reason: "x".repeat(10) },
  ]);
});

Deno.test("CaptureFile gives what it has written, whatever has its name by then", async () => {
  await using place = await folder();
  const path = join(place.path, "capture.ndjson");
  using capture = CaptureFile.create(path);
  capture.append(HEADER);
  assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
  await Deno.rename(path, join(place.path, "away"));
  await Deno.writeTextFile(path, "another user's");
  assert.deepEqual(await Array.fromAsync(readCapture(ReadableStream.from(capture.pieces()))), [
    HEADER,
  ]);
});
