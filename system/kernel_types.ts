/**
 * The kernel's own type information (BTF), as /sys/kernel/btf/vmlinux has it.
 *
 * @module
 */

import { Buffer } from "node:buffer";

/** The type information is damaged, of an unknown kind, or lacks what is asked for. */
export class KernelTypesError extends Error {
  override name = "KernelTypesError";
}

/** Bytes that follow a type's first 12, by its kind: always, and for each of its members. Others have none. */
const [ALWAYS, EACH]: readonly Readonly<Record<number, number>>[] = [
  { 1: 4, 3: 12, 14: 4, 17: 4 },
  { 4: 12, 5: 12, 6: 8, 13: 8, 15: 12, 19: 12 },
];

/** The last kind that is known: ENUM64, Linux 6.0. */
const LAST_KIND = 19;

const isStructure = (kind: number) => kind === 4 || kind === 5;

/** Reads it. Its format is that of Documentation/bpf/btf.rst. */
export class KernelTypes {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  /** Where the names begin. */
  readonly #names: number;
  /** Where each type begins; type 0 is void. */
  readonly #starts: number[] = [0];

  /** @throws {KernelTypesError} when it is damaged, or has a kind of type that is not known. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    try {
      if (this.#view.getUint16(0, true) !== 0xeb9f) throw new RangeError("no BTF");
      const header = this.#word(4);
      const types = header + this.#word(8);
      this.#names = header + this.#word(16);
      const end = types + this.#word(12);
      for (let at = types; at < end;) {
        this.#starts.push(at);
        const { kind, members } = this.#infoOf(at);
        if (kind < 1 || kind > LAST_KIND) throw new RangeError(`type of kind ${kind}`);
        at += 12 + (ALWAYS![kind] ?? 0) + (EACH![kind] ?? 0) * members;
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new KernelTypesError(`Cannot read the kernel's type information: ${error.message}`);
    }
  }

  /**
   * Where a structure keeps a member, bytes from its beginning. Members of anonymous structures and unions in it are
   * its own.
   *
   * @throws {KernelTypesError} when there is no such structure or member, or it is a bit field.
   */
  offsetOf(structure: string, member: string): number {
    const name = this.#nameAt(structure);
    for (const at of name === null ? [] : this.#starts) {
      if (at === 0 || this.#word(at) !== name || !isStructure(this.#infoOf(at).kind)) continue;
      const bits = this.#bitsTo(at, this.#nameAt(member));
      if (bits !== null && bits % 8 === 0) return bits / 8;
    }
    throw new KernelTypesError(
      `Cannot find "${structure}.${member}" in the kernel's type information (BTF)`,
    );
  }

  #bitsTo(structure: number, name: number | null): number | null {
    const { members, hasBitFields } = this.#infoOf(structure);
    for (let at = structure + 12; at < structure + 12 * (members + 1); at += 12) {
      const bits = hasBitFields ? this.#word(at + 8) & 0xffffff : this.#word(at + 8);
      if (this.#word(at) === name) return bits;
      const inner = this.#starts[this.#word(at + 4)];
      if (this.#word(at) !== 0 || !inner || !isStructure(this.#infoOf(inner).kind)) continue;
      const innerBits = this.#bitsTo(inner, name);
      if (innerBits !== null) return bits + innerBits;
    }
    return null;
  }

  #infoOf(at: number): { kind: number; members: number; hasBitFields: boolean } {
    const info = this.#word(at + 4);
    return { kind: (info >> 24) & 0x1f, members: info & 0xffff, hasBitFields: info >>> 31 === 1 };
  }

  /** Where a name is among the names; each of them is there once. */
  #nameAt(name: string): number | null {
    const text = new TextEncoder().encode(`\0${name}\0`);
    const at = Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength)
      .indexOf(text, this.#names);
    return at < 0 ? null : at + 1 - this.#names;
  }

  #word(at: number): number {
    return this.#view.getUint32(at, true);
  }
}
