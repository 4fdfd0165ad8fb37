/**
 * Text in the columns of a terminal, with its colours and characters of any width.
 *
 * @module
 */

import slice from "slice-ansi";
import widthOf from "string-width";

export { widthOf };

/** The first columns of a text, with its colours. */
export function cut(text: string, columns: number): string {
  return slice(text, 0, Math.max(0, columns));
}

/** Rows in columns, aligned left, or right for the columns in `right`. */
export function aligned(
  rows: readonly (readonly string[])[],
  right: ReadonlySet<number>,
): string[] {
  const widths = rows[0]?.map((_, index) => Math.max(...rows.map((row) => widthOf(row[index]!))));
  return rows.map((row) =>
    row.map((cell, index) => {
      const padding = " ".repeat(widths![index]! - widthOf(cell));
      return right.has(index) ? padding + cell : cell + padding;
    }).join("  ").trimEnd()
  );
}
