import assert from "node:assert/strict";
import {
  branchTarget,
  dataReference,
  instructionClass,
  parseDisassembly,
} from "../../../discovery/code/disassembly.ts";

const instruction = (bytes: string, text = "") => ({ address: 0x1000, bytes, text });

Deno.test("parseDisassembly() reads address, bytes and words and passes over the rest", () => {
  assert.deepEqual(
    parseDisassembly(
      "\n/usr/sbin/kea-dhcp4:     file format elf64-x86-64\n\n0000000000079000 <f>:\n" +
        "   79282:\t48 8b bc 24 90 00 00 00 \tmov    0x90(%rsp),%rdi\n   7928d:\t74 05 \tje     79294 <f+0x4>\n",
    ),
    [
      { address: 0x79282, bytes: "488bbc2490000000", text: "mov    0x90(%rsp),%rdi" },
      { address: 0x7928d, bytes: "7405", text: "je     79294 <f+0x4>" },
    ],
  );
});

const EMULATED = ["55", "4154", "90", "eb10", "e900000000", "e82e74fbff", "7405", "0f846d050000"];
const SINGLE_STEPPED = [
  "f30f1efa", // endbr64
  "4883ec08", // sub
  "488b07", // mov
  "0f1f4000", // long nop
  "f2e900000000", // bnd jmp: has a prefix
  "c3", // ret
  "ff6018", // indirect jump
  "6690", // nop with an operand-size prefix
  "e3fe", // jrcxz
  "5d", // pop
];

Deno.test("instructionClass() knows what the kernel emulates", () => {
  for (const bytes of EMULATED) {
    assert.equal(instructionClass(instruction(bytes)), "emulated", bytes);
  }
});

Deno.test("instructionClass() takes everything else for single-stepped", () => {
  for (const bytes of SINGLE_STEPPED) {
    assert.equal(instructionClass(instruction(bytes)), "single-stepped", bytes);
  }
});

Deno.test("branchTarget() reads direct branches, not indirect ones", () => {
  assert.equal(branchTarget(instruction("", "call   306b0 <x@plt>")), 0x306b0);
  assert.equal(branchTarget(instruction("", "bnd jmp 2f020 <x>")), 0x2f020);
  assert.equal(branchTarget(instruction("", "jmp    *%rax")), null);
  assert.equal(branchTarget(instruction("", "call   *0x18(%rax)")), null);
});

Deno.test("dataReference() reads the address that objdump computes", () => {
  assert.equal(
    dataReference(instruction("", "lea    0xd16a1(%rip),%rdi        # 118a88 <x+0x1>")),
    0x118a88,
  );
  assert.equal(dataReference(instruction("", "lea    0x100(%rsp),%rax")), null);
});
