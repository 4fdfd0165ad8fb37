/**
 * What the records of a watch say about it.
 *
 * @module
 */

import type { CaptureHeader, CaptureRecord } from "../../metrics/capture.ts";

/**
 * `starting`: probes are being attached. `watched`: they have been read. `unwatched`: the process is there
 * and is not watched. `gone`: the process has ended.
 */
export type WatchPhase = "starting" | "watched" | "unwatched" | "gone";

/** The state of the watch of one server, through its restarts. */
export class WatchState {
  /** The server that is or was watched, and what was attached to it; null before the first header. */
  attached: Pick<CaptureHeader, "server" | "plan"> | null = null;
  phase: WatchPhase = "starting";
  /** Whether nothing is missed since the probes were attached; what is over does not count. */
  isWhole = true;

  /** Whether the probes that are attached now have been read, and nothing is missed. */
  get isComplete(): boolean {
    return this.phase === "watched" && this.isWhole;
  }

  /** Takes the next record. */
  next(record: CaptureRecord): void {
    switch (record.type) {
      case "capture":
      case "segment":
        this.attached = record;
        this.phase = "starting";
        this.isWhole = true;
        break;
      case "note":
        if (!record.is_past) this.isWhole = false;
        break;
      case "sample":
        this.phase = "watched";
        break;
    }
  }

  /**
   * The process has ended, or is not watched for now.
   *
   * @param isRunning whether it is still there.
   */
  gone(isRunning: boolean): void {
    this.phase = isRunning ? "unwatched" : "gone";
  }
}
