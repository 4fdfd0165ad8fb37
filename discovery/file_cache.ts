/**
 * A cache of facts about the bytes of files, for the life of this process.
 *
 * @module
 */

/** The most facts: some for each file of some servers, also from before a restart. */
const MOST = 4096;

/** What a file is as long as no one writes to it. */
export function stampOf({ dev, ino, size, mtime, ctime }: Deno.FileInfo): string {
  return [dev, ino, size, mtime?.getTime(), ctime?.getTime()].join();
}

/**
 * Keyed by the file's identity, not by its build id: another file may have the same build id.
 */
export class FileCache<T> {
  readonly #known = new Map<string, Promise<T>>();

  /**
   * The fact about a file, computed if it is not cached; failures are not cached.
   *
   * @param path by which the file is opened.
   * @param name of the fact, if there are several.
   */
  async of(path: string, find: () => Promise<T>, name = ""): Promise<T> {
    const key = `${stampOf(await Deno.stat(path))} ${name}`;
    const before = this.#known.get(key);
    if (before !== undefined) return await before;
    const found = find();
    this.#known.set(key, found);
    found.catch(() => this.#known.delete(key));
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST) this.#known.delete(oldest!);
    return await found;
  }
}
