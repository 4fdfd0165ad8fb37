import assert from "node:assert/strict";
import { join } from "node:path";
import {
  exportedFunctions,
  fileOffset,
  loadSegments,
  symbolRanges,
} from "../../discovery/code/elf.ts";
import { attachPointsOf } from "../../probes/attach_points.ts";
import { withCodeMoved } from "../e2e/rewritten_elf.ts";
import { EXECUTABLE, site } from "./server_and_sites.ts";

const LIBRARY = "/usr/lib/x86_64-linux-gnu/libstdc++.so.6";

Deno.test("attachPointsOf() names sites; without a build id it gives an offset that can mean nothing else, or none", async () => {
  const folder = await Deno.makeTempDir();
  try {
    // Its addresses are no offsets in the file, and no other file is said to have its symbols.
    const path = join(folder, "libstdc++.so.6");
    const elf = withCodeMoved(await Deno.readFile(LIBRARY));
    const text = new TextDecoder("latin1").decode(elf);
    elf[text.lastIndexOf(".gnu_debuglink") + 1] = "n".charCodeAt(0);
    await Deno.writeFile(path, elf, { mode: 0o644 });
    await Deno.chmod(folder, 0o755);
    const file = { ...EXECUTABLE, path, pinnedPath: path, buildId: null };
    const exported = await exportedFunctions(path);
    const thrower = exported.find(({ name }) => name === "__cxa_throw")!;
    const segments = await loadSegments(path);
    const code = segments.find(({ executable }) => executable)!;
    const symbols = await symbolRanges(path);
    const isCovered = (number: number) =>
      symbols.some(({ address, size }) => number >= address && number < address + size);
    let free = code.address;
    while (isCovered(free) || isCovered(fileOffset(segments, free)!)) free++;
    const at = (id: string, address: number, more = {}) => site(id, { file, address, ...more });
    const { attachPoints, refusals } = await attachPointsOf([
      site("allocation.start.0", { file: { ...file, buildId: "7d1c0ffee0" } }),
      at("entry", thrower.address, { symbol: "__cxa_throw" }),
      at("free", free),
      at("inside", thrower.address + 1),
      at("outside", 0),
    ], join(folder, "symbols"));
    assert.deepEqual([...attachPoints], [
      ["allocation.start.0", `"${path}":kea_site_allocation_start_0`],
      ["entry", `"${path}":__cxa_throw`],
      ["free", `"${path}":0x${fileOffset(segments, free)!.toString(16)}`],
    ]);
    assert.deepEqual(refusals.map(({ id }) => id), ["inside", "outside"]);
    assert.match(
      refusals[0]!.why,
      /has no build id, and with its symbols bpftrace cannot distinguish/,
    );
    assert.match(refusals[1]!.why, /is not in a part of .* mapped as code/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
