import assert from "node:assert/strict";
import { joinAliases, parseDebugLinks, parseNm } from "../../discovery/symbols.ts";

Deno.test("parseNm() reads functions by file, without versions, and passes over data", () => {
  const files = parseNm(
    "/usr/lib/libkea-log.so.35.0.0:00000000000166e0 000000000000024f T _ZN3isc3log6Logger4infoERKPKc\n" +
      "/usr/lib/libc.so.6:0000000000026000 t _init\n" +
      "/usr/lib/libkrb5.so.3.3:0000000000020000 0000000000000010 T krb5_init@@krb5_3_MIT\n" +
      "/usr/lib/libkea-log.so.35.0.0:0000000000052000 0000000000000008 u _ZGVZN1aE\n" +
      "nm: /usr/sbin/kea-dhcp4: no symbols\n",
  );
  assert.deepEqual([...files], [
    [
      "/usr/lib/libkea-log.so.35.0.0",
      [{ address: 0x166e0, size: 0x24f, name: "_ZN3isc3log6Logger4infoERKPKc" }],
    ],
    ["/usr/lib/libc.so.6", [{ address: 0x26000, size: 0, name: "_init" }]],
    ["/usr/lib/libkrb5.so.3.3", [{ address: 0x20000, size: 0x10, name: "krb5_init" }]],
  ]);
});

Deno.test("joinAliases() shows names that share an address once, in order of address", () => {
  assert.deepEqual(
    joinAliases([
      { address: 0x20, size: 8, name: "_ZN1AD2Ev" },
      { address: 0x10, size: 4, name: "_ZN1BC1Ev" },
      { address: 0x20, size: 8, name: "_ZN1AD1Ev" },
    ]),
    [
      { address: 0x10, size: 4, mangled: ["_ZN1BC1Ev"] },
      { address: 0x20, size: 8, mangled: ["_ZN1AD1Ev", "_ZN1AD2Ev"] },
    ],
  );
});

Deno.test("parseDebugLinks() reads the link of each file", () => {
  const dump = (link: string) =>
    `\nString dump of section '.gnu_debuglink':\n  [     0]  ${link}\n  [    31]  T<\ufffd\n`;
  assert.deepEqual(
    [...parseDebugLinks(`\nFile: /a\n${dump("aa.debug")}\nFile: /b\n${dump("bb.debug")}`)],
    [["/a", "aa.debug"], ["/b", "bb.debug"]],
  );
  assert.deepEqual([...parseDebugLinks(dump("aa.debug"))], [["", "aa.debug"]]);
});
