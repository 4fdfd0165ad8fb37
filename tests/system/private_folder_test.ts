import assert from "node:assert/strict";
import { privateFolder, PrivateFolderError } from "../../system/private_folder.ts";

const exists = (path: string) => Deno.stat(path).then(() => true, () => false);

Deno.test("privateFolder() clears what a killed process left, and nothing of one that lives", async () => {
  const root = await Deno.makeTempDir();
  try {
    await using living = await privateFolder("symbols", root);
    // No process holds this one's lock.
    await Deno.mkdir(`${root}/symbols-dead/deep/deeper`, { recursive: true });
    await Deno.writeTextFile(`${root}/symbols-dead.lock`, "");
    await using another = await privateFolder("symbols", root);
    assert.ok(await exists(living.path) && await exists(another.path));
    assert.equal(await exists(`${root}/symbols-dead`), false);
    assert.equal((await Deno.stat(another.path)).mode! & 0o777, 0o700);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("privateFolder() leaves nothing behind", async () => {
  const root = await Deno.makeTempDir();
  {
    await using _folder = await privateFolder("symbols", root);
  }
  // Not recursively: it fails where anything is left.
  await Deno.remove(root);
});

Deno.test("privateFolder() refuses a place that others can write", async () => {
  const root = await Deno.makeTempDir();
  try {
    await Deno.chmod(root, 0o777);
    await assert.rejects(privateFolder("symbols", root), PrivateFolderError);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
