import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ElfError } from "../../discovery/code/elf.ts";
import { factOf } from "../../discovery/file_facts.ts";

/** Files of one test alone, and a folder for facts about them. */
class Place implements AsyncDisposable {
  readonly #folder = Deno.makeTempDirSync();
  readonly facts = join(this.#folder, "facts");
  #files = 0;

  async file(text: string) {
    const path = join(this.#folder, `file${++this.#files}`);
    await Deno.writeTextFile(path, text);
    return { path, pinnedPath: path };
  }

  /** What is kept. */
  kept(): string[] {
    return [...Deno.readDirSync(this.facts)].map(({ name }) => join(this.facts, name));
  }

  async [Symbol.asyncDispose]() {
    await Deno.remove(this.#folder, { recursive: true });
  }
}

Deno.test("factOf() finds a fact once for the same bytes and name, also if the cache is damaged", async () => {
  await using place = new Place();
  let found = 0;
  const find = () => Promise.resolve(++found);
  assert.equal(await factOf("a", await place.file("some bytes"), find, place.facts), 1);
  assert.equal(await factOf("a", await place.file("some bytes"), find, place.facts), 1);
  assert.equal(await factOf("b", await place.file("some bytes"), find, place.facts), 2);
  assert.equal(await factOf("a", await place.file("other bytes"), find, place.facts), 3);
  const kept = place.kept();
  assert.equal(kept.length, 3);
  for (const path of kept) await Deno.truncate(path, 0);
  assert.equal(await factOf("a", await place.file("some bytes"), find, place.facts), 4);
  assert.equal(await factOf("a", await place.file("some bytes"), find, place.facts), 4);
});

Deno.test("factOf() keeps no failure, and its error names the file", async () => {
  await using place = new Place();
  const file = await place.file("some bytes");
  const fail = ({ pinnedPath }: typeof file) =>
    Promise.reject(new ElfError(`Cannot read "${pinnedPath}": no ELF`));
  await assert.rejects(factOf("a", file, fail, place.facts), {
    message: `Cannot read "${file.path}": no ELF`,
  });
  assert.equal(await factOf("a", file, () => Promise.resolve(1), place.facts), 1);
  await Deno.remove(file.path);
  const gone = factOf("a", file, () => Promise.resolve(1), place.facts);
  await assert.rejects(gone, Deno.errors.NotFound);
});

Deno.test("a file that changes while it is read gives no other file its facts", async () => {
  await using place = new Place();
  const changing = await place.file("genuine");
  const textOf = async ({ pinnedPath }: typeof changing) => {
    await Deno.writeTextFile(changing.path, "hostile bytes");
    return await Deno.readTextFile(pinnedPath);
  };
  assert.equal(await factOf("text", changing, textOf, place.facts), "genuine");
  assert.equal(await factOf("text", changing, textOf, place.facts), "hostile bytes");
  const never = () => assert.fail("it is in the cache");
  assert.equal(await factOf("text", await place.file("genuine"), never, place.facts), "genuine");
  assert.equal(
    await factOf("text", await place.file("hostile bytes"), never, place.facts),
    "hostile bytes",
  );
});

Deno.test("factOf() works where nothing can be kept", async () => {
  await using place = new Place();
  await Deno.writeTextFile(place.facts, "in the way");
  let found = 0;
  const find = () => Promise.resolve(++found);
  assert.equal(await factOf("a", await place.file("some bytes"), find, place.facts), 1);
  assert.equal(await factOf("a", await place.file("some bytes"), find, place.facts), 2);
});

Deno.test("factOf() keeps nothing long, and nothing of a large file", async () => {
  await using place = new Place();
  const long = "x".repeat(300_000);
  assert.equal(
    await factOf("long", await place.file("some bytes"), () => Promise.resolve(long), place.facts),
    long,
  );
  const large = await place.file("");
  await Deno.truncate(large.path, 20 * 2 ** 20);
  assert.equal(await factOf("a", large, () => Promise.resolve(1), place.facts), 1);
  assert.deepEqual(existsSync(place.facts) ? place.kept() : [], []);
});

Deno.test("factOf() looks for what others write into its folder, and keeps to its own", async () => {
  await using place = new Place();
  await Deno.mkdir(place.facts);
  await Deno.chmod(place.facts, 0o777);
  assert.equal(
    await factOf("a", await place.file("some bytes"), () => Promise.resolve(1), place.facts),
    1,
  );
  assert.deepEqual(place.kept(), [], "others can write there");
  await Deno.chmod(place.facts, 0o700);
  await Deno.writeTextFile(join(place.facts, "of another"), "");
  assert.equal(
    await factOf("b", await place.file("some bytes"), () => Promise.resolve(1), place.facts),
    1,
  );
  assert.equal(place.kept().length, 2);
});

Deno.test("factOf() leaves nothing unfinished where a fact cannot be written", async () => {
  await using place = new Place();
  const find = () => Promise.resolve(1);
  await factOf("a", await place.file("some bytes"), find, place.facts);
  const [path] = place.kept();
  await Deno.remove(path!);
  await Deno.mkdir(path!);
  assert.equal(await factOf("a", await place.file("some bytes"), find, place.facts), 1);
  assert.deepEqual(place.kept(), [path]);
});
