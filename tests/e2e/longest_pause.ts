/** The longest time for which the event loop did nothing, milliseconds, until disposed. */
export function longestPause(): Disposable & { readonly milliseconds: number } {
  let [last, longest] = [performance.now(), 0];
  const timer = setInterval(() => {
    const now = performance.now();
    [last, longest] = [now, Math.max(longest, now - last)];
  }, 50);
  return {
    get milliseconds() {
      return longest;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
