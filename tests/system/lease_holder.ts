/** A process that holds a lease on a file, so that the kernel lets no one open it. */

import assert from "node:assert/strict";

const HOLDS = "import fcntl, os, signal, sys; signal.signal(signal.SIGIO, signal.SIG_IGN); " +
  "fd = os.open(sys.argv[1], os.O_RDWR); fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK); " +
  "print(flush=True); sys.stdin.read()";

/** Has a file held until disposed. */
export async function leaseOn(path: string): Promise<AsyncDisposable> {
  const holder = new Deno.Command("python3", {
    args: ["-c", HOLDS, path],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const output = holder.stdout.getReader();
  assert.equal((await output.read()).done, false);
  await output.cancel();
  return {
    [Symbol.asyncDispose]: async () => {
      await holder.stdin.close();
      await holder.status;
    },
  };
}
