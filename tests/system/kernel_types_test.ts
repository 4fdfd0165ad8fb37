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
    bits: { whole: 1, rest: 2, last: 4 },
  };
  for (const [structure, offsets] of Object.entries(members)) {
    for (const [member, offset] of Object.entries(offsets)) {
      assert.equal(types.offsetOf(structure, member), offset, `${structure}.${member}`);
    }
  }
});

Deno.test("KernelTypes refuses what is not there, and a bit field that begins within a byte", () => {
  for (
    const [structure, member] of [
      ["nothing", "first"],
      ["plain", "nothing"],
      ["plain", "last"],
      // A name, but of an enumeration.
      ["colour", "RED"],
      ["bits", "high"],
    ] as const
  ) {
    assert.throws(() => types.offsetOf(structure, member), {
      name: "KernelTypesError",
      message: `Cannot find "${structure}.${member}" in the kernel's type information (BTF)`,
    });
  }
});

Deno.test("KernelTypes refuses damaged type information, and ends", () => {
  for (let length = 0; length < bytes.length; length += 7) {
    try {
      new KernelTypes(bytes.subarray(0, length)).offsetOf("plain", "third");
    } catch (error) {
      if (!(error instanceof KernelTypesError)) throw error;
    }
  }
  const unknown = bytes.slice();
  // The kind of the first type, behind a header of 24 bytes and its name.
  unknown[24 + 7] = 31;
  assert.throws(() => new KernelTypes(unknown), /type of kind 31/);
  assert.throws(() => new KernelTypes(new Uint8Array(100)), /no BTF/);
});
