/**
 * The signals that ask a process to end.
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
