/**
 * Why the system refused something, for an error of ours.
 *
 * @module
 */

/** The system's reason, without error number and call. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/ \(os error.*/s, "");
}
