/**
 * What the exporter and its drawing process send each other: a JSON value per line.
 *
 * @module
 */

import { z } from "zod";
import type { DocumentHead } from "../../history/history_document.ts";

/** The widths that a drawing has. */
export type LayoutName = "wide" | "narrow";

/** To the drawing process. */
export type ToDrawing =
  /** Windows of a server by number, deflated, in base64; earlier ones than the first are dropped. */
  | {
    readonly type: "windows";
    readonly server: string;
    readonly first: number;
    readonly windows: readonly (readonly [number: number, bytes: string])[];
  }
  | {
    readonly type: "draw";
    readonly id: number;
    readonly server: string;
    readonly layouts: readonly LayoutName[];
    readonly head: DocumentHead;
    readonly pending: number;
  }
  | { readonly type: "forget"; readonly server: string };

const drawn = z.object({
  id: z.int(),
  parts: z.array(z.object({
    id: z.string(),
    column: z.enum(["top", "left", "right"]),
    /** Nothing in it is foreign and unescaped. */
    html: z.string(),
  })),
  /** CPU time that it took. */
  cpuSeconds: z.number(),
});

/** From the drawing process: the finished parts of a page. */
export type Drawn = z.infer<typeof drawn>;

/** A part of a page. */
export type DrawnPart = Drawn["parts"][number];

/**
 * Reads a line of the drawing process.
 *
 * @throws {Error} when it is none.
 */
export function parseDrawn(line: string): Drawn {
  return drawn.parse(JSON.parse(line));
}
