import assert from "node:assert/strict";
import { join } from "node:path";
import { isOnlyOurs, ownFolder } from "../../system/own_folder.ts";

async function inFolder(work: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

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
  name: "ownFolder() leaves the home of another user, as sudo -E gives it, for the host's folders",
  ignore: Deno.uid() !== 0,
  fn: () =>
    inFolder((home) => {
      const before = Deno.env.get("XDG_CACHE_HOME");
      try {
        Deno.env.set("XDG_CACHE_HOME", home);
        assert.equal(ownFolder("cache"), join(home, "kea-ebpf-monitoring"));
        Deno.chownSync(home, 65534, 65534);
        assert.equal(ownFolder("cache"), "/var/cache/kea-ebpf-monitoring");
      } finally {
        if (before === undefined) Deno.env.delete("XDG_CACHE_HOME");
        else Deno.env.set("XDG_CACHE_HOME", before);
      }
    }),
});
