import assert from "node:assert/strict";
import { listeningPaths } from "../../../discovery/configuration/control_socket.ts";

/** As /proc/PID/net/unix shows them: listening, connected, unnamed, abstract, of another process. */
const TABLE = `Num       RefCount Protocol Flags    Type St Inode Path
0000000040fdb481: 00000002 00000000 00010000 0001 01 101 /run/kea/kea4-ctrl-socket
0000000005fcd87d: 00000003 00000000 00000000 0001 03 102 /run/kea/kea4-ctrl-socket
0000000052783dba: 00000003 00000000 00000000 0001 03 103
0000000039e17fad: 00000002 00000000 00010000 0001 01 104 @abstract
0000000039e17fae: 00000002 00000000 00010000 0001 01 105 kea4 sock
0000000039e17faf: 00000002 00000000 00010000 0001 01 106 /run/other
`;
const INODES = new Set(["101", "102", "103", "104", "105"]);

Deno.test("listeningPaths() finds the sockets on which a server listens", () => {
  assert.deepEqual(listeningPaths(TABLE, INODES), ["/run/kea/kea4-ctrl-socket", "kea4 sock"]);
});

Deno.test("listeningPaths() believes no line that a path of another process may have made", () => {
  const forged = "0000000000000001: 00000002 00000000 00010000 0001 01 999 /tmp/x\n" +
    "0000000000000002: 00000002 00000000 00010000 0001 01 101 /tmp/mine\n";
  assert.deepEqual(listeningPaths(TABLE + forged, INODES), ["kea4 sock"]);
});
