/**
 * Who gets what the fleet sees.
 *
 * @module
 */

import type { CaptureRecord } from "../../metrics/capture.ts";
import type { Window } from "../../metrics/document.ts";

/** Gets every record of every watched server. */
export interface FleetObserver {
  /**
   * The next record of a server.
   *
   * @param server its name, the label `server`; the same after a restart of the server.
   * @param window the final window that ends with this record; null if none does.
   */
  next(server: string, record: CaptureRecord, window: Window | null): void;

  /**
   * The server has ended, or is not watched for now; `next` may follow later.
   *
   * @param isRunning whether its process is still there.
   */
  gone(server: string, isRunning: boolean): void;
}
