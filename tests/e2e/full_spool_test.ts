/** A spool on a disk that is full loses nothing. Needs root. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { openSpool, spooledWindow } from "../../hollow/push/spool.ts";
import { must } from "./run_script.ts";
import { counterAt } from "../hollow/push/hollow_records.ts";

Deno.test("Spool on a full disk keeps windows in memory, and goes back to the disk when it can", async () => {
  const folder = await Deno.makeTempDir({ prefix: "kea-spool-test-" });
  await must("mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", folder);
  const said: string[] = [];
  try {
    using spool = await openSpool(folder, { limit: 2 ** 20, say: (line) => said.push(line) });
    const records = Array.from({ length: 100 }, (_, index) => counterAt(index * 1000));
    for (let window = 0; window < 12; window++) {
      await spool.add(spooledWindow(`window ${window}`, records));
    }
    assert.match(said.join(), /^Cannot write .*No space left on device.*kept in memory$/);

    const onDisk = () =>
      Array.from(Deno.readDirSync(folder), ({ name }) => name)
        .filter((name) => name.endsWith(".window")).length;
    assert.ok(onDisk() > 0 && onDisk() < 12);
    const windows: string[] = [];
    for (let next = await spool.first(); next !== null; next = await spool.first()) {
      assert.equal(next.records.length, 100);
      windows.push(next.window);
      spool.remove(next.sequence);
    }
    assert.deepEqual(windows, Array.from({ length: 12 }, (_, index) => `window ${index}`));
    assert.equal(spool.dropped, 0);

    await spool.add(spooledWindow("afterwards", records));
    assert.equal(onDisk(), 1);
    assert.deepEqual(
      Array.from(Deno.readDirSync(folder), ({ name }) => name).filter((name) =>
        name.includes(".window.")
      ),
      [],
      "nothing half-written is left",
    );
    assert.ok((await Deno.stat(join(folder, "lock"))).isFile);
  } finally {
    // Others that look at all mounts of the host may be in it at this moment.
    await must("umount", "--lazy", folder);
    await Deno.remove(folder);
  }
});
