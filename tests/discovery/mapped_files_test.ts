import assert from "node:assert/strict";
import { mappedFiles, parseBuildId, parseMaps } from "../../discovery/mapped_files.ts";
import { pythonProcess } from "../system/python_process.ts";

Deno.test("parseMaps() gives the executable mapping of each file once", () => {
  assert.deepEqual(
    parseMaps(
      "5580d65a1000-5580d65d0000 r--p 00000000 fe:00 10706946                   /usr/sbin/kea-dhcp4\n" +
        "5580d65d0000-5580d6677000 r-xp 0002f000 fe:00 10706946                   /usr/sbin/kea-dhcp4\n" +
        "00400000-00401000 r-xp 00000000 fe:00 7                   /tmp/with a blank (deleted)\n" +
        "7ffd0f7f1000-7ffd0f7f3000 r-xp 00000000 00:00 0                          [vdso]\n",
    ),
    [
      {
        range: "5580d65d0000-5580d6677000",
        device: "fe:00",
        inode: 10706946,
        path: "/usr/sbin/kea-dhcp4",
      },
      { range: "400000-401000", device: "fe:00", inode: 7, path: "/tmp/with a blank" },
    ],
  );
});

/** The first bytes of an ELF file whose notes stand at 0x40. */
function elfWith(...notes: readonly number[][]): Uint8Array {
  const bytes = new Uint8Array(256);
  bytes.set([0x7f, 0x45, 0x4c, 0x46]);
  bytes.set(notes.flat(), 64);
  return bytes;
}

const BUILD_ID_NOTE = [4, 0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 0x47, 0x4e, 0x55, 0, 0xca, 0xfe, 1, 2];
const ABI_NOTE = [4, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0x47, 0x4e, 0x55, 0, 0, 0, 0, 0];

Deno.test("parseBuildId() finds the build id among other notes", () => {
  assert.equal(parseBuildId(elfWith(ABI_NOTE, BUILD_ID_NOTE)), "cafe0102");
});

Deno.test("parseBuildId() gives null without the note, and for a file that is not ELF", () => {
  assert.equal(parseBuildId(elfWith(ABI_NOTE)), null);
  assert.equal(parseBuildId(new TextEncoder().encode("#!/bin/sh\n".repeat(20))), null);
  assert.equal(parseBuildId(new Uint8Array()), null);
});

Deno.test("mappedFiles() refuses a process that maps more files than a Kea can", async () => {
  const folder = await Deno.makeTempDir();
  const program = `
import mmap, sys
parts = []
for number in range(501):
    with open(f"{sys.argv[1]}/{number}", "w+b") as file:
        file.write(b"x")
        file.flush()
        parts.append(mmap.mmap(file.fileno(), 1, prot=mmap.PROT_READ | mmap.PROT_EXEC))
print("ready", flush=True)
sys.stdin.read()
`;
  try {
    await using process = await pythonProcess(program, [folder]);
    await assert.rejects(mappedFiles(process.pid), /it maps 5\d\d files, expected 500 at most$/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
