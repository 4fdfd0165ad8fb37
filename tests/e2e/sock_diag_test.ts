/** The kernel's memory and drop counters of sockets, beside what ss says. Needs root and Kea. */

import assert from "node:assert/strict";
import { dhcpSockets } from "../../system/sock_diag.ts";
import { runAtNetworkOf } from "../../system/network_namespace.ts";
import { textOf } from "../../system/run.ts";
import { type LabOptions, startLab } from "../../tools/lab/lab.ts";
import { endsOf, frame4, frame6 } from "./frames.ts";
import { inClient } from "./watched.ts";
import { discover, solicit, TYPE } from "./wrong_lengths.ts";

/** What ss says of the sockets at a port of DHCP, or of those that get frames. */
async function fromSs(pid: number, kind: "raw" | "udp") {
  const which = kind === "raw" ? ["-0"] : ["-u", "( sport = :67 or sport = :547 )"];
  const ran = await runAtNetworkOf(pid, ["ss", "-H", "-a", "-n", "-m", "-e", ...which]);
  return textOf(ran).split(/\n(?=\S)/).map((socket) => ({
    inode: /\bino:(\d+)/.exec(socket)?.[1],
    queuedBytes: Number(/skmem:\(r(\d+),/.exec(socket)?.[1]),
    drops: Number(/,d(\d+)\)/.exec(socket)?.[1]),
  }));
}

const SERVERS: readonly LabOptions[] = [
  { family: 4, sockets: "raw" },
  { family: 4, sockets: "udp" },
  { family: 6, sockets: "udp" },
];

for (const options of SERVERS) {
  Deno.test(`dhcpSockets() is what ss says, v${options.family} ${options.sockets}`, async () => {
    await using lab = await startLab(options);
    const kind = options.sockets!;
    const home = await Deno.readLink("/proc/thread-self/ns/net");
    Deno.kill(lab.pid, "SIGSTOP");
    try {
      // More than a socket's buffer holds.
      const ends = await endsOf(lab);
      const frames = Array.from(
        { length: 1999 },
        (_, at) =>
          (lab.family === 4
            ? frame4(discover(at, TYPE), ends)
            : frame6(Uint8Array.from(solicit(at)), ends)).toHex(),
      );
      await inClient(lab, "send_frames.ts", [lab.clientInterface], frames.join("\n"));
      const sockets = dhcpSockets(lab.pid, kind)!;
      assert.deepEqual(
        sockets.toSorted((a, b) => a.inode < b.inode ? -1 : 1),
        (await fromSs(lab.pid, kind)).toSorted((a, b) => a.inode! < b.inode! ? -1 : 1),
      );
      const full = sockets.filter(({ drops }) => drops > 0);
      assert.ok(full.length > 0 && full.every(({ queuedBytes }) => queuedBytes > 0));
    } finally {
      Deno.kill(lab.pid, "SIGCONT");
    }
    assert.equal(await Deno.readLink("/proc/thread-self/ns/net"), home);
  });
}

Deno.test("dhcpSockets() knows nothing of a process that has ended", () => {
  // The most process ids that Linux has.
  assert.equal(dhcpSockets(2 ** 22 + 1, "raw"), null);
});
