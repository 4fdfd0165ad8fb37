import assert from "node:assert/strict";
import { join } from "node:path";
import { ElfError } from "../../discovery/code/elf.ts";
import { factOf } from "../../discovery/file_facts.ts";

/** A cache folder and files of one test alone. */
class Place implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync();
  readonly #before = Deno.env.get("XDG_CACHE_HOME");
  #files = 0;

  constructor() {
    Deno.env.set("XDG_CACHE_HOME", this.folder);
  }

  async file(text: string) {
    const path = join(this.folder, `file${++this.#files}`);
    await Deno.writeTextFile(path, text);
    return { path, pinnedPath: path };
  }

  async [Symbol.asyncDispose]() {
    if (this.#before === undefined) Deno.env.delete("XDG_CACHE_HOME");
    else Deno.env.set("XDG_CACHE_HOME", this.#before);
    await Deno.remove(this.folder, { recursive: true });
  }
}

Deno.test("factOf() finds a fact once for the same bytes and name, also if the cache is damaged", async () => {
  await using place = new Place();
  let found = 0;
  const find = () => Promise.resolve(++found);
  assert.equal(await factOf("a", await place.file("some bytes"), find), 1);
  assert.equal(await factOf("a", await place.file("some bytes"), find), 1);
  assert.equal(await factOf("b", await place.file("some bytes"), find), 2);
  assert.equal(await factOf("a", await place.file("other bytes"), find), 3);
  const facts = join(place.folder, "kea-ebpf-monitoring", "facts");
  const names = [...Deno.readDirSync(facts)].map(({ name }) => join(facts, name));
  assert.equal(names.length, 3);
  for (const name of names) await Deno.truncate(name, 0);
  assert.equal(await factOf("a", await place.file("some bytes"), find), 4);
  assert.equal(await factOf("a", await place.file("some bytes"), find), 4);
});

Deno.test("factOf() keeps no failure, and its error names the file", async () => {
  await using place = new Place();
  const file = await place.file("some bytes");
  const fail = ({ pinnedPath }: typeof file) =>
    Promise.reject(new ElfError(`Cannot read "${pinnedPath}": no ELF`));
  await assert.rejects(factOf("a", file, fail), { message: `Cannot read "${file.path}": no ELF` });
  assert.equal(await factOf("a", file, () => Promise.resolve(1)), 1);
  await Deno.remove(file.path);
  const gone = factOf("a", file, () => Promise.resolve(1));
  await assert.rejects(gone, Deno.errors.NotFound);
});

Deno.test("a file that changes while it is read gives no other file its facts", async () => {
  await using place = new Place();
  const changing = await place.file("genuine");
  const textOf = async ({ pinnedPath }: typeof changing) => {
    await Deno.writeTextFile(changing.path, "hostile");
    return await Deno.readTextFile(pinnedPath);
  };
  assert.equal(await factOf("text", changing, textOf), "genuine");
  assert.equal(await factOf("text", changing, textOf), "hostile");
  const never = () => assert.fail("it is in the cache");
  assert.equal(await factOf("text", await place.file("genuine"), never), "genuine");
  assert.equal(await factOf("text", await place.file("hostile"), never), "hostile");
});

Deno.test("factOf() works where nothing can be kept", async () => {
  await using place = new Place();
  await Deno.writeTextFile(join(place.folder, "kea-ebpf-monitoring"), "in the way");
  let found = 0;
  const find = () => Promise.resolve(++found);
  assert.equal(await factOf("a", await place.file("some bytes"), find), 1);
  assert.equal(await factOf("a", await place.file("some bytes"), find), 2);
});

Deno.test("factOf() keeps nothing long, and nothing of a large file", async () => {
  await using place = new Place();
  const long = "x".repeat(300_000);
  assert.equal(
    await factOf("long", await place.file("some bytes"), () => Promise.resolve(long)),
    long,
  );
  const large = await place.file("");
  await Deno.truncate(large.path, 20 * 2 ** 20);
  assert.equal(await factOf("a", large, () => Promise.resolve(1)), 1);
  const facts = join(place.folder, "kea-ebpf-monitoring", "facts");
  assert.deepEqual(await Array.fromAsync(Deno.readDir(facts)).catch(() => []), []);
});

Deno.test("factOf() looks for what others write into its folder, and keeps to its own", async () => {
  await using place = new Place();
  const facts = join(place.folder, "kea-ebpf-monitoring", "facts");
  await Deno.mkdir(facts, { recursive: true });
  await Deno.chmod(facts, 0o777);
  assert.equal(await factOf("a", await place.file("some bytes"), () => Promise.resolve(1)), 1);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(facts)), [], "others can write there");
  await Deno.chmod(facts, 0o700);
  await Deno.writeTextFile(join(facts, "of another"), "");
  assert.equal(await factOf("b", await place.file("some bytes"), () => Promise.resolve(1)), 1);
  assert.equal((await Array.fromAsync(Deno.readDir(facts))).length, 2);
});
