/**
 * Lines of a long benchmark: on standard output, and in a file.
 *
 * @module
 */

import { print } from "../system/command_line.ts";

/** Prints a line. */
export type Print = (line: string) => void;

/** Prints each line with its time, and keeps it in a new file at once: the machine may not live as long as the run. */
export function printerTo(file: string): Print {
  Deno.writeTextFileSync(file, "");
  return (line) => {
    const text = `${new Date().toISOString().slice(0, 19)}Z ${line}\n`;
    Deno.writeTextFileSync(file, text, { append: true });
    print(text);
  };
}
