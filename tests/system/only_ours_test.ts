import assert from "node:assert/strict";
import { join } from "node:path";
import { isOnlyOurs, isRootsAlone } from "../../system/only_ours.ts";
import { inFolder } from "./in_folder.ts";

Deno.test("isOnlyOurs() takes a folder that no other user can write or replace", () =>
  inFolder((folder) => {
    const [outer, inner] = [join(folder, "outer"), join(folder, "outer", "inner")];
    Deno.mkdirSync(inner, { recursive: true, mode: 0o755 });
    assert.ok(isOnlyOurs(inner));
    assert.ok(isOnlyOurs(join(inner, "not", "there")));
    Deno.chmodSync(inner, 0o777);
    assert.ok(!isOnlyOurs(inner));
    Deno.chmodSync(inner, 0o755);
    Deno.chmodSync(outer, 0o777);
    assert.ok(!isOnlyOurs(inner));
    // As /tmp is: no other user can take away what is there.
    Deno.chmodSync(outer, 0o1777);
    assert.ok(isOnlyOurs(inner));
    assert.ok(!isOnlyOurs(outer));
  }));

Deno.test("isOnlyOurs() judges what a link leads to, and where it stands", () =>
  inFolder((folder) => {
    const [target, link] = [join(folder, "target"), join(folder, "link")];
    Deno.mkdirSync(target, { mode: 0o755 });
    Deno.symlinkSync(target, link);
    assert.ok(isOnlyOurs(link));
    Deno.chmodSync(target, 0o777);
    assert.ok(!isOnlyOurs(link));
    Deno.removeSync(target);
    assert.ok(!isOnlyOurs(link));
  }));

Deno.test({
  name: "isRootsAlone() takes a file that only root can change, at its own path",
  ignore: Deno.uid() !== 0,
  fn: () =>
    inFolder(async (folder) => {
      const [file, link] = [join(folder, "file"), join(folder, "link")];
      assert.ok(!await isRootsAlone(file));
      Deno.writeTextFileSync(file, "", { mode: 0o644 });
      Deno.symlinkSync(file, link);
      assert.ok(await isRootsAlone(file));
      assert.ok(!await isRootsAlone(link));
      Deno.chmodSync(file, 0o664);
      assert.ok(!await isRootsAlone(file));
      Deno.chmodSync(file, 0o644);
      Deno.chownSync(folder, 65534, 65534);
      assert.ok(!await isRootsAlone(file));
    }),
});
