import assert from "node:assert/strict";
import { parseDisassembly } from "../../discovery/disassembly.ts";
import { switches } from "../../discovery/jump_tables.ts";

/** As in main() of kea-dhcp4 2.2.0: the table's address is loaded long before the switch. */
const code = (between: number) =>
  parseDisassembly(
    [
      "1000:\t4c 8d 25 f9 0f 00 00 \tlea    0xff9(%rip),%r12        # 2000 <x+0x1>",
      ...Array.from({ length: between }, (_, i) => `${(0x1007 + i).toString(16)}:\t90 \tnop`),
      "1100:\t49 63 04 84 \tmovslq (%r12,%rax,4),%rax",
      "1104:\t4c 01 e0 \tadd    %r12,%rax",
      "1107:\t3e ff e0 \tnotrack jmp *%rax",
    ].map((line) => `    ${line}`).join("\n"),
  );

const functions = [{ start: 0x1000, end: 0x1200, frameless: [] }];

/** A table at 0x2000 with two cases, at 0x1150 and 0x1160, and something else behind it. */
function table() {
  const bytes = new Uint8Array(12);
  const view = new DataView(bytes.buffer);
  [0x1150 - 0x2000, 0x1160 - 0x2000, 0x7fffffff].forEach((v, i) => view.setInt32(i * 4, v, true));
  return { address: 0x2000, bytes };
}

Deno.test("switches() finds the cases of a table that is loaded far before the jump", () => {
  const { landings, unresolved } = switches(code(200), functions, [table()]);
  assert.deepEqual([...landings], [0x1150, 0x1160]);
  assert.deepEqual(unresolved, []);
});

Deno.test("switches() tells the jump whose table it cannot read", () => {
  const { unresolved } = switches(code(1), functions, []);
  assert.deepEqual(unresolved.map(({ address }) => address), [0x1107]);
});

Deno.test("switches() takes a jump that loads no offset for a tail call", () => {
  const tail = parseDisassembly(
    "   341ce:\t48 8b 42 08          \tmov    0x8(%rdx),%rax\n   341d3:\tff e0                \tjmp    *%rax\n",
  );
  assert.deepEqual(switches(tail, functions, []).unresolved, []);
});
