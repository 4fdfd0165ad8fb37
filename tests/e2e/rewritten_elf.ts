/**
 * Programs and libraries as other linkers lay them out, made from Debian's without a compiler: their
 * instructions and addresses in memory stay, so that a server made of them runs as ever.
 */

/** Offsets of fields in the ELF64 header, a program header, a section header and a symbol. */
const [TYPE, ENTRY, PHOFF, SHOFF, PHNUM, SHNUM] = [16, 24, 32, 40, 56, 60];
const [P_OFFSET, P_VADDR, P_PADDR, P_FILESZ, P_SIZE] = [8, 16, 24, 32, 56];
const [S_TYPE, S_ADDR, S_OFFSET, S_SIZE, S_ENTRY] = [4, 16, 24, 32, 64];
const [PT_LOAD, EXECUTABLE] = [1, 1];
const [ET_EXEC, PAGE] = [2, 0x1000n];

/** Section types. */
const [SHT_SYMTAB, SHT_RELA, SHT_DYNAMIC, SHT_DYNSYM] = [2, 4, 6, 11];

/** Relocations whose addend is an address: R_X86_64_RELATIVE. */
const RELATIVE = 8n;

/** Dynamic tags that hold addresses, DT_PLTGOT to DT_VERNEED. */
const ADDRESS_TAGS = new Set([
  ...[3n, 4n, 5n, 6n, 7n, 12n, 13n, 17n, 23n, 25n, 26n],
  ...[0x6ffffef5n, 0x6ffffff0n, 0x6ffffffcn, 0x6ffffffen],
]);
const [DT_FLAGS_1, DF_1_PIE] = [0x6ffffffbn, 0x08000000n];

/** Where a program without PIE begins. */
const BASE = 0x400000n;

/**
 * Puts everything from the code on one page further in the file, as lld does: addresses and offsets
 * of the code differ from then on.
 */
export function withCodeMoved(elf: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const old = new DataView(elf.buffer, elf.byteOffset, elf.byteLength);
  const code = headers(old, PHOFF, PHNUM, P_SIZE).find((at) =>
    old.getUint32(at, true) === PT_LOAD && (old.getUint32(at + 4, true) & EXECUTABLE) !== 0
  )!;
  const from = old.getBigUint64(code + P_OFFSET, true);
  const moved = new Uint8Array(elf.length + Number(PAGE));
  moved.set(elf.subarray(0, Number(from)));
  moved.set(elf.subarray(Number(from)), Number(from + PAGE));
  const view = new DataView(moved.buffer);
  const move = (at: number) => {
    const offset = view.getBigUint64(at, true);
    if (offset >= from) view.setBigUint64(at, offset + PAGE, true);
  };
  move(SHOFF);
  for (const at of headers(view, PHOFF, PHNUM, P_SIZE)) move(at + P_OFFSET);
  for (const at of headers(view, SHOFF, SHNUM, S_ENTRY)) move(at + S_OFFSET);
  return moved;
}

/** Makes a program without PIE of one with: at addresses that are the same in every process. */
export function withoutPie(elf: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const made = elf.slice();
  const view = new DataView(made.buffer);
  const raise = (at: number) => view.setBigUint64(at, view.getBigUint64(at, true) + BASE, true);
  view.setUint16(TYPE, ET_EXEC, true);
  raise(ENTRY);
  const segments = headers(view, PHOFF, PHNUM, P_SIZE);
  const inFile = (address: bigint): number | null => {
    for (const at of segments) {
      const start = view.getBigUint64(at + P_VADDR, true);
      const isIn = view.getUint32(at, true) === PT_LOAD && address >= start &&
        address < start + view.getBigUint64(at + P_FILESZ, true);
      if (isIn) return Number(address - start + view.getBigUint64(at + P_OFFSET, true));
    }
    return null;
  };
  for (const at of segments) {
    // A header of no place in memory, PT_GNU_STACK, has none afterwards either.
    if (view.getBigUint64(at + P_VADDR, true) === 0n && view.getUint32(at, true) !== PT_LOAD) {
      continue;
    }
    raise(at + P_VADDR);
    raise(at + P_PADDR);
  }
  for (const section of headers(view, SHOFF, SHNUM, S_ENTRY)) {
    if (view.getBigUint64(section + S_ADDR, true) !== 0n) raise(section + S_ADDR);
    const start = Number(view.getBigUint64(section + S_OFFSET, true));
    const end = start + Number(view.getBigUint64(section + S_SIZE, true));
    const type = view.getUint32(section + S_TYPE, true);
    if (type === SHT_SYMTAB || type === SHT_DYNSYM) {
      for (let at = start; at < end; at += 24) {
        const place = view.getUint16(at + 6, true);
        // Neither undefined nor absolute.
        if (place !== 0 && place < 0xff00) raise(at + 8);
      }
    } else if (type === SHT_RELA) {
      for (let at = start; at < end; at += 24) {
        raise(at);
        if ((view.getBigUint64(at + 8, true) & 0xffffffffn) !== RELATIVE) continue;
        raise(at + 16);
        const value = inFile(view.getBigUint64(at, true));
        if (value !== null) view.setBigUint64(value, view.getBigUint64(at + 16, true), true);
      }
    } else if (type === SHT_DYNAMIC) {
      for (let at = start; at < end; at += 16) {
        const tag = view.getBigUint64(at, true);
        if (ADDRESS_TAGS.has(tag)) raise(at + 8);
        if (tag !== DT_FLAGS_1) continue;
        view.setBigUint64(at + 8, view.getBigUint64(at + 8, true) & ~DF_1_PIE, true);
      }
    }
  }
  return made;
}

/** Where the entries of a table of headers begin. */
function headers(view: DataView, table: number, count: number, size: number): number[] {
  const start = Number(view.getBigUint64(table, true));
  return Array.from({ length: view.getUint16(count, true) }, (_, i) => start + i * size);
}
