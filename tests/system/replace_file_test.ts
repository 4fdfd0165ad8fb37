import assert from "node:assert/strict";
import { join } from "node:path";
import { replaceFile } from "../../system/replace_file.ts";

Deno.test("replaceFile() replaces a whole file and leaves nothing beside it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = join(folder, "metrics.json");
    await replaceFile(path, "old");
    await replaceFile(path, "new");
    assert.equal(await Deno.readTextFile(path), "new");
    assert.equal((await Array.fromAsync(Deno.readDir(folder))).length, 1);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("replaceFile() says which file cannot be written", async () => {
  await assert.rejects(replaceFile("/proc/nowhere/metrics.json", "new"), {
    name: "WriteError",
    message:
      'Cannot write "/proc/nowhere/metrics.json" (No such file or directory): make room or give another folder',
  });
});
