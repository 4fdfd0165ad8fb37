import assert from "node:assert/strict";
import { kernelOffsets } from "../../probes/kernel_offsets.ts";

Deno.test("kernelOffsets() knows all members of the kernel that runs", () => {
  const { task_struct, sk_buff, inode } = kernelOffsets();
  // As in every kernel so far.
  assert.deepEqual({ sk_buff, inode }, { sk_buff: { sk: 24 }, inode: { i_mode: 0 } });
  assert.equal(new Set(Object.values(task_struct)).size, Object.keys(task_struct).length);
});
