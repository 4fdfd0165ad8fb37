/**
 * The signals that ask a process to end, and how they are sent.
 *
 * @module
 */

/** Signals that ask a process to end, with the exit status that a shell gives for each. */
export const END_SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** A signal that asks a process to end. */
export type EndSignal = keyof typeof END_SIGNALS;

/** Until disposed, calls `handle` for each SIGHUP, SIGINT and SIGTERM instead of ending the process. */
export function onEndSignals(handle: (signal: EndSignal) => void): Disposable {
  const listeners = new DisposableStack();
  for (const signal of Object.keys(END_SIGNALS) as EndSignal[]) {
    const listener = () => handle(signal);
    Deno.addSignalListener(signal, listener);
    listeners.defer(() => Deno.removeSignalListener(signal, listener));
  }
  return listeners;
}

/** Sends a signal to a child, which may have ended just now. */
export function sendSignal(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch (error) {
    // What Deno throws for a child that has ended.
    if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
  }
}
