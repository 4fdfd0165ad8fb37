/**
 * The longest time for which the event loop did nothing, milliseconds, until disposed. For how long its thread waited for
 * a CPU does not count.
 */
export function longestPause(): Disposable & { readonly milliseconds: number } {
  const ownTime = () => performance.now() - waitedMs();
  let [last, longest] = [ownTime(), 0];
  const timer = setInterval(() => {
    const now = ownTime();
    [last, longest] = [now, Math.max(longest, now - last)];
  }, 50);
  return {
    get milliseconds() {
      return longest;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

/** How long this thread has waited for a CPU. */
function waitedMs(): number {
  const [, waitedNs] = Deno.readTextFileSync("/proc/thread-self/schedstat").split(" ");
  return Number(waitedNs) / 1e6;
}
