/** The code of a running program compared with its files, byte by byte, without the product's own code. */

/** Bytes of mapped code that are not as in the file: address in memory to value. */
export function differences(pid: number, paths: ReadonlySet<string>): Map<number, number> {
  const found = new Map<number, number>();
  using memory = Deno.openSync(`/proc/${pid}/mem`);
  for (const line of Deno.readTextFileSync(`/proc/${pid}/maps`).split("\n")) {
    const match = /^([0-9a-f]+)-([0-9a-f]+) ..x. ([0-9a-f]+) \S+ \d+\s+(\/.*)$/.exec(line);
    if (match === null || !paths.has(match[4]!)) continue;
    const [start, end, offset] = match.slice(1, 4).map((digits) => parseInt(digits, 16));
    const now = new Uint8Array(end! - start!);
    memory.seekSync(start!, Deno.SeekMode.Start);
    for (let filled = 0; filled < now.length;) filled += memory.readSync(now.subarray(filled))!;
    const file = Deno.readFileSync(match[4]!).subarray(offset);
    for (let at = 0; at < now.length; at++) {
      if (now[at] !== (file[at] ?? 0)) found.set(start! + at, now[at]!);
    }
  }
  return found;
}

/** What a process adds to the addresses of a file: 0 where it is a program without PIE. */
export function biasOf(pid: number, path: string): number {
  using file = Deno.openSync(path);
  const header = new Uint8Array(64);
  file.readSync(header);
  // e_type: ET_EXEC.
  if (header[16] === 2) return 0;
  const line = Deno.readTextFileSync(`/proc/${pid}/maps`).split("\n")
    .find((mapping) => mapping.endsWith(` ${path}`))!;
  return parseInt(line, 16);
}
