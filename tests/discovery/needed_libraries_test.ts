import assert from "node:assert/strict";
import { needsOf } from "../../discovery/code/dynamic_section.ts";
import { ElfError } from "../../discovery/code/elf.ts";
import { neededLibraries, parseLinkerCache } from "../../discovery/needed_libraries.ts";

Deno.test("neededLibraries() finds what the dynamic linker finds", async () => {
  const program = await Deno.realPath("/bin/sh");
  const { stdout } = await new Deno.Command("ldd", { args: [program] }).output();
  const names = new TextDecoder().decode(stdout).matchAll(/^\t(\S+) => /gm);
  const expected = await Promise.all(
    Array.from(
      new TextDecoder().decode(stdout).matchAll(/=> (\/\S+)/g),
      ([, path]) => Deno.realPath(path!),
    ),
  );
  assert.ok([...names].length > 0);
  const found = await Promise.all(
    (await neededLibraries(program)).map((path) => Deno.realPath(path)),
  );
  for (const path of expected) assert.ok(found.includes(path), path);
});

Deno.test("needsOf() refuses what is no ELF file, and what leads out of itself", async () => {
  const file = await Deno.makeTempFile();
  const program = await Deno.readFile(await Deno.realPath("/bin/sh"));
  try {
    for (
      const damage of [
        () => program.slice(0, 50),
        () => new TextEncoder().encode("#!/bin/sh\n".repeat(20)),
        // Where the program headers are: nowhere, and beyond what a number holds.
        () => with64(program, 32, 2n ** 40n),
        () => with64(program, 32, 2n ** 63n),
      ]
    ) {
      await Deno.writeFile(file, damage());
      assert.throws(() => needsOf(file), ElfError);
    }
  } finally {
    await Deno.remove(file);
  }
});

function with64(bytes: Uint8Array<ArrayBuffer>, offset: number, value: bigint) {
  const changed = bytes.slice();
  new DataView(changed.buffer).setBigUint64(offset, value, true);
  return changed;
}

Deno.test("parseLinkerCache() reads the libraries of this machine's kind", () => {
  const machine = Deno.build.arch === "aarch64" ? "AArch64" : "x86-64";
  const cached = parseLinkerCache(
    "1041 libs found in cache `/etc/ld.so.cache'\n" +
      `\tlibz.so.1 (libc6,${machine}) => /lib/here/libz.so.1\n` +
      "\tlibz.so.1 (libc6) => /lib/i386-linux-gnu/libz.so.1\n" +
      `\tlibc.so.6 (libc6,${machine}, OS ABI: Linux 3.2.0) => /lib/here/libc.so.6\n`,
  );
  assert.deepEqual([...cached], [
    ["libz.so.1", ["/lib/here/libz.so.1"]],
    ["libc.so.6", ["/lib/here/libc.so.6"]],
  ]);
});
