/**
 * The libraries that draw the live view, loaded only when there is a terminal.
 *
 * @module
 */

const [TABLE, WIDTH, SLICE] = ["table", "string-width", "slice-ansi"];

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
  const [{ table, getBorderCharacters }, { default: widthOf }, { default: slice }] = await Promise
    .all([
      import(TABLE) as Promise<typeof import("table")>,
      import(WIDTH) as Promise<typeof import("string-width")>,
      import(SLICE) as Promise<typeof import("slice-ansi")>,
    ]);
  return {
    widthOf,
    cut: (text, columns) => slice(text, 0, Math.max(0, columns)),
    columns: (rows, right) => {
      if (rows.length === 0) return [];
      const columns = rows[0]!.map((_, index) => ({
        alignment: right.has(index) ? "right" as const : "left" as const,
      }));
      return table(rows.map((row) => [...row]), {
        border: getBorderCharacters("void"),
        drawHorizontalLine: () => false,
        columnDefault: { paddingLeft: 0, paddingRight: 2 },
        columns,
      }).split("\n").slice(0, -1).map((line) => line.trimEnd());
    },
  };
}
