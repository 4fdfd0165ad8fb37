/** A process that holds a lease on a file, so that the kernel lets no one open it. */

import { pythonProcess } from "./python_process.ts";

const HOLDS = "import fcntl, os, signal, sys; signal.signal(signal.SIGIO, signal.SIG_IGN); " +
  "fd = os.open(sys.argv[1], os.O_RDWR); fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK); " +
  "print(flush=True); sys.stdin.read()";

/** Has a file held until disposed. */
export async function leaseOn(path: string): Promise<AsyncDisposable> {
  return await pythonProcess(HOLDS, [path]);
}
