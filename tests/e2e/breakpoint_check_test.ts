/** Probes of others in a program's memory, at the start of instructions and inside. Needs root. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { disassemble } from "../../discovery/code/disassembly.ts";
import { fileOffset, loadSegments } from "../../discovery/code/elf.ts";
import { functionBounds } from "../../discovery/code/frames.ts";
import { mappedFiles } from "../../discovery/mapped_files.ts";
import { changedCode } from "../../discovery/memory.ts";
import type { Site } from "../../discovery/sites/types.ts";
import { codeBefore, misplacedProbes } from "../../probes/breakpoint_check.ts";
import { until } from "./run_script.ts";
import { pythonProcess } from "../system/python_process.ts";

/** Attaches a probe at an offset of a file by bpftrace, for as long as it is not disposed. */
async function probeAt(path: string, offset: number): Promise<AsyncDisposable> {
  const child = new Deno.Command("bpftrace", {
    args: ["--unsafe", "-e", `uprobe:"${path}":0x${offset.toString(16)} {}`],
    env: { BPFTRACE_VERBOSE: "0" },
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; !text.includes("Attaching");) text += (await reader.read()).value;
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await reader.cancel();
      await child.status;
    },
  };
}

Deno.test("misplacedProbes() distinguishes a probe inside an instruction from another tool's at its start", async () => {
  const folder = await Deno.makeTempDir();
  const path = join(folder, "sleep");
  await Deno.copyFile("/bin/sleep", path);
  const child = new Deno.Command(path, { args: ["1000"] }).spawn();
  try {
    const [file] = await mappedFiles(child.pid);
    const segments = await loadSegments(path);
    // A long instruction in the middle of the file: this process never comes there again.
    const functions = await functionBounds(path);
    const instructions = (await Promise.all(functions.map((bounds) => disassemble(path, bounds))))
      .flat();
    const long = instructions.filter(({ bytes }) => bytes.length / 2 >= 7);
    const [planned, other, third] = long;
    const site = (address: number) => ({ id: "planned", file, address }) as Site;
    const sites = [site(planned!.address)];
    const before = (await codeBefore(child.pid, sites))!;
    const reason = async () => (await misplacedProbes(child.pid, sites, before))?.why ?? "";
    const isSeen = (expected: RegExp) =>
      until(async () => expected.test(await reason()), `${expected}`);
    assert.match(await reason(), /has no probe at planned/);
    {
      await using _ours = await probeAt(path, fileOffset(segments, planned!.address)!);
      await isSeen(/^$/);
      await using _others = await probeAt(path, fileOffset(segments, other!.address)!);
      await until(() => changedCode(child.pid, [file!])!.size === 2, "both are attached");
      assert.equal(await reason(), "");
      await using _wrong = await probeAt(path, fileOffset(segments, third!.address + 2)!);
      await isSeen(/inside an instruction at 0x/);
    }
    await isSeen(/has no probe at planned/);
  } finally {
    child.kill("SIGKILL");
    await child.status;
    await Deno.remove(folder, { recursive: true });
  }
});

/** Runs another program when asked to, as the same process. */
const BECOMES_CAT = `import os, sys
print(flush=True)
sys.stdin.readline()
os.execv("/bin/cat", ["cat"])
`;

Deno.test("misplacedProbes() is not content with a process that runs another program now", async () => {
  await using process = await pythonProcess(BECOMES_CAT, []);
  const { pid } = process;
  const [file] = await mappedFiles(pid);
  const [segment] = (await loadSegments(file!.pinnedPath)).filter(({ executable }) => executable);
  const site = { id: "planned", file, address: segment!.address } as Site;
  const before = (await codeBefore(pid, [site]))!;
  process.ask("").catch(() => {});
  const isOther = () => Deno.readLinkSync(`/proc/${pid}/exe`).endsWith("/cat");
  await until(() => Promise.resolve(isOther()), "it runs another program");
  assert.match((await misplacedProbes(pid, [site], before))!.why, /has no probe at planned/);
});

/** Maps a file as code, writes over its first bytes when asked to, as many as asked. */
const WRITES_OVER = `import mmap, os, sys
f = os.open(sys.argv[1], os.O_RDONLY)
m = mmap.mmap(f, 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
print(flush=True)
for line in sys.stdin:
    n = int(line)
    m[:n] = b"\\xcc" * n
    print(flush=True)
`;

Deno.test("a process that writes over its own code is refused at once", async () => {
  const path = await Deno.makeTempFile({ suffix: ".so" });
  await Deno.writeFile(path, new Uint8Array(2 ** 20));
  try {
    await using process = await pythonProcess(WRITES_OVER, [path]);
    const { pid } = process;
    const file = (await mappedFiles(pid)).find((each) => each.path === path)!;
    assert.equal(changedCode(pid, [file])!.size, 0);
    await process.ask("100000");
    assert.equal(changedCode(pid, [file])!.size, 100_000);
    await process.ask(String(2 ** 20));
    assert.throws(() => changedCode(pid, [file]), {
      name: "DiscoveryError",
      message: /more than 100000 bytes of its code/,
    });
  } finally {
    await Deno.remove(path);
  }
});
