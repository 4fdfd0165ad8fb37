import assert from "node:assert/strict";
import { joinAliases, parseSymbolTables } from "../../../discovery/code/symbols.ts";

Deno.test("parseSymbolTables() reads functions by table, without versions, and passes over data", () => {
  const text = `
Symbol table '.dynsym' contains 595 entries:
   Num:    Value          Size Type    Bind   Vis      Ndx Name
     0: 0000000000000000     0 NOTYPE  LOCAL  DEFAULT  UND 
     2: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND __printf_chk@GLIBC_2.3.4 (2)
    14: 00000000000166e0   591 FUNC    GLOBAL DEFAULT   15 _ZN3isc3log6Logger4infoERKPKc
    15: 0000000000020000    16 IFUNC   WEAK   DEFAULT   15 krb5_init@@krb5_3_MIT
    16: 0000000000052000     8 OBJECT  UNIQUE DEFAULT   22 _ZGVZN1aE

Symbol table '.symtab' contains 2 entries:
   Num:    Value          Size Type    Bind   Vis      Ndx Name
     1: 0000000000026000 0x186a0 FUNC    LOCAL  DEFAULT   11 _init

String dump of section '.gnu_debuglink':
  [     0]  f9ccf835671b38316788460da1dadaa226b067.debug
  [    33]  o\ufffd
`;
  assert.deepEqual(parseSymbolTables(text), {
    symtab: [{ address: 0x26000, size: 100_000, name: "_init" }],
    dynsym: [
      { address: 0x166e0, size: 591, name: "_ZN3isc3log6Logger4infoERKPKc" },
      { address: 0x20000, size: 16, name: "krb5_init" },
    ],
    link: "f9ccf835671b38316788460da1dadaa226b067.debug",
  });
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
