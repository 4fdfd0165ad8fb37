/**
 * From when on something is worth a finding. A healthy server on any machine stays below: shares do not depend on
 * how fast it is, and the times are many times those of a healthy one.
 *
 * @module
 */

/** Fewer answered packets say nothing about times. */
export const LEAST_PACKETS = 50;

/** Something slow takes at least this share of the packets' time. */
export const LEAST_SHARE = 0.25;

/** It takes as long as this in at least so many events, so that a single long one is no finding. */
export const [LONG_NS, OFTEN, LEAST_EVENTS] = [1e6, 0.05, 10] as const;

/** A SQL statement, or a partner: a commit on a disk, or a way to the next room, takes milliseconds. */
export const LONG_STATEMENT_NS = 5e6;

/** Packets that are lost: at least so many, and this share of all. */
export const [LEAST_LOST, LOST_SHARE] = [10, 0.001] as const;

/** Requests that came again, of the received packets: fewer are usual. */
export const LEAST_REPEATED = 0.05;

/** Packets without an answer whose reason is not known; some are not for this server. */
export const UNANSWERED_SHARE = 0.01;
