/** Packages of Debian are unpacked once, and never half. Needs apt. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { unpackedPackage } from "../../tools/lab/unpacked_package.ts";

/** Runs a test with a cache folder of its own. */
async function withCache(test: (cache: string) => Promise<void>): Promise<void> {
  const cache = await Deno.makeTempDir({ prefix: "kea-cache-test-" });
  try {
    await test(cache);
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
}

const namesIn = (folder: string) => Array.from(Deno.readDirSync(folder), ({ name }) => name);

Deno.test("unpackedPackage() unpacks once when two ask, over what a killed process left", async () => {
  await withCache(async (cache) => {
    const folder = join(cache, "host");
    await Deno.mkdir(join(folder, "hostname.unfinished/bin"), { recursive: true });
    await Deno.writeTextFile(join(folder, "hostname.unfinished/bin/half"), "ha");
    const [one, other] = await Promise.all([
      unpackedPackage("hostname", "host", cache),
      unpackedPackage("hostname", "host", cache),
    ]);
    assert.equal(one, join(folder, "hostname"));
    assert.equal(other, one);
    assert.deepEqual(namesIn(folder), ["hostname"]);
    assert.ok((await Deno.stat(join(one, "bin/hostname"))).isFile);
    await assert.rejects(Deno.stat(join(one, "bin/half")), Deno.errors.NotFound);
  });
});

Deno.test("unpackedPackage() says which package is not available, and leaves nothing", async () => {
  await withCache(async (cache) => {
    const folder = join(cache, "host");
    await assert.rejects(
      unpackedPackage("kea-no-such-package", "host", cache),
      /^LabError: Cannot get the package "kea-no-such-package" of host: E: .*kea-no-such-package/,
    );
    assert.deepEqual(namesIn(folder), []);
  });
});
