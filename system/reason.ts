/**
 * Why the system refused something, for an error of ours.
 *
 * @module
 */

/** What the system says, without its error number and the call. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/ \(os error.*/s, "");
}
