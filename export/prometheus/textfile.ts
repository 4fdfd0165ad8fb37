/**
 * The metrics as a file for the textfile collector of node_exporter, where no port may be opened.
 *
 * @module
 */

import type { CaptureRecord } from "../../metrics/capture.ts";
import { oneLine, type Say } from "../../system/command_line.ts";
import { replaceFile } from "../../system/replace_file.ts";
import type { FleetObserver } from "../watching/fleet_observer.ts";
import type { Accumulator } from "./accumulator.ts";
import { textOf } from "./text.ts";

/** Options of {@linkcode Textfile}. */
export interface TextfileOptions {
  readonly path: string;
  readonly accumulator: Accumulator;
  readonly say: Say;
}

/**
 * Writes the file at each reading, as a whole. Disposing removes it, so that node_exporter does not expose a
 * server that is not watched any more.
 */
export class Textfile implements FleetObserver, AsyncDisposable {
  readonly #options: TextfileOptions;
  #writing: Promise<void> | null = null;
  /** Whether something has changed since the writing began. */
  #isOld = false;
  #problem = "";

  constructor(options: TextfileOptions) {
    this.#options = options;
    this.#write();
  }

  next(_: string, { type }: CaptureRecord): void {
    if (type === "sample") this.#write();
  }

  gone(): void {
    this.#write();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOld = false;
    await this.#writing;
    await Deno.remove(this.#options.path).catch(() => {});
  }

  #write(): void {
    this.#isOld = true;
    this.#writing ??= this.#writeUntilNew().finally(() => this.#writing = null);
  }

  async #writeUntilNew(): Promise<void> {
    const { path, accumulator, say } = this.#options;
    while (this.#isOld) {
      this.#isOld = false;
      const options = { format: "prometheus", bucketsPerOctave: 2 } as const;
      const problem = await replaceFile(path, textOf(accumulator.families(), options))
        .then(() => "", oneLine);
      if (problem !== this.#problem) {
        say(problem || `Writing ${path} again`, problem === "" ? "info" : "warning");
      }
      this.#problem = problem;
    }
  }
}
