/**
 * A wait that a signal ends.
 *
 * @module
 */

/**
 * Waits for a promise, or until a signal comes. Nothing of the wait stays at the signal: `Promise.race()` with one
 * promise that lasts as long as the process keeps some 300 bytes for each call.
 */
export async function orAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const onAbort = () => resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
