/**
 * The libraries that draw the live view, loaded only when there is a terminal.
 *
 * @module
 */

const [WIDTH, SLICE] = ["string-width", "slice-ansi"];

/** What draws text in columns. */
export interface Drawing {
  /** Columns of a terminal that a text takes, without its colours. */
  readonly widthOf: (text: string) => number;
  /** The first columns of a text, with its colours. */
  readonly cut: (text: string, columns: number) => string;
  /** Rows in columns: the first to the left, `right` ones to the right. */
  readonly columns: (rows: readonly (readonly string[])[], right: ReadonlySet<number>) => string[];
}

/** Loads what draws. */
export async function loadDrawing(): Promise<Drawing> {
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
