import assert from "node:assert/strict";
import { indexCode } from "../../../discovery/code/call_sites.ts";
import { calloutEdges } from "../../../discovery/sites/callouts.ts";
import { parseDisassembly } from "../../../discovery/code/disassembly.ts";

/** callCallouts as compilers make it: PLT, the loop of callouts, and a handler of exceptions. */
const CODE = `
 1000:	ff 25 fa 0f 00 00    	jmp    *0xffa(%rip)        # 2000 <start>
 1010:	ff 25 f2 0f 00 00    	jmp    *0xff2(%rip)        # 2008 <stop>
 1020:	ff 25 ea 0f 00 00    	jmp    *0xfea(%rip)        # 2010 <catch>
 1100:	55                   	push   %rbp
 1101:	c7 82 90 00 00 00 00 	movl   $0x0,0x90(%rdx)
 1108:	89 9d 8c 00 00 00    	mov    %ebx,0x8c(%rbp)
 110e:	8b 03                	mov    (%rbx),%eax
 1110:	89 85 88 00 00 00    	mov    %eax,0x88(%rbp)
 1116:	e8 e5 fe ff ff       	call   1000 <start@plt>
 111b:	48 89 ef             	mov    %rbp,%rdi
 111e:	ff 53 08             	call   *0x8(%rbx)
 1121:	41 89 c4             	mov    %eax,%r12d
 1124:	e8 e7 fe ff ff       	call   1010 <stop@plt>
 1129:	c3                   	ret
 1200:	e8 1b fe ff ff       	call   1020 <catch@plt>
 1205:	4c 89 f7             	mov    %r14,%rdi
 1208:	e8 03 fe ff ff       	call   1010 <stop@plt>
 120d:	c3                   	ret
`;

const SLOTS = new Map([
  [0x2000, "_ZN3isc4util9Stopwatch5startEv"],
  [0x2008, "_ZN3isc4util9Stopwatch4stopEv"],
  [0x2010, "__cxa_begin_catch"],
]);
const FUNCTION = { start: 0x1100, end: 0x112a, frameless: [] };
const COLD = { start: 0x1200, end: 0x120e, frameless: [] };

const edgesOf = (text: string) =>
  calloutEdges(indexCode(parseDisassembly(text), SLOTS, [FUNCTION, COLD]), FUNCTION);

Deno.test("calloutEdges() finds start, ordinary end, end after an exception, and what to read there", () => {
  const edges = edgesOf(CODE);
  assert.ok(!("why" in edges));
  assert.equal(edges.start.address, 0x1116);
  assert.deepEqual(edges.ends.map(({ call }) => call.address), [0x1124, 0x1208]);
  assert.deepEqual(edges.facts, { entry: "bx", handle: "bp", hook: "0x8c", status: "0x90" });
});

const BROKEN: readonly (readonly [string, (text: string) => string, RegExp])[] = [
  [
    "a callout that is not called through its entry",
    (text) => text.replace("call   *0x8(%rbx)", "call   *0x10(%rbx)"),
    /not the known one/,
  ],
  [
    "a handle that keeps the hook point elsewhere",
    (text) => text.replace("mov    %ebx,0x8c(%rbp)", "mov    %ebx,0x94(%rbp)"),
    /not the known one/,
  ],
  [
    "a handler of exceptions that uses the entry's register",
    (text) => text.replace("mov    %r14,%rdi", "mov    %r14,%rbx"),
    /the ends .* are not the known ones/,
  ],
  [
    "a second stopwatch",
    (text) =>
      text.replace(
        "ff 53 08             	call   *0x8(%rbx)",
        "e8 dd fe ff ff       	call   1000",
      ),
    /at one place/,
  ],
];

for (const [name, change, words] of BROKEN) {
  Deno.test(`calloutEdges() refuses ${name}`, () => {
    const edges = edgesOf(change(CODE));
    assert.ok("why" in edges, "it should have been refused");
    assert.match(edges.why, words);
  });
}
