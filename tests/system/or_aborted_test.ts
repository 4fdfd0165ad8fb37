import assert from "node:assert/strict";
import { orAborted } from "../../system/or_aborted.ts";

Deno.test("orAborted() ends with its work or with the signal, and leaves no listener", async () => {
  const stop = new AbortController();
  const { signal } = stop;
  let listeners = 0;
  const [add, remove] = [signal.addEventListener, signal.removeEventListener];
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    add.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--;
    remove.apply(signal, args);
  };
  await orAborted(Promise.resolve(), signal);
  await assert.rejects(orAborted(Promise.reject(new Error("no")), signal), /no/);
  const never = orAborted(new Promise(() => {}), signal);
  assert.equal(listeners, 1);
  stop.abort();
  await never;
  assert.equal(listeners, 0);
  await orAborted(new Promise(() => {}), signal);
});
