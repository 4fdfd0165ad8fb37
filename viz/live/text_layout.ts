/**
 * The libraries that lay out the live view, loaded only for a terminal.
 *
 * @module
 */

const [WIDTH, SLICE] = ["string-width", "slice-ansi"];

/** Lays out text in columns. */
export interface TextLayout {
  /** The columns that a text takes in a terminal, without its colours. */
  readonly widthOf: (text: string) => number;
  /** The first columns of a text, with its colours. */
  readonly cut: (text: string, columns: number) => string;
  /** Rows in columns, aligned left, or right for the columns in `right`. */
  readonly columns: (rows: readonly (readonly string[])[], right: ReadonlySet<number>) => string[];
}

/** Loads the libraries. */
export async function loadTextLayout(): Promise<TextLayout> {
  const [{ default: widthOf }, { default: slice }] = await Promise.all([
    import(WIDTH) as Promise<typeof import("string-width")>,
    import(SLICE) as Promise<typeof import("slice-ansi")>,
  ]);
  return {
    widthOf,
    cut: (text, columns) => slice(text, 0, Math.max(0, columns)),
    columns: (rows, right) => {
      const widths = rows[0]?.map((_, index) =>
        Math.max(...rows.map((row) => widthOf(row[index]!)))
      );
      return rows.map((row) =>
        row.map((cell, index) => {
          const padding = " ".repeat(widths![index]! - widthOf(cell));
          return right.has(index) ? padding + cell : cell + padding;
        }).join("  ").trimEnd()
      );
    },
  };
}
