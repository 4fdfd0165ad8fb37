import assert from "node:assert/strict";
import { join } from "node:path";
import { openSpool, type SpooledWindow, spooledWindow } from "../../../hollow/push/spool.ts";
import { type Spool, SpoolError } from "../../../system/push/spool.ts";
import { counterAt } from "./hollow_records.ts";

/** Runs a test with a folder, and what the spool says. */
function spoolTest(
  name: string,
  test: (
    folder: string,
    said: string[],
    open: (limit?: number) => Promise<Spool<SpooledWindow>>,
  ) => Promise<void>,
) {
  Deno.test(name, async () => {
    const folder = await Deno.makeTempDir({ prefix: "kea-spool-test-" });
    const said: string[] = [];
    const open = (limit = 2 ** 20) => openSpool(folder, { limit, say: (line) => said.push(line) });
    try {
      await test(folder, said, open);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

const files = (folder: string) =>
  Array.from(Deno.readDirSync(folder), ({ name }) => name).filter((name) =>
    name.endsWith(".window")
  ).sort();

spoolTest(
  "Spool gives windows back in their order, across a restart",
  async (_folder, said, open) => {
    const first = await open();
    await first.add(spooledWindow("2026-01-01T00:00:00.000Z", [counterAt(0)]));
    await first.add(spooledWindow("2026-01-01T00:00:01.000Z", [counterAt(1000)]));
    const before = await first.first();
    first[Symbol.dispose]();

    using spool = await open();
    assert.equal(spool.waiting, 2);
    const again = await spool.first();
    assert.deepEqual(again, before);
    assert.deepEqual(again?.records, [counterAt(0)]);
    spool.remove(again!.sequence);
    const next = await spool.first();
    assert.equal(next?.window, "2026-01-01T00:00:01.000Z");
    assert.ok(next!.sequence > again!.sequence);
    spool.remove(next!.sequence);
    assert.equal(await spool.first(), null);
    assert.deepEqual(said, []);
  },
);

spoolTest("Spool lets one process use a folder", async (folder, _said, open) => {
  using _spool = await open();
  await assert.rejects(open(), (error) => {
    assert.ok(error instanceof SpoolError);
    assert.equal(
      error.message,
      `Cannot use the spool "${folder}", another hollow-monitor does: stop it, or give another --name or --spool`,
    );
    return true;
  });
});

spoolTest(
  "Spool drops the oldest windows, counts and reports them",
  async (folder, said, open) => {
    {
      using spool = await open(3000);
      for (let second = 0; second < 20; second++) {
        await spool.add(spooledWindow(`window ${second}`, [
          counterAt(second * 1000),
          counterAt(second, 2, "kea-2"),
        ]));
      }
      const sizes = files(folder).map((name) => Deno.statSync(join(folder, name)).size);
      assert.ok(sizes.reduce((sum, size) => sum + size) <= 3000);
      assert.equal(spool.dropped + spool.waiting, 20);
      assert.equal((await spool.first())?.window, `window ${spool.dropped}`);
      assert.match(
        said.at(-1)!,
        new RegExp(`oldest windows were dropped unsent, ${spool.dropped} in all`),
      );
    }
    using again = await open(3000);
    assert.equal(again.dropped + again.waiting, 20);
  },
);

for (
  const [what, damage] of [
    ["a bit has changed", (text: string) => text.replace('"value":1', '"value":2')],
    ["its end is missing", (text: string) => text.slice(0, -20)],
    ["it is empty", () => ""],
    ["it holds something else", () => "#!/bin/sh\necho hello\n"],
  ] as const
) {
  spoolTest(`Spool sets a file aside when ${what}, and goes on`, async (folder, said, open) => {
    {
      using spool = await open();
      await spool.add(spooledWindow("first", [counterAt(0)]));
      await spool.add(spooledWindow("second", [counterAt(1000)]));
    }
    const path = join(folder, files(folder)[0]!);
    await Deno.writeTextFile(path, damage(await Deno.readTextFile(path)));
    using spool = await open();
    assert.equal((await spool.first())?.window, "second");
    assert.equal(spool.waiting, 1);
    assert.match(
      said.join(),
      /quarantined: its file in the spool is damaged: \S+quarantine\S+\.window/,
    );
    assert.equal(files(join(folder, "quarantine")).length, 1);
    assert.deepEqual(
      Array.from(Deno.readDirSync(folder), ({ name }) => name).filter((name) =>
        /\.window$/.test(name)
      ),
      files(folder),
    );
  });
}

spoolTest(
  "Spool forgets what was half-written when its process was killed",
  async (folder, _said, open) => {
    await Deno.writeTextFile(join(folder, "0000000000000001.window.5e7a"), "half a wind");
    using spool = await open();
    assert.equal(spool.waiting, 0);
    assert.deepEqual(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["lock"]);
  },
);

spoolTest("Spool keeps windows in memory when the disk takes none", async (folder, said, open) => {
  using spool = await open();
  await Deno.mkdir(join(folder, "away"));
  await spool.add(spooledWindow("on disk", [counterAt(0)]));
  // A folder that is gone takes no files, root's neither.
  for (const name of files(folder)) {
    await Deno.rename(join(folder, name), join(folder, "away", name));
  }
  await Deno.rename(folder, `${folder}-away`);
  try {
    await spool.add(spooledWindow("in memory", [counterAt(1000)]));
    await spool.add(spooledWindow("in memory too", [counterAt(2000)]));
  } finally {
    await Deno.rename(`${folder}-away`, folder);
  }
  for (const name of files(join(folder, "away"))) {
    await Deno.rename(join(folder, "away", name), join(folder, name));
  }
  const windows = [];
  for (let next = await spool.first(); next !== null; next = await spool.first()) {
    windows.push(next.window);
    spool.remove(next.sequence);
  }
  assert.deepEqual(windows, ["on disk", "in memory", "in memory too"]);
  assert.equal(said.length, 1);
  assert.match(said[0]!, /^Cannot write .*; windows are kept in memory$/);
});

spoolTest(
  "Spool numbers windows upwards when the clock steps back",
  async (_folder, _said, open) => {
    const now = Date.now;
    try {
      using spool = await open();
      await spool.add(spooledWindow("first", [counterAt(0)]));
      const first = (await spool.first())!.sequence;
      spool.remove(first);
      Date.now = () => 0;
      await spool.add(spooledWindow("second", [counterAt(1000)]));
      assert.ok((await spool.first())!.sequence > first);
    } finally {
      Date.now = now;
    }
  },
);

spoolTest(
  "Spool says why windows are quarantined once in a row",
  async (folder, said, open) => {
    using spool = await open();
    const quarantine = async (reason: string) => {
      await spool.add(spooledWindow("a window", [counterAt(0)]));
      spool.quarantine((await spool.first())!.sequence, reason);
    };
    await quarantine("400: no");
    await quarantine("400: no");
    await quarantine("422: no");
    await spool.add(spooledWindow("accepted", [counterAt(0)]));
    spool.remove((await spool.first())!.sequence);
    await quarantine("422: no");
    assert.deepEqual(said.map((line) => /quarantined: (.*?: no):/.exec(line)?.[1]), [
      "400: no",
      "422: no",
      "422: no",
    ]);
    assert.equal(files(join(folder, "quarantine")).length, 4);
  },
);
