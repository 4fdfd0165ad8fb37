/**
 * What was found out about the bytes of files, for as long as this process lives.
 *
 * @module
 */

/** How many files are remembered: those of some servers, and of what they were before a restart. */
const MOST_FILES = 32;

/**
 * Remembers by the file itself: a build id is what a file says of itself, and another one may say the
 * same.
 */
export class FileCache<T> {
  readonly #known = new Map<string, Promise<T>>();

  /**
   * What is known of a file, or is found out now; a failure is not remembered.
   *
   * @param path by which the file is opened.
   */
  async of(path: string, find: () => Promise<T>): Promise<T> {
    const { dev, ino, size, mtime, ctime } = await Deno.stat(path);
    const key = [dev, ino, size, mtime?.getTime(), ctime?.getTime()].join();
    const before = this.#known.get(key);
    if (before !== undefined) return await before;
    const found = find();
    this.#known.set(key, found);
    found.catch(() => this.#known.delete(key));
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST_FILES) this.#known.delete(oldest!);
    return await found;
  }
}
