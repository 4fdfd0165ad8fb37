import assert from "node:assert/strict";
import { dataAt, parseCodeSections, parseRelocations, parseSegments } from "../../discovery/elf.ts";

Deno.test("parseRelocations() names GOT slots without the version of the symbol", () => {
  const slots = parseRelocations(
    "0000000000397af0  000000f000000007 R_X86_64_JUMP_SLOT     0000000000000000 pthread_mutex_unlock@GLIBC_2.2.5 + 0\n" +
      "0000000000117c10  0000000500000006 R_X86_64_GLOB_DAT      0000000000000000 _ITM_deregisterTMCloneTable + 0\n" +
      "000000000012d570  0000000000000008 R_X86_64_RELATIVE                         47400\n",
  );
  assert.deepEqual([...slots], [
    [0x397af0, "pthread_mutex_unlock"],
    [0x117c10, "_ITM_deregisterTMCloneTable"],
  ]);
});

Deno.test("parseSegments() reads where a file is mapped and what may run", () => {
  assert.deepEqual(
    parseSegments(
      "  LOAD           0x02f000 0x000000000002f000 0x000000000002f000 0x0a6da1 0x0a6da1 R E 0x1000\n" +
        "  LOAD           0x1117d8 0x00000000001127d8 0x00000000001127d8 0x0062b0 0x006a10 RW  0x1000\n",
    ),
    [
      { offset: 0x2f000, address: 0x2f000, size: 0xa6da1, executable: true },
      { offset: 0x1117d8, address: 0x1127d8, size: 0x62b0, executable: false },
    ],
  );
});

Deno.test("parseCodeSections() reads the sections that hold code", () => {
  assert.deepEqual(
    parseCodeSections(
      "  [ 9] .init             PROGBITS        00000000000eb000 0eb000 000017 00  AX  0   0  4\n" +
        "  [10] .plt              PROGBITS        00000000000eb020 0eb020 006ac0 10  AX  0   0 16\n" +
        "  [18] .init_array       INIT_ARRAY      000000000038cb40 38bb40 000268 08  WA  0   0  8\n",
    ),
    [
      { name: ".init", start: 0xeb000, end: 0xeb017 },
      { name: ".plt", start: 0xeb020, end: 0xf1ae0 },
    ],
  );
});

Deno.test("dataAt() gives the bytes from an address on, and nothing outside", () => {
  const data = [{ address: 0x100, bytes: Uint8Array.of(1, 2, 3) }];
  assert.deepEqual(dataAt(data, 0x101), Uint8Array.of(2, 3));
  assert.equal(dataAt(data, 0x103), undefined);
});
