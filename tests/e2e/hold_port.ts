import assert from "node:assert/strict";
import type { Lab } from "../../tools/lab/lab.ts";

/** Has a process hold port 67 of an address where a lab's server is, until disposed. */
export async function holdPort(lab: Lab, address: string): Promise<AsyncDisposable> {
  const holder = new Deno.Command("ip", {
    args: [
      ...["netns", "exec", lab.serverNetns, "setpriv", "--pdeathsig", "KILL", "--"],
      ...["python3", "-c"],
      "import socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); " +
      `s.bind(("${address}", 67)); print("bound", flush=True); sys.stdin.read()`,
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const output = holder.stdout.getReader();
  assert.match(new TextDecoder().decode((await output.read()).value), /^b/);
  return {
    [Symbol.asyncDispose]: async () => {
      await holder.stdin.close();
      await output.cancel();
      await holder.status;
    },
  };
}
