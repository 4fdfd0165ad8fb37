import assert from "node:assert/strict";
import { callsOf, indexCode, proveCall, tailJumpsTo } from "../../../discovery/code/call_sites.ts";
import { type Instruction, parseDisassembly } from "../../../discovery/code/disassembly.ts";
import { parseRelocations } from "../../../discovery/code/elf.ts";

const fixture = (name: string) =>
  Deno.readTextFileSync(
    new URL(`../fixtures/memfile_add_lease-kea-2.2.0.${name}.txt`, import.meta.url),
  );

const INNER =
  "_ZN3isc4dhcp16Memfile_LeaseMgr16addLeaseInternalERKN5boost10shared_ptrINS0_6Lease4EEE";
const instructions = parseDisassembly(fixture("objdump"));
const slots = parseRelocations(fixture("relocations"));
const functions = [{ start: 0x233d50, end: 0x233e95, frameless: [] }];
const code = indexCode(instructions, slots, functions);

const CALL = 0x233e10;
const END = 0x233e1a;

/** The code with one instruction changed. */
const altered = (address: number, change: Partial<Instruction>) =>
  indexCode(
    instructions.map((i) => i.address === address ? { ...i, ...change } : i),
    slots,
    functions,
  );

const refusal = (found: ReturnType<typeof proveCall>) => {
  assert.ok("why" in found, "it should have been refused");
  return found.why;
};

Deno.test("callsOf() proves a call and the first emulated instruction after it", () => {
  const [found, ...others] = callsOf(code, INNER);
  assert.ok(found !== undefined && "end" in found);
  assert.equal(found.call.address, CALL);
  assert.equal(found.end.address, END);
  assert.equal(found.target, INNER);
  assert.deepEqual(others, []);
});

Deno.test("tailJumpsTo() finds the jump by which a single-threaded server leaves", () => {
  assert.deepEqual(
    tailJumpsTo(code, INNER, functions[0]!).map(({ address }) => address),
    [0x233e62],
  );
});

Deno.test("proveCall() refuses an address one byte off", () => {
  assert.match(refusal(proveCall(code, CALL + 1, INNER)), /no instruction begins at 0x233e11/);
});

Deno.test("proveCall() refuses an instruction that is no call", () => {
  assert.match(refusal(proveCall(code, CALL - 3, INNER)), /is not a direct call/);
});

Deno.test("proveCall() refuses a call of another function", () => {
  assert.match(refusal(proveCall(code, END, INNER)), /leads to pthread_mutex_unlock, not to/);
});

Deno.test("proveCall() believes relocations, not the names that objdump prints", () => {
  const other = new Map(slots).set(0x398ab0, "_ZN3isc4dhcp5OtherEv");
  assert.match(
    refusal(proveCall(indexCode(instructions, other, functions), CALL, INNER)),
    /leads to _ZN3isc4dhcp5OtherEv/,
  );
});

Deno.test("proveCall() refuses a call outside every known function", () => {
  assert.match(
    refusal(proveCall(indexCode(instructions, slots, []), CALL, INNER)),
    /no function is known to hold 0x233e10/,
  );
});

Deno.test("proveCall() refuses when decoding from the function's start leaves a gap", () => {
  const gap = instructions.filter(({ address }) => address !== 0x233dbe);
  assert.match(
    refusal(proveCall(indexCode(gap, slots, functions), CALL, INNER)),
    /decoding from the function's start does not meet/,
  );
});

Deno.test("proveCall() refuses a branch that lands between the call and its end", () => {
  const jump = altered(0x233e2d, { text: "jne    233e18 <somewhere>" });
  assert.match(refusal(proveCall(jump, CALL, INNER)), /a branch lands at 0x233e18, between/);
});

Deno.test("proveCall() refuses a branch that lands on the end", () => {
  const jump = altered(0x233e2d, { text: "jne    233e1a <somewhere>" });
  assert.match(refusal(proveCall(jump, CALL, INNER)), /a branch lands at 0x233e1a/);
});

Deno.test("proveCall() takes an end that a branch around the call reaches, too, where it may", () => {
  for (const landing of ["233e18", "233e1a"]) {
    const jump = altered(0x233e2d, { text: `jne    ${landing} <somewhere>` });
    const found = proveCall(jump, CALL, INNER, { maySkip: true });
    assert.deepEqual(found, proveCall(indexCode(instructions, slots, functions), CALL, INNER));
  }
});

Deno.test("proveCall() refuses a branch from code that was not decoded", () => {
  const landing = indexCode(instructions, slots, functions, [], [0x233e15]);
  assert.match(refusal(proveCall(landing, CALL, INNER)), /a branch lands at 0x233e15/);
});

Deno.test("proveCall() refuses a function with a switch of unknown targets", () => {
  const unknown = indexCode(
    instructions.map((i) => {
      if (i.address === 0x233db5) return { ...i, text: "movslq (%r12,%rax,4),%rax" };
      return i.address === 0x233dbe ? { ...i, text: "jmp    *%rax" } : i;
    }),
    slots,
    functions,
  );
  assert.match(
    refusal(proveCall(unknown, CALL, INNER)),
    /the target of the jump at 0x233dbe is unknown/,
  );
});

Deno.test("proveCall() refuses when control leaves before an emulated instruction", () => {
  const leaving = altered(0x233e15, { bytes: "f3c3", text: "repz ret" });
  assert.match(refusal(proveCall(leaving, CALL, INNER)), /no emulated instruction follows/);
});

Deno.test("indexCode() finds PLT entries that begin with endbr64", () => {
  const plt = parseDisassembly(
    "    1000:\tf3 0f 1e fa          \tendbr64\n" +
      "    1004:\tf2 ff 25 e5 7f 0a 00 \tbnd jmp *0xa7fe5(%rip)        # a8ff0 <_ZN1aEv@Base>\n",
  );
  const { imports } = indexCode(plt, new Map([[0xa8ff0, "_ZN1aEv"]]), []);
  assert.deepEqual([...imports], [[0x1004, "_ZN1aEv"], [0x1000, "_ZN1aEv"]]);
});

Deno.test("callsOf() knows calls through a slot, as -fno-plt makes them (gcc 12)", () => {
  const noPlt = parseDisassembly(`    1100:	55                   	push   %rbp
    1101:	89 f5                	mov    %esi,%ebp
    1103:	53                   	push   %rbx
    1104:	48 83 ec 08          	sub    $0x8,%rsp
    1108:	ff 15 ca 2e 00 00    	call   *0x2eca(%rip)        # 3fd8 <allocate>
    110e:	89 c3                	mov    %eax,%ebx
    1110:	85 c0                	test   %eax,%eax
    1112:	75 0c                	jne    1120 <f+0x20>
    1114:	48 83 c4 08          	add    $0x8,%rsp`);
  const filled = new Map([[0x3fd8, "allocate"]]);
  const [found, ...others] = callsOf(
    indexCode(noPlt, filled, [{ start: 0x1100, end: 0x1130, frameless: [] }]),
    "allocate",
  );
  assert.ok(found !== undefined && "end" in found, "it is proven");
  assert.deepEqual([found.call.address, found.end.address], [0x1108, 0x1112]);
  assert.deepEqual(others, []);
});
