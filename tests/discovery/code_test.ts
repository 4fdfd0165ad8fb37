import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { jumpsInto } from "../../discovery/code.ts";

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
