/** Discovery failed; the message says what was wanted, what was found and what can be done. */
export class DiscoveryError extends Error {
  override name = "DiscoveryError";
}

/** The process ended while it was read: the file is gone, or reads with ESRCH. */
export function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory ||
    (error instanceof Error && /os error (2|3)\b/.test(error.message));
}
