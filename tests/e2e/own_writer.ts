/** A program with a name of its own that makes system calls: others of this machine are not counted for it. */

import assert from "node:assert/strict";
import { join } from "node:path";

/** Makes system calls of `write`, from a file of its own that disposing removes. */
export class OwnWriter implements AsyncDisposable {
  /** Its name as the kernel has it, `comm`. */
  readonly name: string;
  readonly #folder: string;

  private constructor(folder: string, name: string) {
    this.#folder = folder;
    this.name = name;
  }

  static async make(): Promise<OwnWriter> {
    const folder = await Deno.makeTempDir();
    const writer = new OwnWriter(folder, `dd-${crypto.randomUUID().slice(0, 8)}`);
    await Deno.copyFile("/bin/dd", join(folder, writer.name));
    return writer;
  }

  /** Writes so often, on the first CPU: bpftrace opens its events there. */
  async write(times: number): Promise<void> {
    const { success } = await new Deno.Command("taskset", {
      args: [
        ...["-c", "0", join(this.#folder, this.name), "if=/dev/zero", "of=/dev/null", "bs=1"],
        ...[`count=${times}`, "status=none"],
      ],
    }).output();
    assert.ok(success);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}
