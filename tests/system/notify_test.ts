import assert from "node:assert/strict";
import { join } from "node:path";
import { ServiceManager } from "../../system/notify.ts";
import { pythonProcess } from "./python_process.ts";

/** Takes datagrams at a socket; a line on its input makes it write those so far to a file. */
const MANAGER = `
import os, socket, sys
address, file = sys.argv[1], sys.argv[2]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind('\\0' + address[1:] if address[0] == '@' else address)
os.write(1, b'there\\n')
for line in sys.stdin:
    with open(file, 'ab') as out: out.write(s.recv(4096))
    os.write(1, b'written\\n')
`;

for (const kind of ["a path", "an abstract name"] as const) {
  Deno.test(`ServiceManager reports to ${kind}, one line per fact`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      const name = `kea-notify-test-${crypto.randomUUID()}`;
      const address = kind === "a path" ? join(folder, "s") : `@${name}`;
      const file = join(folder, "got");
      await using manager = await pythonProcess(MANAGER, [address, file]);
      assert.ok(new ServiceManager(address, null).report({ READY: 1, STATUS: "one\nWATCHDOG=1" }));
      await manager.ask("");
      assert.equal(await Deno.readTextFile(file), "READY=1\nSTATUS=one?WATCHDOG=1\n");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("ServiceManager does not wait for a manager that is gone or does not read", async () => {
  const address = `@kea-notify-test-${crypto.randomUUID()}`;
  const manager = new ServiceManager(address, null);
  assert.equal(manager.report({ WATCHDOG: 1 }), false);
  assert.equal(new ServiceManager(`/${"x".repeat(200)}`, null).report({ WATCHDOG: 1 }), false);
  await using _silent = await pythonProcess(MANAGER, [address, "/dev/null"]);
  let sent = 0;
  while (manager.report({ WATCHDOG: 1 })) assert.ok(sent++ < 100_000);
  assert.ok(sent > 0);
});

Deno.test("ServiceManager.fromEnvironment() reads what systemd sets for this process", () => {
  const inEnvironment = (variables: Record<string, string>) =>
    ServiceManager.fromEnvironment(new Map(Object.entries(variables)));
  assert.equal(inEnvironment({}), null);
  assert.equal(inEnvironment({ NOTIFY_SOCKET: "vsock:2:1234" }), null);
  const [NOTIFY_SOCKET, WATCHDOG_USEC] = ["@there", "60000000"];
  assert.equal(inEnvironment({ NOTIFY_SOCKET })?.watchdogMs, null);
  const ours = String(Deno.pid);
  assert.equal(
    inEnvironment({ NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID: ours })?.watchdogMs,
    60_000,
  );
  assert.equal(
    inEnvironment({ NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID: "1" })?.watchdogMs,
    null,
  );
});
