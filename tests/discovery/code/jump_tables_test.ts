import assert from "node:assert/strict";
import { parseDisassembly } from "../../../discovery/code/disassembly.ts";
import { switches } from "../../../discovery/code/jump_tables.ts";

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

/** A table with some entries, and something else behind it. */
function table(address: number, targets: readonly number[], size: 4 | 8 = 4) {
  const bytes = new Uint8Array(size * (targets.length + 1));
  const view = new DataView(bytes.buffer);
  targets.forEach((target, index) =>
    size === 4
      ? view.setInt32(4 * index, target - address, true)
      : view.setBigUint64(8 * index, BigInt(target), true)
  );
  size === 4
    ? view.setInt32(4 * targets.length, 0x7fffffff, true)
    : view.setBigUint64(8 * targets.length, 0n, true);
  return { address, bytes };
}

Deno.test("switches() finds the cases of a table that is loaded far before the jump", () => {
  const { branchTargets, unresolved } = switches(code(200), functions, [
    table(0x2000, [0x1150, 0x1160]),
  ]);
  assert.deepEqual([...branchTargets], [0x1150, 0x1160]);
  assert.deepEqual(unresolved, []);
});

Deno.test("switches() returns the jump whose table it cannot read", () => {
  const { unresolved } = switches(code(1), functions, []);
  assert.deepEqual(unresolved.map(({ address }) => address), [0x1107]);
});

/** What compilers make of a switch, as objdump prints it. */
const SHAPES: readonly {
  readonly name: string;
  readonly text: string;
  readonly bounds: { readonly start: number; readonly end: number };
  readonly data: ReturnType<typeof table>;
}[] = [
  {
    name: "kea-dhcp4 2.2.0 by r13, printed with a displacement of 0",
    text:
      `   6e825:	4c 8d 2d f8 ec 06 00 	lea    0x6ecf8(%rip),%r13        # dd524 <_ZTSN3isc3log14LoggerNameNullE@@Base+0x2694>
   6e83f:	49 63 44 85 00       	movslq 0x0(%r13,%rax,4),%rax
   6e844:	4c 01 e8             	add    %r13,%rax
   6e847:	ff e0                	jmp    *%rax`,
    bounds: { start: 0x6e000, end: 0x6f800 },
    data: table(0xdd524, [0x6e860, 0x6e8a0]),
  },
  {
    name: "gcc 12 -O2 without PIE",
    text: `  401151:	89 f3                	mov    %esi,%ebx
  401153:	ff 24 fd 08 20 40 00 	jmp    *0x402008(,%rdi,8)`,
    bounds: { start: 0x401140, end: 0x401223 },
    data: table(0x402008, [0x401198, 0x4011b0], 8),
  },
  {
    name: "gcc 12 -O0 without PIE",
    text: `  401150:	48 8b 04 c5 08 20 40 00 	mov    0x402008(,%rax,8),%rax
  401158:	ff e0                	jmp    *%rax`,
    bounds: { start: 0x401134, end: 0x401210 },
    data: table(0x402008, [0x40115a, 0x4011f7], 8),
  },
  {
    name: "gcc 12 -O0",
    text: `    1135:	48 8d 14 85 00 00 00 00 	lea    0x0(,%rax,4),%rdx
    113d:	48 8d 05 bc 0e 00 00 	lea    0xebc(%rip),%rax        # 2000 <_fini+0xdb4>
    1144:	8b 04 02             	mov    (%rdx,%rax,1),%eax
    1147:	48 98                	cltq
    1149:	48 8d 15 b0 0e 00 00 	lea    0xeb0(%rip),%rdx        # 2000 <_fini+0xdb4>
    1150:	48 01 d0             	add    %rdx,%rax
    1153:	ff e0                	jmp    *%rax`,
    bounds: { start: 0x1119, end: 0x120b },
    data: table(0x2000, [0x1155, 0x1167]),
  },
];

for (const { name, text, bounds, data } of SHAPES) {
  Deno.test(`switches() follows a switch of ${name}`, () => {
    const known = [{ ...bounds, frameless: [] }];
    const { branchTargets, unresolved } = switches(parseDisassembly(text), known, [data]);
    assert.equal(branchTargets.size, 2);
    assert.ok(branchTargets.values().every((at) => at > bounds.start && at < bounds.end));
    assert.deepEqual(unresolved, []);
  });
}

/** A virtual call in tail place: gcc 12 -O2. */
const TAIL = parseDisassembly(`    123e:	5b                   	pop    %rbx
    123f:	48 8b 40 10          	mov    0x10(%rax),%rax
    1243:	ff e0                	jmp    *%rax`);

Deno.test("switches() takes a jump for a call in tail place where the function has no frame", () => {
  const frameless = [{ start: 0x123f, end: 0x1245 }];
  const { unresolved } = switches(TAIL, [{ start: 0x1220, end: 0x1245, frameless }], []);
  assert.deepEqual(unresolved, []);
});

Deno.test("switches() returns a jump of unknown shape where the function has its frame", () => {
  const { unresolved } = switches(TAIL, [{ start: 0x1220, end: 0x1245, frameless: [] }], []);
  assert.deepEqual(unresolved.map(({ address }) => address), [0x1243]);
});

Deno.test("switches() takes a jump through a slot of the linker for one to another function", () => {
  const plt = parseDisassembly(
    "    1030:	ff 25 e2 2f 00 00    	jmp    *0x2fe2(%rip)        # 4018 <g@Base>\n",
  );
  const { unresolved } = switches(plt, [{ start: 0x1020, end: 0x1040, frameless: [] }], []);
  assert.deepEqual(unresolved, []);
});
