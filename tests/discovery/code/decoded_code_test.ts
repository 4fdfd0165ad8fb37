import assert from "node:assert/strict";
import fc from "fast-check";
import { codeOf, jumpsInto } from "../../../discovery/code/decoded_code.ts";
import { ElfError } from "../../../discovery/code/elf.ts";
import { EXECUTABLE } from "../../probes/server_and_sites.ts";

const ADDRESS = 0x1000;
const SIZE = 4096;

Deno.test("jumpsInto() finds every jump into a range, whatever bytes stand around it", () => {
  fc.assert(fc.property(
    fc.uint8Array({ minLength: SIZE, maxLength: SIZE }),
    fc.constantFrom([0xe9], [0x0f, 0x80], [0x0f, 0x84], [0x0f, 0x8f]),
    fc.nat(SIZE - 6),
    fc.integer({ min: 1, max: 299 }),
    (bytes, opcode, at, into) => {
      const range = { start: 0x9000, end: 0x9000 + 300 };
      bytes.set(opcode, at);
      const end = at + opcode.length + 4;
      const displacement = range.start + into - (ADDRESS + end);
      new DataView(bytes.buffer).setInt32(at + opcode.length, displacement, true);
      assert.ok(jumpsInto({ address: ADDRESS, bytes }, range).includes(range.start + into));
    },
  ));
});

Deno.test("jumpsInto() does not count a jump to the beginning, or past the end", () => {
  const bytes = Uint8Array.of(0xe9, 0, 0, 0, 0, 0xe9, 0, 0, 0, 0);
  assert.deepEqual(jumpsInto({ address: 0, bytes }, { start: 5, end: 10 }), []);
});

Deno.test("codeOf() refuses more code than it can decode in one line, and does not try", async () => {
  const path = await Deno.makeTempFile();
  try {
    const elf = await Deno.readFile("/bin/true");
    const view = new DataView(elf.buffer);
    const sections = Number(view.getBigUint64(40, true));
    const code = Array.from({ length: view.getUint16(60, true) }, (_, at) => sections + 64 * at)
      // PROGBITS, to be executed.
      .findLast((at) =>
        view.getUint32(at + 4, true) === 1 && (view.getBigUint64(at + 8, true) & 4n) !== 0n
      )!;
    view.setBigUint64(code + 32, 40n * 2n ** 20n, true);
    await Deno.writeFile(path, elf);
    await Deno.chmod(path, 0o644);
    const file = { ...EXECUTABLE, pinnedPath: path };
    await assert.rejects(codeOf(file), (error: Error) => {
      assert.ok(error instanceof ElfError);
      assert.match(error.message, /^"\/usr\/sbin\/kea-dhcp4" has 41 MB of code, at most 16 MB are/);
      return true;
    });
  } finally {
    await Deno.remove(path);
  }
});
