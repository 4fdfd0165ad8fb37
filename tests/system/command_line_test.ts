import assert from "node:assert/strict";
import { join } from "node:path";
import { makeOwnOutput } from "../../system/command_line.ts";

Deno.test("makeOwnOutput() makes a folder for this user alone, and leaves one that is there", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const taken = join(folder, "run");
    await Deno.symlink("/nonexistent/elsewhere", taken);
    const made = await makeOwnOutput(taken);
    assert.equal(made, `${taken}-2`);
    assert.equal((await Deno.lstat(made)).mode! & 0o777, 0o700);
    assert.equal(await makeOwnOutput(taken), `${taken}-3`);
    await assert.rejects(
      makeOwnOutput(join(folder, "no/such/place")),
      /Cannot write to .* \(No such file or directory\): give another folder with -o/,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a line for systemd's journal begins with its priority, one for a file does not", async () => {
  const folder = await Deno.makeTempDir();
  const script = join(import.meta.dirname!, "../../hollow/ebpf_to_json.ts");
  const log = join(folder, "log");
  const says = async (stream: string) => {
    const shell = `exec 2>"$1"; export JOURNAL_STREAM=${stream}; "$2" run -A "$3" /nonexistent`;
    const args = ["-c", shell, "sh", log, Deno.execPath(), script];
    await new Deno.Command("sh", { args, stdin: "null", stdout: "null" }).output();
    return await Deno.readTextFile(log);
  };
  try {
    assert.match(await says('$(stat -c %d:%i "$1")'), /^<3>error: Cannot read "\/nonexistent"/);
    assert.match(await says("1:1"), /^error: Cannot read "\/nonexistent"/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
