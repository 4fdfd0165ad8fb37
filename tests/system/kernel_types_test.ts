import assert from "node:assert/strict";
import { KernelTypes, KernelTypesError } from "../../system/kernel_types.ts";

// gcc -gbtf -c members.c && objcopy -O binary --only-section=.BTF --set-section-flags .BTF=alloc members.o
const bytes = Deno.readFileSync(new URL("fixtures/members-gcc-12.2.btf", import.meta.url));
const types = new KernelTypes(bytes);

Deno.test("KernelTypes knows where members are, those of anonymous structures too", () => {
  // By offsetof() of the same compiler.
  const members = {
    plain: { first: 0, second: 4, third: 8 },
    anonymous: { before: 0, a: 8, in_both: 12, other: 8, after: 16 },
    apart: { c: 0, d: 0 },
    bits: { last: 4 },
  };
  for (const [structure, offsets] of Object.entries(members)) {
    for (const [member, offset] of Object.entries(offsets)) {
      assert.equal(types.offsetOf(structure, member), offset, `${structure}.${member}`);
    }
  }
});

Deno.test("KernelTypes refuses what is not there, and bit fields", () => {
  for (
    const [structure, member] of [
      ["nothing", "first"],
      ["plain", "nothing"],
      ["plain", "last"],
      // A name, but of an enumeration.
      ["colour", "RED"],
      ["bits", "high"],
      ["bits", "whole"],
    ] as const
  ) {
    assert.throws(() => types.offsetOf(structure, member), {
      name: "KernelTypesError",
      message: `Cannot find "${structure}.${member}" in the kernel's type information (BTF)`,
    });
  }
});

Deno.test("KernelTypes reads or refuses damaged type information, and ends", () => {
  const looked = (damaged: Uint8Array) => {
    try {
      return new KernelTypes(damaged).offsetOf("anonymous", "in_both");
    } catch (error) {
      if (!(error instanceof KernelTypesError)) throw error;
      return error.message;
    }
  };
  // The names are at the end.
  for (let length = 0; length < bytes.length / 2; length++) {
    assert.equal(typeof looked(bytes.subarray(0, length)), "string");
  }
  for (let at = 0; at < bytes.length; at++) {
    for (const value of [0, 1, 2, 4, 0x7f, 0xff]) looked(bytes.with(at, value));
  }
  assert.equal(looked(new Uint8Array(100)), "Expected BTF");
});

Deno.test("KernelTypes uses what comes before a type of an unknown kind", () => {
  // The kind of `bits`, the twelfth type, which begins at byte 292.
  const unknown = bytes.with(292 + 7, 0x14);
  assert.equal(new KernelTypes(unknown).offsetOf("plain", "third"), 8);
  assert.throws(
    () => new KernelTypes(unknown).offsetOf("bits", "last"),
    /Cannot find "bits.last" .*: it has types of kind 20, known are those up to 19$/,
  );
});
