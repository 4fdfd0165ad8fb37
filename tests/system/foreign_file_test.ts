import assert from "node:assert/strict";
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
  const holder = new Deno.Command("python3", {
    args: [
      "-c",
      "import fcntl, os, signal, sys; signal.signal(signal.SIGIO, signal.SIG_IGN); " +
      "fd = os.open(sys.argv[1], os.O_RDWR); fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK); " +
      "print(flush=True); sys.stdin.read()",
      path,
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const output = holder.stdout.getReader();
  assert.equal((await output.read()).done, false);
  await output.cancel();
  assert.equal(refusal(path), "another process has a lease on it and lets no one open it");
  await holder.stdin.close();
  await holder.status;
  assert.equal(text(path), "text");
  await Deno.remove(path);
});
