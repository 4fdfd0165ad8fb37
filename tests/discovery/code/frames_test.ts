import assert from "node:assert/strict";
import { parseFrames } from "../../../discovery/code/frames.ts";

/** gcc 12 -O2: a function that leaves by a virtual call in tail place, and one that cannot be followed. */
const FRAMES = `00000000 0000000000000014 00000000 CIE
  Version:               1
  Augmentation:          "zR"
  Code alignment factor: 1
  Data alignment factor: -8
  Return address column: 16
  Augmentation data:     1b
  DW_CFA_def_cfa: r7 (rsp) ofs 8
  DW_CFA_offset: r16 (rip) at cfa-8
  DW_CFA_nop

000000d4 000000000000001c 000000d8 FDE cie=00000000 pc=0000000000001220..0000000000001245
  DW_CFA_advance_loc: 1 to 0000000000001221
  DW_CFA_def_cfa_offset: 16
  DW_CFA_offset: r3 (rbx) at cfa-16
  DW_CFA_advance_loc: 16 to 0000000000001231
  DW_CFA_remember_state
  DW_CFA_def_cfa_offset: 8
  DW_CFA_advance_loc: 7 to 0000000000001238
  DW_CFA_restore_state
  DW_CFA_advance_loc: 7 to 000000000000123f
  DW_CFA_def_cfa_offset: 8
  DW_CFA_nop

000000f4 0000000000000024 0000001c FDE cie=00000000 pc=0000000000001250..0000000000001290
  DW_CFA_advance_loc: 1 to 0000000000001251
  DW_CFA_def_cfa_offset: 16
  DW_CFA_advance_loc: 3 to 0000000000001254
  DW_CFA_def_cfa_register: r6 (rbp)
  DW_CFA_advance_loc: 9 to 000000000000125d
  DW_CFA_def_cfa_expression (DW_OP_breg7 (rsp): 8; DW_OP_plus)
  DW_CFA_advance_loc1: 41 to 0000000000001286
  DW_CFA_def_cfa: r7 (rsp) ofs 8
  DW_CFA_nop

00000118 ZERO terminator
`;

Deno.test("parseFrames() reads functions, and where each has no frame", () => {
  assert.deepEqual(parseFrames(FRAMES), [
    {
      start: 0x1220,
      end: 0x1245,
      frameless: [
        { start: 0x1220, end: 0x1221 },
        { start: 0x1231, end: 0x1238 },
        { start: 0x123f, end: 0x1245 },
      ],
    },
    {
      start: 0x1250,
      end: 0x1290,
      frameless: [{ start: 0x1250, end: 0x1251 }, { start: 0x1286, end: 0x1290 }],
    },
  ]);
});
