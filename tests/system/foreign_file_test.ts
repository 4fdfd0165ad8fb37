import assert from "node:assert/strict";
import { leaseOn } from "./lease_holder.ts";
import { ForeignFileError, readForeignFile } from "../../system/foreign_file.ts";

const text = (path: string, limit = 1000) =>
  new TextDecoder().decode(readForeignFile(Deno.pid, path, limit));

function refusal(path: string, limit = 1000): string {
  try {
    readForeignFile(Deno.pid, path, limit);
  } catch (error) {
    if (error instanceof ForeignFileError) return error.message;
    throw error;
  }
  return "it was read";
}

Deno.test("readForeignFile() reads regular files alone, up to a limit", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/plain`, "twelve bytes");
    await Deno.symlink("plain", `${folder}/link`);
    await Deno.symlink("/proc/self/exe", `${folder}/magic`);
    await new Deno.Command("mkfifo", { args: [`${folder}/pipe`] }).output();
    assert.equal(text(`${folder}/plain`, 12), "twelve bytes");
    assert.equal(text(`${folder}/link`), "twelve bytes");
    assert.equal(refusal(`${folder}/plain`, 11), "it is larger than 11 bytes");
    assert.equal(refusal(`${folder}/none`), "there is no such file");
    assert.equal(refusal(`${folder}/pipe`), "it is no regular file");
    assert.equal(refusal(folder), "it is no regular file");
    assert.equal(refusal("/dev/zero"), "it is no regular file");
    assert.equal(refusal(`${folder}/magic`), "its links lead nowhere");
    assert.equal(refusal(`${folder}/plain\0`), "its name holds a zero byte");
    assert.equal(text("/proc/uptime"), "");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("readForeignFile() says which process has ended", () => {
  assert.throws(() => readForeignFile(2 ** 30, "/etc/hostname", 1000), ForeignFileError);
});

Deno.test("readForeignFile() does not wait for one who has a lease on a file", async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, "text");
  {
    await using _holder = await leaseOn(path);
    assert.equal(refusal(path), "another process has a lease on it and lets no one open it");
  }
  assert.equal(text(path), "text");
  await Deno.remove(path);
});
