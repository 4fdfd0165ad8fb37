/**
 * Watches a lab through several spans of work, so that tests and benchmarks can compare them.
 *
 * @module
 */

import type { CaptureRecord } from "../../metrics/capture.ts";
import { type Side, sideOf } from "../../metrics/comparison/side.ts";
import type { Window } from "../../metrics/document.ts";
import { DocumentBuilder } from "../../metrics/document_builder.ts";
import { type Watching, watchWhile } from "./watch_while.ts";

/** What happens in a span. */
export interface SpanOfWork {
  readonly name: string;
  /** Before the span: starts traffic, changes the server. */
  readonly prepare?: () => Promise<unknown>;
  /** The span lasts as long as this. */
  readonly work: () => Promise<unknown>;
}

/**
 * Watches while spans of work run one after the other.
 *
 * @param see gets each record, for a capture.
 * @returns the spans as sides, without the windows at their edges.
 */
export async function watchSpans(
  server: { readonly pid: number },
  watching: Watching,
  spans: readonly SpanOfWork[],
): Promise<Side[]> {
  const builder = new DocumentBuilder();
  const windows: Window[] = [];
  let seen: (window: Window) => void = () => {};
  const see = (record: CaptureRecord) => {
    const window = builder.next(record);
    if (window !== null) {
      windows.push(window);
      seen(window);
    }
    watching.see?.(record);
  };
  /**
   * Waits for a window that ends after now. On a busy machine readings come late, and count what happened until they
   * were made.
   */
  const untilRead = async (): Promise<number> => {
    const now = Date.now();
    await new Promise<void>((done) =>
      seen = ({ end }) => {
        if (Date.parse(end) > now) done();
      }
    );
    return now;
  };
  const edges: { readonly name: string; readonly from: number; readonly to: number }[] = [];
  await watchWhile(server, { ...watching, see }, async () => {
    for (const { name, prepare, work } of spans) {
      await prepare?.();
      const from = await untilRead();
      await work();
      edges.push({ name, from, to: await untilRead() });
    }
  });
  const document = { ...builder.document(), windows: [] };
  return edges.map(({ name, from, to }) =>
    sideOf(
      name,
      document,
      windows.filter(({ start, end }) => Date.parse(start) >= from && Date.parse(end) <= to),
    )
  );
}
