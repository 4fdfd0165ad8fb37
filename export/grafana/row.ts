/**
 * A row of the dashboard.
 *
 * @module
 */

import type { Panel } from "./panels.ts";

/** A title and the panels below it. */
export interface Row {
  readonly title: string;
  /** Whether it is closed at first; an open row costs its queries at each refresh. */
  readonly isClosed?: boolean;
  readonly panels: readonly Panel[];
}
