/**
 * The files of a package before they are packed.
 *
 * @module
 */

import { dirname, join } from "node:path";

/** The files of the package, below a folder. */
export class Stage {
  readonly root: string;

  /** @param root a folder; it need not exist. */
  constructor(root: string) {
    this.root = root;
  }

  /** Where a path of the package is now. */
  at(path: string): string {
    return join(this.root, path);
  }

  /** Makes a file. */
  write(path: string, content: string | Uint8Array, mode = 0o644): void {
    Deno.mkdirSync(dirname(this.at(path)), { recursive: true });
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    Deno.writeFileSync(this.at(path), bytes, { mode });
    Deno.chmodSync(this.at(path), mode);
  }

  /** Copies a file of this machine. */
  copy(from: string, path: string, mode = 0o644): void {
    Deno.mkdirSync(dirname(this.at(path)), { recursive: true });
    Deno.copyFileSync(from, this.at(path));
    Deno.chmodSync(this.at(path), mode);
  }

  /** All files, with paths from the root, sorted. */
  files(below = ""): string[] {
    return [...Deno.readDirSync(this.at(below))].flatMap(({ name, isDirectory }) => {
      const path = join(below, name);
      return isDirectory ? this.files(path) : [path];
    }).sort();
  }

  /** Gives a folder and all in it one time and the usual modes, whatever the umask and the cache are. */
  setTimes(date: Date, below = ""): void {
    for (const { name, isDirectory, isSymlink } of Deno.readDirSync(this.at(below))) {
      const path = join(below, name);
      if (isDirectory) this.setTimes(date, path);
      if (isDirectory || isSymlink) continue;
      const isProgram = (Deno.statSync(this.at(path)).mode! & 0o100) !== 0;
      Deno.chmodSync(this.at(path), isProgram ? 0o755 : 0o644);
      Deno.utimeSync(this.at(path), date, date);
    }
    Deno.chmodSync(this.at(below), 0o755);
    Deno.utimeSync(this.at(below), date, date);
  }
}
