import assert from "node:assert/strict";
import { FileCache } from "../../discovery/file_cache.ts";

Deno.test("FileCache remembers a file until its bytes change, and never takes another for it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const [one, other] = [`${folder}/one`, `${folder}/other`];
    for (const path of [one, other]) await Deno.writeTextFile(path, "the same bytes");
    const cache = new FileCache<number>();
    let found = 0;
    const find = (path: string) => cache.of(path, () => Promise.resolve(++found));
    assert.deepEqual([await find(one), await find(one), await find(other)], [1, 1, 2]);
    await Deno.utime(one, 1, 1);
    assert.equal(await find(one), 3);
    await assert.rejects(
      cache.of(`${folder}/none`, () => Promise.resolve(0)),
      Deno.errors.NotFound,
    );
    await Deno.writeTextFile(other, "more bytes than before");
    await assert.rejects(cache.of(other, () => Promise.reject(new Error("not ELF"))), /not ELF/);
    assert.equal(await find(other), 4, "a failure is not remembered");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
