import assert from "node:assert/strict";
import { leaseOn } from "./lease_holder.ts";
import { run, textOf } from "../../system/run.ts";
import { ForeignFileError } from "../../system/foreign_file.ts";
import { closeOnExec } from "../../system/libc.ts";
import { sealedCopy } from "../../system/sealed_copy.ts";

Deno.test("sealedCopy() gives children without rights a file that no one can change", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, "as it was");
    await Deno.chmod(path, 0o600);
    using copy = sealedCopy(path, 100);
    await Deno.writeTextFile(path, "changed");
    const read = await run(["cat", copy.path], { withoutRights: true });
    assert.equal(textOf(read), "as it was");
    const written = await run(["sh", "-c", `echo x > ${copy.path}`]);
    assert.notEqual(written.code, 0);
    const objdump = await run(["objdump", "-f", copy.path], { withoutRights: true });
    assert.match(new TextDecoder().decode(objdump.stderr), /file format not recognized/);
    assert.throws(() => sealedCopy(path, 3), ForeignFileError);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("a sealed copy stays for children when another thread loads the module that starts them", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, "as it was");
    using copy = sealedCopy(path, 100);
    closeOnExec();
    assert.equal(textOf(await run(["cat", copy.path], { withoutRights: true })), "as it was");
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("sealedCopy() does not wait for one who has a lease on a file", async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, "text");
  {
    await using _holder = await leaseOn(path);
    assert.throws(() => sealedCopy(path, 100), {
      name: "ForeignFileError",
      message: "another process has a lease on it and lets no one open it",
    });
  }
  await Deno.remove(path);
});
