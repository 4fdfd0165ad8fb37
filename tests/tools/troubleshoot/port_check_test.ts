import assert from "node:assert/strict";
import { isInTheWay, portSockets } from "../../../tools/troubleshoot/port_check.ts";

// What ss of iproute2 6.1 shows of Kea 2.2 and of others beside it.
const SOCKETS = `UNCONN 0      0               10.77.0.1:67        0.0.0.0:*    ino:81 sk:1 <->
UNCONN 0      0           192.168.122.1:67        0.0.0.0:*    ino:82 sk:2 <->
UNCONN 0      0          0.0.0.0%virbr0:67        0.0.0.0:*    ino:83 sk:3 <->
UNCONN 0      0               127.0.0.1:67        0.0.0.0:*    ino:84 sk:4 <->
UNCONN 0      0                 0.0.0.0:67        0.0.0.0:*    ino:85 sk:5 <->
UNCONN 0      0                 0.0.0.0:68        0.0.0.0:*    ino:86 sk:6 <->
UNCONN 0      0      [ff02::1:2]%eth0:547           [::]:*    ino:87 sk:7 v6only:1 <->
UNCONN 0      0    [fe80::1c42]%eth0:547           [::]:*    ino:88 sk:8 v6only:1 <->
UNCONN 0      0                    [::]:547           [::]:*    ino:89 sk:9 v6only:1 <->
`;

const ours = [{
  name: "eth0",
  addresses: [{ address: "10.77.0.1", prefix: 12 }, { address: "fe80::1c42", prefix: 64 }],
}];

/** Inodes of the sockets of a port that are in the server's way. */
const inTheWay = (port: number, hasOwn: boolean) =>
  portSockets(SOCKETS, port).filter((socket) => isInTheWay(socket, ours, hasOwn))
    .map(({ inode }) => inode);

Deno.test("isInTheWay() lets others have other addresses and interfaces", () => {
  assert.deepEqual(inTheWay(67, true), ["81", "85"]);
  assert.deepEqual(inTheWay(547, true), ["87", "88", "89"]);
});

Deno.test("isInTheWay() knows that all addresses of any interface keep a server from its own", () => {
  assert.deepEqual(inTheWay(67, false), ["81", "83", "85"]);
});
