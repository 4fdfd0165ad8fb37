/**
 * Lines of text for a terminal, as the summary and the texts of comparisons and findings have them.
 *
 * @module
 */

import { styleText } from "node:util";
import { printable } from "../system/printable.ts";

/** How a line is shown with colour. */
export type LineStyle = "bold" | "red" | "green" | "yellow";

/** Collects lines. */
export class TextLines {
  readonly #colour: boolean;
  readonly #lines: string[] = [];

  /** @param colour whether lines are styled; else they are plain text. */
  constructor(colour: boolean) {
    this.#colour = colour;
  }

  /** Adds a line. Colour is added last, so that no name in a file can add its own. */
  add(text: string, style?: LineStyle): void {
    const shown = printable(text);
    this.#lines.push(
      this.#colour && style !== undefined
        ? styleText(style, shown, { validateStream: false })
        : shown,
    );
  }

  /** Adds an empty line, a title and indented rows; nothing without rows. */
  section(title: string, rows: readonly string[]): void {
    if (rows.length === 0) return;
    this.add("");
    this.add(title, "bold");
    for (const row of rows) this.add(`  ${row}`);
  }

  /** All lines, each with its end. */
  toString(): string {
    return `${this.#lines.join("\n")}\n`;
  }
}
