/** A network that takes its time, before a Unix socket. */

import { basename, join } from "node:path";

/** A proxy; disposing ends it and all its connections. */
export interface DelayingProxy extends AsyncDisposable {
  /** Where its socket is, with the name of the other one. */
  readonly folder: string;
}

/**
 * Forwards connections to a socket.
 *
 * @param milliseconds how long each message takes, in each direction.
 */
export async function delayingProxy(path: string, milliseconds: number): Promise<DelayingProxy> {
  const folder = await Deno.makeTempDir({ prefix: "kea-delaying-proxy-" });
  await Deno.chmod(folder, 0o755);
  const own = join(folder, basename(path));
  const listener = Deno.listen({ transport: "unix", path: own });
  await Deno.chmod(own, 0o777);
  const open = new Set<Deno.Conn>();
  const accepting = (async () => {
    for await (const near of listener) {
      const far = await Deno.connect({ transport: "unix", path });
      for (const [from, to] of [[near, far], [far, near]] as const) {
        open.add(from);
        forward(from, to, milliseconds).finally(() => {
          open.delete(from);
          for (const end of [from, to]) close(end);
        });
      }
    }
  })();
  return {
    folder,
    [Symbol.asyncDispose]: async () => {
      listener.close();
      await accepting.catch(() => {});
      for (const connection of open) close(connection);
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Forwards what comes, in its order, each piece some time after it came. */
async function forward(from: Deno.Conn, to: Deno.Conn, milliseconds: number): Promise<void> {
  let sent: Promise<unknown> = Promise.resolve();
  try {
    for await (const piece of from.readable) {
      const due = new Promise((done) => setTimeout(done, milliseconds));
      sent = sent.then(() => due).then(() => write(to, piece));
    }
    await sent;
  } catch {
    // One of the ends is gone.
  }
}

async function write(to: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is closed.
  }
}
