import assert from "node:assert/strict";
import { fileOffset, parseSegments } from "../../discovery/code/elf.ts";
import { addressesOf, codeMappings, loadBias, ProcessMemory } from "../../discovery/memory.ts";

/** kea-dhcp4 of Debian 12 with its code one page further in the file, with PIE and without. */
const MAPS = `55ed1c2ea000-55ed1c319000 r--p 00000000 fe:00 1001    /tmp/a b/kea-dhcp4
55ed1c319000-55ed1c3c0000 r-xp 00030000 fe:00 1001    /tmp/a b/kea-dhcp4
55ed1c3c0000-55ed1c3fc000 r--p 000d7000 fe:00 1001    /tmp/a b/kea-dhcp4
0042f000-004d6000 r-xp 00030000 fe:00 1002    /tmp/kea-dhcp4 (deleted)
`;
const segmentsAt = (base: number) =>
  parseSegments(
    [0, 0x2f000].map((address, index) =>
      `  LOAD           0x${index === 0 ? "000000" : "030000"} 0x${
        (base + address).toString(16).padStart(16, "0")
      } 0x0000000000000000 0x0a6da1 0x0a6da1 R ${index === 0 ? " " : "E"} 0x1000\n`
    ).join(""),
  );

Deno.test("fileOffset() distinguishes an address from an offset, and accepts only code", () => {
  assert.equal(fileOffset(segmentsAt(0), 0x7927d), 0x7a27d);
  assert.equal(fileOffset(segmentsAt(0x400000), 0x47927d), 0x7a27d);
  assert.equal(fileOffset(segmentsAt(0), 0x1000), null);
  assert.equal(fileOffset(segmentsAt(0), 0xd5da1), null);
});

Deno.test("codeMappings() finds the code of one file by device and inode", () => {
  const mappings = codeMappings(MAPS, { device: "fe:00", inode: 1001 });
  assert.deepEqual(mappings, [
    { start: 0x55ed1c319000, end: 0x55ed1c3c0000, offset: 0x30000 },
  ]);
  assert.deepEqual(addressesOf(mappings, 0x7a27d), [0x55ed1c36327d]);
  assert.deepEqual(codeMappings(MAPS, { device: "fe:01", inode: 1001 }), []);
});

Deno.test("loadBias() is what a program with PIE is moved by, and 0 without", () => {
  const pie = codeMappings(MAPS, { device: "fe:00", inode: 1001 });
  assert.equal(loadBias(pie, segmentsAt(0)), 0x55ed1c2ea000);
  const fixed = codeMappings(MAPS, { device: "fe:00", inode: 1002 });
  assert.equal(loadBias(fixed, segmentsAt(0x400000)), 0);
  assert.equal(loadBias([], segmentsAt(0)), null);
});

Deno.test("ProcessMemory.read() gives pages that are the process's own, and none that are a file's", () => {
  const maps = Deno.readTextFileSync("/proc/self/maps").split("\n");
  const startOf = (mapping: RegExp) =>
    parseInt(maps.find((line) => mapping.test(line))!.split("-")[0]!, 16);
  using memory = ProcessMemory.open(Deno.pid);
  const heap = startOf(/ rw-p .*\[heap\]$/);
  assert.equal(memory.read(heap, 8)?.length, 8);
  // The header of the C library: this process reads it, and shares it with all others.
  assert.equal(memory.read(startOf(/ r--p 00000000 .*\/libc[.-]/), 8), null);
  assert.equal(memory.read(heap + 2 ** 47, 8), null);
  assert.equal(memory.read(2 ** 64, 8), null);
});
