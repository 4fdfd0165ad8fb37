/**
 * The error of labs.
 *
 * @module
 */

/** A lab cannot be set up. */
export class LabError extends Error {
  override name = "LabError";
}
