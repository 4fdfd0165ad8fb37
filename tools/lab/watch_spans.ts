/**
 * Watches a lab through several spans of work, so that tests and benchmarks can compare them.
 *
 * @module
 */

import { setTimeout as pause } from "node:timers/promises";
import type { CaptureRecord } from "../../metrics/capture.ts";
import { type Side, sideOf } from "../../metrics/comparison/side.ts";
import type { Window } from "../../metrics/document.ts";
import { DocumentBuilder } from "../../metrics/document_builder.ts";
import { type Watching, watchWhile } from "./watch_while.ts";

/** What happens in a span; it is watched from the beginning of the work to its end. */
export interface SpanOfWork {
  readonly name: string;
  readonly work: () => Promise<void>;
}

/** The first part of a span is left out: traffic begins, caches are cold, milliseconds. */
const SETTLE_MS = 1500;

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
  const see = (record: CaptureRecord) => {
    const window = builder.next(record);
    if (window !== null) windows.push(window);
    watching.see?.(record);
  };
  const edges: { readonly name: string; readonly from: number; readonly to: number }[] = [];
  await watchWhile(server, { ...watching, see }, async () => {
    for (const { name, work } of spans) {
      const working = work();
      await Promise.race([pause(SETTLE_MS), working]);
      const from = Date.now();
      await working;
      edges.push({ name, from, to: Date.now() });
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
