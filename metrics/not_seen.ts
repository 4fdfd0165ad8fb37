/**
 * Packets that came while no probe was attached, as far as others counted them.
 *
 * @module
 */

import type { Traffic } from "./capture.ts";

/** The part of a run that was not watched. */
export interface Watching {
  /** How long nothing was watched. */
  readonly notWatchedSeconds: number;
  /** Requests that were in progress when the watch ended or was interrupted. */
  readonly pending: number;
}

/** The packets of the time that was not watched, by the counts of others. */
export interface NotSeen {
  /** Requests; null if they were not counted. */
  readonly requests: number | null;
  /** Answers that the client received in that time. */
  readonly answers: number;
}

/**
 * How many packets were not seen because nothing was watched. At most what the client can have sent in that
 * time, if it sent evenly; the rest stays unexplained.
 *
 * @param missing requests that were sent and not seen; answers that were received and not seen.
 * @param countedByKea requests that Kea received itself beyond those seen.
 */
export function notSeenIn(
  { notWatchedSeconds }: Pick<Watching, "notWatchedSeconds">,
  client: Traffic["client"],
  missing: { readonly requests: number; readonly answers: number },
  countedByKea: number,
): NotSeen | null {
  if (notWatchedSeconds <= 0) return null;
  if (client === null) {
    return { requests: countedByKea > 0 ? countedByKea : null, answers: 0 };
  }
  const share = client.seconds === undefined || client.seconds <= 0
    ? 1
    : Math.min(1, notWatchedSeconds / client.seconds);
  const most = Math.max(countedByKea, Math.ceil(client.sent * share));
  const requests = Math.max(0, Math.min(missing.requests, most));
  return { requests, answers: Math.max(0, Math.min(missing.answers, requests)) };
}
