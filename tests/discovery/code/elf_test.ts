import assert from "node:assert/strict";
import {
  binutils,
  boundsOf,
  dataAt,
  ElfError,
  loadSegments,
  parseCodeSections,
  parseExports,
  parseRelocations,
  parseSegments,
  parseSymbolRanges,
} from "../../../discovery/code/elf.ts";

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

Deno.test("boundsOf() gives the start and the end of an exported function, nothing for another", () => {
  const symbols = parseExports("00000000000479a0 0000000000000130 T PQexecPrepared@@LIBPQ\n");
  assert.deepEqual(boundsOf(symbols, "PQexecPrepared"), { start: 0x479a0, end: 0x47ad0 });
  assert.equal(boundsOf(symbols, "PQexec"), undefined);
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

/** Fields of the first LOAD header of a program, by their place in it. */
const FIELDS = { p_offset: 8, p_vaddr: 16, p_filesz: 32 } as const;

for (const [field, place] of Object.entries(FIELDS)) {
  for (const value of [0xffff_ffff_ffff_f000n, 0x7fff_ffff_ffff_f000n, 0x20_0000_0000_0000n]) {
    Deno.test(`loadSegments() refuses ${field} 0x${value.toString(16)} in one line`, async () => {
      const path = await Deno.makeTempFile();
      try {
        const elf = await Deno.readFile("/bin/true");
        const view = new DataView(elf.buffer);
        const headers = Number(view.getBigUint64(32, true));
        const count = view.getUint16(56, true);
        const load = Array.from({ length: count }, (_, index) => headers + 56 * index)
          .find((at) => view.getUint32(at, true) === 1)!;
        view.setBigUint64(load + place, value, true);
        await Deno.writeFile(path, elf);
        await Deno.chmod(path, 0o644);
        await assert.rejects(loadSegments(path), (error: Error) => {
          assert.ok(error instanceof ElfError, `${error}`);
          assert.equal(error.message.split("\n").length, 1);
          return true;
        });
      } finally {
        await Deno.remove(path);
      }
    });
  }
}

Deno.test("parseSymbolRanges() reads sizes in either notation, and no version", () => {
  const text = `
Symbol table '.dynsym' contains 3 entries:
   Num:    Value          Size Type    Bind   Vis      Ndx Name
     0: 0000000000000000     0 NOTYPE  LOCAL  DEFAULT  UND 
     1: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND getenv@GLIBC_2.2.5 (2)
     2: 0000000000117250   106 FUNC    WEAK   DEFAULT   15 _ZN1aD2Ev@@Base
     3: 00000000003a7440 0x186a0 OBJECT  GLOBAL DEFAULT   24 table
`;
  assert.deepEqual(parseSymbolRanges(text), [
    { address: 0x117250, size: 106, name: "_ZN1aD2Ev" },
    { address: 0x3a7440, size: 100_000, name: "table" },
  ]);
});

Deno.test("however many files are looked into, few copies of them are held at a time", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const paths = Array.from({ length: 40 }, (_, index) => `${folder}/${index}`);
    // Of a length of their own: other tests of this process hold copies, too.
    const elf = await Deno.readFile("/bin/true");
    const size = elf.length + 7919;
    for (const path of paths) await Deno.writeFile(path, elf);
    for (const path of paths) await Deno.truncate(path, size);
    const copies = () =>
      [...Deno.readDirSync("/proc/self/fd")].filter(({ name }) => {
        const fd = `/proc/self/fd/${name}`;
        try {
          return Deno.readLinkSync(fd).startsWith("/memfd:kea-ebpf-copy") &&
            Deno.statSync(fd).size === size;
        } catch {
          return false;
        }
      }).length;
    let most = 0;
    await Promise.all(paths.map(async (path) => {
      const looked = binutils("readelf", ["-lW", path]);
      most = Math.max(most, copies());
      await looked;
      most = Math.max(most, copies());
    }));
    assert.ok(most >= 1 && most <= 4, `${most} copies at a time`);
    // One that cannot be read gives its turn back.
    const refused = await Promise.allSettled(
      Array.from({ length: 6 }, () => binutils("readelf", ["-lW", folder])),
    );
    assert.ok(refused.every(({ status }) => status === "rejected"));
    assert.match(await binutils("readelf", ["-lW", paths[0]!]), /LOAD/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
